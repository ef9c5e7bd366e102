import { describe, expect, it } from 'vitest';

import { createLogger, silentLogger } from './log.js';

function collect(level: 'debug' | 'info' | 'error' | 'silent') {
  const lines: string[] = [];
  const log = createLogger({ level, destination: { write: (line) => void lines.push(line) } });
  return { log, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('createLogger', () => {
  it('writes level, time, fields and message of each line', () => {
    const { log, parsed } = collect('info');
    log.child({ controller: 'gateway' }).info({ object: 'shop/web' }, 'object applied');
    expect(parsed()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
        controller: 'gateway',
        object: 'shop/web',
        msg: 'object applied',
      },
    ]);
  });

  it('adds the fields of a child, and of those above it, to each line', () => {
    const { log, parsed } = collect('debug');
    const run = log.child({ controller: 'gateway' }).child({ object: 'shop/web' });
    run.debug({}, 'a');
    run.error({ object: 'shop/other' }, 'b');
    expect(parsed()).toMatchObject([
      { level: 'debug', controller: 'gateway', object: 'shop/web', msg: 'a' },
      { level: 'error', controller: 'gateway', object: 'shop/other', msg: 'b' },
    ]);
  });

  it('writes errors with their causes', () => {
    const { log, parsed } = collect('error');
    log.error({ err: new Error('outer', { cause: new TypeError('inner') }) }, 'reconcile failed');
    expect(parsed()[0]?.['err']).toMatchObject({ type: 'Error', message: 'outer: inner' });
  });

  it('leaves out what is below its level', () => {
    const { log, parsed } = collect('error');
    log.debug({}, 'a');
    log.info({}, 'b');
    log.error({}, 'c');
    expect(parsed().map((line) => line['msg'])).toEqual(['c']);
    const none = collect('silent');
    none.log.error({}, 'd');
    expect(none.parsed()).toEqual([]);
  });
});

describe('silentLogger', () => {
  it('takes everything, its children too', () => {
    expect(() => silentLogger.child({}).error({ err: new Error('x') }, 'y')).not.toThrow();
  });
});
