import { CONTESTANTS, OURS } from './contestants.js';
import { type Measured, MEASURES } from './run.js';
import { csv, median, table } from './statistics.js';

/** One run of one contestant; `repetition` begins at 1. */
export interface Run {
  contestant: string;
  repetition: number;
  measured: Measured;
}

/** What our runtime must reach beside a peer: its own number divided by the peer's. */
interface Bar {
  measure: (typeof MEASURES)[number];
  what: string;
  atLeast?: number;
  atMost?: number;
}

const BARS: Record<string, readonly Bar[]> = {
  'client-node': [
    { measure: 'objectsPerSecond', what: 'objects per second', atLeast: 2 },
    { measure: 'cpuMsPerObject', what: 'CPU per object', atMost: 1 / 3 },
    { measure: 'p99Ms', what: 'p99', atMost: 1 / 2 },
  ],
  'controller-runtime': [
    { measure: 'objectsPerSecond', what: 'objects per second', atLeast: 0.9 },
    { measure: 'cpuMsPerObject', what: 'CPU per object', atMost: 2 },
    { measure: 'p99Ms', what: 'p99', atMost: 1.5 },
  ],
};

const COLUMNS: readonly [title: string, measure: (typeof MEASURES)[number], digits: number][] = [
  ['wall s', 'wallSeconds', 1],
  ['objects/s', 'objectsPerSecond', 0],
  ['CPU ms/object', 'cpuMsPerObject', 2],
  ['peak MB', 'peakMemoryMb', 0],
  ['writes/object', 'writesPerObject', 2],
  ['connections', 'connections', 0],
  ['p50 ms', 'p50Ms', 1],
  ['p99 ms', 'p99Ms', 1],
  ['writes/edit', 'writesPerEdit', 2],
  ['idle req/min', 'idleRequestsPerMinute', 0],
  ['idle CPU ms/min', 'idleCpuMsPerMinute', 0],
  ['API server CPU s', 'apiServerCpuSeconds', 1],
  ['busy cores', 'busyCores', 2],
];

/** All runs, one per line, with everything that was measured. */
export function rawCsv(runs: readonly Run[]): string {
  return csv(runs.map(({ contestant, repetition, measured }) => ({ contestant, repetition, ...measured })));
}

/** The middle of all runs of each contestant. */
export function medians(runs: readonly Run[]): Map<string, Measured> {
  const names = CONTESTANTS.filter((name) => runs.some(({ contestant }) => contestant === name));
  const of = (name: string): Measured => {
    const own = runs.filter(({ contestant }) => contestant === name).map(({ measured }) => measured);
    return Object.fromEntries(
      MEASURES.map((measure) => [measure, median(own.map((one) => one[measure]))]),
    ) as unknown as Measured;
  };
  return new Map(names.map((name) => [name, of(name)]));
}

/** The medians as a table for people. */
export function medianTable(all: ReadonlyMap<string, Measured>): string {
  const rows = [...all].map(([name, measured]) => [
    name,
    ...COLUMNS.map(([, measure, digits]) => measured[measure].toFixed(digits)),
  ]);
  return table([['', ...COLUMNS.map(([title]) => title)], ...rows]);
}

/**
 * Our numbers divided by each peer's, and whether the bars are met: the middle of the ratios of all rounds. What ran within a minute met
 * about the same machine, medians of the whole time did not: the same work takes up to twice the CPU time when others use the cores.
 */
export function ratioLines(runs: readonly Run[]): string[] {
  return CONTESTANTS.filter((name) => name !== OURS).flatMap((peer) => {
    // A peer without bars of its own is shown by the same numbers.
    const bars = BARS[peer] ?? (BARS['controller-runtime'] ?? []).map(({ measure, what }): Bar => ({ measure, what }));
    return bars.flatMap((bar) => {
      const ratios = ratiosOf(runs, peer, bar.measure);
      return ratios.length === 0 ? [] : [ratioLine(peer, bar, ratios)];
    });
  });
}

/** One for each round in which both played. */
function ratiosOf(runs: readonly Run[], peer: string, measure: Bar['measure']): number[] {
  return runs
    .filter(({ contestant }) => contestant === OURS)
    .flatMap(({ repetition, measured }) => {
      const theirs = runs.find((run) => run.contestant === peer && run.repetition === repetition)?.measured;
      return theirs ? [measured[measure] / theirs[measure]] : [];
    });
}

function ratioLine(peer: string, { what, atLeast, atMost }: Bar, ratios: readonly number[]): string {
  const ratio = median(ratios);
  const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
  const text = `${OURS} / ${peer}: ${what} ${ratio.toFixed(2)}, in the rounds ${range}`;
  if (atLeast !== undefined) return `${text} (at least ${atLeast.toFixed(2)}: ${ratio >= atLeast ? 'met' : 'MISSED'})`;
  if (atMost !== undefined) return `${text} (at most ${atMost.toFixed(2)}: ${ratio <= atMost ? 'met' : 'MISSED'})`;
  return text;
}

/**
 * The CPU time behind one object, whoever used it. On a machine that is the limit this decides how many objects a second there are, and the
 * part of server and driver is what no contestant can go below.
 */
export function costLines(all: ReadonlyMap<string, Measured>): string[] {
  return [...all].map(([name, { cpuMsPerObject, serverCpuMsPerObject }]) => {
    const ms = (value: number): string => `${value.toFixed(2)} ms`;
    const whole = ms(cpuMsPerObject + serverCpuMsPerObject);
    return `${name}: an object takes ${whole} of CPU: ${ms(cpuMsPerObject)} of its own, ${ms(serverCpuMsPerObject)} of server and driver`;
  });
}

/** What the machine does to these numbers. */
export function machineLines(all: ReadonlyMap<string, Measured>, cores: number): string[] {
  return [...all].map(([name, measured]) => {
    const { busyCores, apiServerCpuSeconds, etcdCpuSeconds, driverCpuSeconds, othersCpuSeconds, wallSeconds } =
      measured;
    const limit = busyCores > 0.9 * cores ? 'the machine is the limit' : 'the machine has time left';
    const others = othersCpuSeconds > 0.1 * cores * wallSeconds ? '; NOT QUIET: others took much of it' : '';
    const parts = [
      `API server ${apiServerCpuSeconds.toFixed(1)} s`,
      `etcd ${etcdCpuSeconds.toFixed(1)} s`,
      `driver ${driverCpuSeconds.toFixed(1)} s`,
      `others ${othersCpuSeconds.toFixed(1)} s`,
    ];
    return `${name}: ${busyCores.toFixed(2)} of ${cores} cores busy (${parts.join(', ')}): ${limit}${others}`;
  });
}
