import { describe, expect, it } from 'vitest';
import { costLines, medians, ratioLines, type Run } from './report.js';
import { type Measured, MEASURES } from './run.js';

function run(contestant: string, repetition: number, measured: Partial<Measured>): Run {
  const zero = Object.fromEntries(MEASURES.map((measure) => [measure, 0])) as Measured;
  return { contestant, repetition, measured: { ...zero, ...measured } };
}

describe('ratios', () => {
  it('compares what ran in one round, for the machine may be twice as fast in the next', () => {
    const runs = [
      ['controller-runtime', 1, 300],
      ['sidestep', 1, 285],
      ['sidestep', 2, 140],
      ['controller-runtime', 2, 150],
      ['controller-runtime', 3, 280],
      ['sidestep', 3, 294],
    ].map(([name, round, objectsPerSecond]) => run(name as string, round as number, { objectsPerSecond } as Measured));
    expect(ratioLines(runs)[0]).toBe(
      'sidestep / controller-runtime: objects per second 0.95, in the rounds 0.93 to 1.05 (at least 0.90: met)',
    );
  });

  it('says which bar is missed', () => {
    const runs = [run('client-node', 1, { p99Ms: 40 }), run('sidestep', 1, { p99Ms: 30 })];
    expect(ratioLines(runs)).toContain(
      'sidestep / client-node: p99 0.75, in the rounds 0.75 to 0.75 (at most 0.50: MISSED)',
    );
  });

  it('leaves out who did not play, or not in the same round', () => {
    const measured = { objectsPerSecond: 1, cpuMsPerObject: 1, p99Ms: 1 };
    expect(ratioLines([run('sidestep', 1, measured), run('controller-runtime', 2, measured)])).toEqual([]);
    expect(ratioLines([run('controller-runtime', 1, measured)])).toEqual([]);
  });
});

it('tells what an object costs, whoever paid', () => {
  const all = medians([run('sidestep', 1, { cpuMsPerObject: 1.5, serverCpuMsPerObject: 5.4 })]);
  expect(costLines(all)).toEqual([
    'sidestep: an object takes 6.90 ms of CPU: 1.50 ms of its own, 5.40 ms of server and driver',
  ]);
});
