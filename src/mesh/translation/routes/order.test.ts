import { describe, expect, it } from 'vitest';
import { elsewhere, many, translated, two, web } from '../../../../test/support/routes/written.js';
import { asRecord, asRecords } from '../../policy-object.js';

describe('an HTTPRoute keeps the list in order where', () => {
  it.each([
    ['no request meets both paths', two({ uri: { prefix: '/a' } }, { uri: { prefix: '/bcd' } })],
    ['no request meets both patterns', two({ uri: { regex: '/a[0-9]' } }, { uri: { exact: '/bcd' } })],
    [
      'no request has both methods',
      two({ method: { exact: 'GET' } }, { method: { exact: 'PUT' }, headers: { x: {} } }),
    ],
    ['no request has both values', two({ headers: { x: { exact: 'a' } } }, { headers: { x: { exact: 'b' }, y: {} } })],
    [
      'both do the same',
      {
        http: [
          { match: [{ headers: { x: {} } }], route: [web] },
          { match: [{ uri: { exact: '/a' } }], route: [web] },
        ],
      },
    ],
    ['the longer path is first', two({ uri: { prefix: '/a/b' } }, { uri: { prefix: '/a' } })],
    ['any path with a header is before a prefix', two({ headers: { x: {} } }, { uri: { prefix: '/a' } })],
    ['any path with a header is behind a prefix', two({ uri: { prefix: '/a' } }, { headers: { x: {} } })],
  ])('%s', (_, spec) => {
    expect(translated(spec).refused).toEqual([]);
  });

  it('any path behind a regular expression is one, too: istiod looks at PathPrefix first', () => {
    const http = [{ match: [{ uri: { prefix: '/a' } }], route: [web] }, { route: [elsewhere] }];
    const rules = asRecords(asRecord(translated({ http }).objects[0]?.spec)['rules']);
    const path = (value: string): object => ({ path: { type: 'RegularExpression', value } });
    expect(rules.map(({ matches }) => matches)).toEqual([[path('/a.*')], [path('/.*')]]);
  });
});

describe('an HTTPRoute cannot keep the list in order with', () => {
  it.each([
    ['a longer path behind its beginning', two({ uri: { prefix: '/a' } }, { uri: { prefix: '/a/b' } })],
    ['a path behind its beginning', two({ uri: { prefix: '/a' } }, { uri: { exact: '/a/b' } })],
    ['a path behind what it may match', two({ uri: { regex: '/[a-z]+' } }, { uri: { exact: '/a' } })],
    ['a path behind a header', two({ headers: { x: {} } }, { uri: { exact: '/a' } })],
    ['two headers behind one', two({ headers: { x: {} } }, { headers: { y: {}, z: {} } })],
    ['a method behind a header', two({ headers: { x: {} } }, { method: { exact: 'GET' } })],
  ])('%s', (_, spec) => {
    const { objects, refused } = translated(spec);
    expect(objects).toEqual([]);
    expect(refused.map(({ at }) => at)).toEqual(['spec.http[1].match[0]']);
  });

  it('equal matches in two HTTPRoutes', () => {
    const first = { match: [{ headers: { x: { prefix: 'a' } } }], route: [web] };
    const others = many(16, (index) => ({ match: [{ uri: { exact: `/${index}` } }], route: [web] }));
    const last = { match: [{ headers: { x: { regex: '.*b' } } }], route: [elsewhere] };
    expect(translated({ http: [...others, first, last] }).refused).toEqual([]);
    // In the order of this list they come into different routes.
    const apart = translated({ http: [...others.slice(1), first, others[0]!, last] });
    expect(apart.refused.map(({ at }) => at)).toEqual(['spec.http[17].match[0]']);
  });
});
