import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuditLog } from './audit.js';

describe('AuditLog', () => {
  let folder = '';
  let path = '';

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'audit-'));
    path = join(folder, 'audit.jsonl');
    writeFileSync(path, '');
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const verbs = (log: AuditLog): string[] => log.entries().map(({ verb }) => verb);

  it('reads each line once it is complete, also if it ends in the midst of a character', () => {
    const log = new AuditLog(path);
    expect(verbs(log)).toEqual([]);
    const second = Buffer.from('{"verb":"pätch"}\n');
    appendFileSync(path, Buffer.concat([Buffer.from('{"verb":"get"}\n'), second.subarray(0, 11)]));
    expect(verbs(log)).toEqual(['get']);
    appendFileSync(path, second.subarray(11));
    appendFileSync(path, '{"verb":"list"}\n');
    expect(verbs(log)).toEqual(['get', 'pätch', 'list']);
    expect(verbs(log)).toEqual(['get', 'pätch', 'list']);
  });

  it('gives each caller a list of its own, which does not grow', () => {
    const log = new AuditLog(path);
    const before = log.entries();
    before.push({} as never);
    appendFileSync(path, '{"verb":"get"}\n');
    expect(verbs(log)).toEqual(['get']);
    expect(before).toHaveLength(1);
  });
});
