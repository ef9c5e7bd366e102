import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { tryLock } from './lock.js';

let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'sidestep-lock-'))));
afterEach(() => rmSync(dir, { recursive: true }));

test('a lock is held by one at a time, and can be taken again', () => {
  const path = join(dir, 'deep', 'lock');
  const first = tryLock(path);
  expect(tryLock(path)).toEqual({ heldBy: process.pid });
  if ('release' in first) first.release();
  expect(existsSync(path)).toBe(false);
  expect(tryLock(path)).toHaveProperty('release');
});

test('a lock of a process that has ended is taken over', () => {
  const path = join(dir, 'lock');
  const ended = execFileSync(process.execPath, ['-e', 'process.stdout.write(String(process.pid))'], {
    encoding: 'utf8',
  });
  writeFileSync(path, ended);
  expect(tryLock(path)).toHaveProperty('release');
});

test('a lock of another process that lives is not taken', () => {
  const path = join(dir, 'lock');
  writeFileSync(path, String(process.ppid));
  expect(tryLock(path)).toEqual({ heldBy: process.ppid });
});
