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

/** Our medians divided by each peer's, and whether the bars are met. */
export function ratioLines(all: ReadonlyMap<string, Measured>): string[] {
  const ours = all.get(OURS);
  if (!ours) return [];
  return [...all]
    .filter(([peer]) => peer !== OURS)
    .flatMap(([peer, theirs]) => {
      // A peer without bars of its own is shown by the same numbers.
      const bars =
        BARS[peer] ?? (BARS['controller-runtime'] ?? []).map(({ measure, what }): Bar => ({ measure, what }));
      return bars.map((bar) => ratioLine(peer, bar, ours[bar.measure] / theirs[bar.measure]));
    });
}

function ratioLine(peer: string, { what, atLeast, atMost }: Bar, ratio: number): string {
  const text = `${OURS} / ${peer}: ${what} ${ratio.toFixed(2)}`;
  if (atLeast !== undefined) return `${text} (at least ${atLeast.toFixed(2)}: ${ratio >= atLeast ? 'met' : 'MISSED'})`;
  if (atMost !== undefined) return `${text} (at most ${atMost.toFixed(2)}: ${ratio <= atMost ? 'met' : 'MISSED'})`;
  return text;
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
