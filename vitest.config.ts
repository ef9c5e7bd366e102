import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { plantedFault } from './test/conformance/faults.js';
import { LongestFirst } from './test/support/longest-first.js';

/** Files that run against both servers: the embedded cluster and the real control plane. */
const onBoth = ['test/conformance/**/*.test.ts', 'test/simulators/**/*.test.ts', 'test/kubectl/**/*.test.ts'];

/** Files that run side by side, each with a real control plane of its own: on two cores, for much of their time is waiting. */
const LANES = 3;

export default defineConfig({
  test: {
    reporters: ['./test/support/reporter.ts'],
    // Vitest leaves one core free; these tests wait more than they work.
    maxWorkers: availableParallelism(),
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{src,cdk8s,scripts,bench,test/support}/**/*.test.ts'],
          // Milliseconds for most of them; some start a server, on a machine that may be busy with something else.
          testTimeout: 60_000,
          // No test may lean on one that ran before it.
          sequence: { shuffle: { files: false, tests: true } },
        },
      },
      {
        plugins: plantedFault(),
        test: {
          name: 'sandbox',
          include: onBoth,
          provide: { kubeconfig: '' },
          testTimeout: 30_000,
          // Starting a sandbox takes a second; on a machine with much else to do, ten.
          hookTimeout: 60_000,
          sequence: { shuffle: { files: false, tests: true } },
        },
      },
      {
        test: {
          name: 'conformance',
          include: onBoth,
          globalSetup: ['test/conformance/real-control-plane.ts'],
          runner: 'test/support/time-limit.ts',
          // All files share one control plane, with its nodes, its mesh and its webhooks.
          maxWorkers: 1,
          isolate: false,
          // The real controllers run beside each other, and some outcomes depend on who is faster, the more so on a busy machine: what
          // differs three times, differs.
          retry: 4,
          testTimeout: 120_000,
          hookTimeout: 900_000,
          sequence: { groupOrder: 2, shuffle: { files: false, tests: true } },
        },
      },
      {
        test: {
          // What the project controlplane runs, as far as it needs no real program, on a cluster for each half: for two cores.
          name: 'e2e',
          include: ['test/e2e/e2e-*.test.ts'],
          provide: { cluster: 'sandbox' },
          // Time is simulated: these are for machines that are busy with something else.
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          // A crash, an old view or a rollback at each of the operator's writes, a spec changed 200 times: only simulated time
          // makes that possible. And what draws too many meshes for a unit test.
          name: 'campaigns',
          include: ['test/e2e/every-write-*.test.ts', 'test/e2e/spec-mutations.test.ts', 'test/campaigns/*.test.ts'],
          provide: { cluster: 'sandbox' },
          // Time is simulated: these are for machines that are busy with something else.
          testTimeout: 900_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'controlplane',
          include: ['test/controlplane/**/*.test.ts', 'test/e2e/e2e-*.test.ts', 'test/e2e/readme.test.ts'],
          provide: { cluster: 'controlplane' },
          runner: 'test/support/time-limit.ts',
          maxWorkers: LANES,
          // Of the tests that may run at the same time: they wait for controllers and for time to pass.
          maxConcurrency: 10,
          sequence: { groupOrder: 1 },
          testTimeout: 400_000,
          // The first start builds the control plane with Go.
          hookTimeout: 900_000,
        },
      },
    ],
  },
});
