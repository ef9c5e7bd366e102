import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vitest/config';
import { parse } from 'yaml';
import { repositoryRoot } from '../controlplane/paths.js';

/** A line of the sandbox that is made wrong on purpose, and the case that must notice. */
export interface Fault {
  /** File of the case, below `test/`. */
  test: string;
  /** Full name of the case that must fail: its area, then what it checks. */
  case: string;
  /** Below `src/sandbox/`. */
  file: string;
  /** Part of one line of the file; it must occur exactly once. */
  line: string;
  /** What stands there instead. */
  faulty: string;
}

/** Which of {@link faults} is planted in a run: the environment variable that says so. */
export const faultVariable = 'PLANTED_FAULT';

/** All of `faults.yaml`: at least one for each area. */
export function faults(): Fault[] {
  const path = join(repositoryRoot, 'test', 'conformance', 'faults.yaml');
  const byTest = parse(readFileSync(path, 'utf8')) as Record<string, Omit<Fault, 'test'>[]>;
  return Object.entries(byTest).flatMap(([test, list]) => list.map((fault) => ({ test, ...fault })));
}

/** Plants the fault that the environment asks for into the modules that a test run loads. */
export function plantedFault(): Plugin[] {
  const number = process.env[faultVariable];
  if (number === undefined) return [];
  const fault = faults()[Number(number)];
  if (fault === undefined) throw new Error(`${faultVariable}: there is no fault ${number}`);
  const path = join(repositoryRoot, 'src', 'sandbox', fault.file);
  return [
    {
      name: 'planted-fault',
      enforce: 'pre',
      transform: (code, id) => (id === path ? plant(fault, code) : undefined),
    },
  ];
}

function plant(fault: Fault, text: string): string {
  const parts = text.split(fault.line);
  if (parts.length !== 2) {
    throw new Error(`${fault.file} has "${fault.line}" ${parts.length - 1} times: change test/conformance/faults.yaml`);
  }
  return parts.join(fault.faulty);
}
