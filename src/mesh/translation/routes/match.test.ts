import { describe, expect, it } from 'vitest';
import { many } from '../../../../test/support/routes/written.js';
import { anything, conditionsOf, mayBothHold } from './match.js';
import { Remarks } from './remarks.js';

const methodsOf = (method: unknown): (string | undefined)[] => {
  const remarks = new Remarks();
  const conditions = conditionsOf({ method }, 'x', remarks);
  expect(remarks.refused).toEqual([]);
  return conditions.map((one) => one.method);
};

describe('a match', () => {
  it.each<[unknown, (string | undefined)[]]>([
    [undefined, [undefined]],
    [null, [undefined]],
    [{ exact: 'GET' }, ['GET']],
    [{ regex: 'GET' }, ['GET']],
    [{ regex: 'GET|POST|PUT' }, ['GET', 'POST', 'PUT']],
    [{ regex: '(GET|POST)' }, ['GET', 'POST']],
    [{ regex: 'GET|GET' }, ['GET']],
  ])('of %j is one for each method', (method, methods) => {
    expect(methodsOf(method)).toEqual(methods);
  });

  const patterns = 'an HTTPRoute names methods, and no patterns of them';
  it.each<[unknown, string]>([
    [{}, patterns],
    [{ prefix: 'G' }, patterns],
    [{ regex: 'GET.*' }, patterns],
    [{ regex: '.*GET' }, patterns],
    [{ regex: '' }, patterns],
    [{ exact: 'GET', regex: 'GET|POST' }, patterns],
    [{ exact: 'PURGE' }, 'PURGE is no method that an HTTPRoute can name'],
    [{ regex: 'GET|PURGE' }, 'PURGE is no method that an HTTPRoute can name'],
  ])('of the methods %j is refused', (method, message) => {
    const remarks = new Remarks();
    conditionsOf({ method }, 'x', remarks);
    expect(remarks.refused).toEqual([{ at: 'x.method', message }]);
  });

  it.each([
    [80, 80],
    [0, undefined],
    [undefined, undefined],
    ['http', undefined],
  ])('of port %s asks for port %s', (port, expected) => {
    const [condition] = conditionsOf({ port }, 'x', new Remarks());
    expect(condition?.port).toBe(expected);
  });

  const long = (length: number): string => 'a'.repeat(length);
  const headers = (count: number): object => Object.fromEntries(many(count, (index) => [`x${index}`, {}]));
  it.each<[string, Record<string, unknown>, Record<string, unknown>, string, string]>([
    [
      'a path',
      { uri: { exact: long(1024) } },
      { uri: { exact: long(1025) } },
      'x.uri',
      'is longer than an HTTPRoute has room for',
    ],
    [
      'a value',
      { headers: { a: { regex: long(1024) } } },
      { headers: { a: { regex: long(1025) } } },
      'x.headers[a]',
      'is longer than an HTTPRoute has room for',
    ],
    [
      'the name of a parameter',
      { queryParams: { [long(256)]: {} } },
      { queryParams: { [long(257)]: {} } },
      `x.queryParams[${long(257)}]`,
      'is a name that an HTTPRoute cannot have',
    ],
    ['headers', { headers: headers(16) }, { headers: headers(17) }, 'x.headers', 'has more than 16 entries'],
  ])('has so much room for %s, and no more', (_, most, more, at, message) => {
    const [fits, not] = [new Remarks(), new Remarks()];
    conditionsOf(most, 'x', fits);
    conditionsOf(more, 'x', not);
    expect([fits.refused, not.refused]).toEqual([[], [{ at, message }]]);
  });

  it('tells the cases of parameters apart, and not those of headers', () => {
    const remarks = new Remarks();
    const given = { a: { exact: '1' }, A: { exact: '2' } };
    const [condition] = conditionsOf({ headers: given, queryParams: given }, 'x', remarks);
    expect([...(condition?.queryParams.keys() ?? [])]).toEqual(['a', 'A']);
    expect(remarks.refused).toEqual([{ at: 'x.headers[A]', message: 'is named twice' }]);
  });
});

describe('a request may meet both', () => {
  const asking = (method?: string): ReturnType<typeof anything> => ({ ...anything('x'), method });

  it.each<[string | undefined, string | undefined, boolean]>([
    ['GET', 'GET', true],
    ['GET', undefined, true],
    [undefined, 'GET', true],
    [undefined, undefined, true],
    ['GET', 'PUT', false],
  ])('of the methods %s and %s: %s', (a, b, expected) => {
    expect(mayBothHold(asking(a), asking(b))).toBe(expected);
  });
});
