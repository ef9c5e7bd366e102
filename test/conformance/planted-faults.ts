import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from '../controlplane/paths.js';
import { inShare } from '../support/share.js';
import { type Fault, faults, faultVariable } from './faults.js';

/*
 * `make faults`: shows that the conformance suite can fail. Each fault is planted in the sandbox, one at a time, and the case
 * that it names must fail.
 */

/** How long one case may take, with the start of everything, in milliseconds. */
const patienceMs = 120_000;

/** Runs one case with a fault planted; returns whether the case failed, as it must, and what was printed. */
function isNoticed(fault: Fault, index: number): Promise<{ noticed: boolean; printed: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [
        join('node_modules', 'vitest', 'vitest.mjs'),
        'run',
        ...['--project', 'sandbox', join('test', fault.test), '-t', exactly(fault)],
      ],
      // A fault that makes an endless loop has not been noticed by any case.
      { cwd: repositoryRoot, env: { ...process.env, [faultVariable]: String(index) }, timeout: patienceMs },
    );
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += String(chunk)));
    child.once('error', reject);
    // A file that does not load at all fails no case.
    child.once('close', () => resolve({ noticed: /\n0 passed, 1 failed/.test(printed), printed }));
  });
}

/** A pattern for the full name of the case. */
function exactly(fault: Fault): string {
  return `^${fault.case.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`;
}

let passed = 0;
let failed = 0;
const waiting = inShare([...faults().entries()]);

async function work(): Promise<void> {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const [index, fault] = next;
    const { noticed, printed } = await isNoticed(fault, index);
    if (noticed) passed += 1;
    else failed += 1;
    console.log(`${noticed ? 'noticed ' : 'UNNOTICED'} ${fault.case}`);
    if (!noticed) console.log(`  ${fault.file}: ${fault.faulty}\n${printed.split('\n').slice(-30).join('\n')}`);
  }
}

await Promise.all(Array.from({ length: Math.max(1, availableParallelism()) }, work));
console.log(`\n${passed} passed, ${failed} failed`);
if (failed > 0 || passed === 0) process.exitCode = 1;
