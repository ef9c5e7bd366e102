import { describe, expect, it } from 'vitest';
import { many, translated, web } from '../../../../test/support/routes/written.js';
import { asRecord, asRecords } from '../../policy-object.js';

const rulesOf = (spec: object): Readonly<Record<string, unknown>>[][] =>
  translated(spec).objects.map((one) => [...asRecords(asRecord(one.spec)['rules'])]);
const paths = (count: number, of = ''): object[] => many(count, (index) => ({ uri: { exact: `/${of}${index}` } }));
const long = (length: number): string => 'a.'.repeat(Math.ceil(length / 2)).slice(0, length);

describe('the name of a rule', () => {
  it.each(['a', 'ab', 'a-b', 'first', 'a.b', 'a.bc', 'a.b-c', '9', long(253)])('is kept: %s', (name) => {
    const { objects, leftOut } = translated({ http: [{ name, route: [web] }] });
    expect(asRecords(asRecord(objects[0]?.spec)['rules'])).toEqual([
      { name, backendRefs: [{ name: 'web', port: 80 }] },
    ]);
    expect(leftOut).toEqual([]);
  });

  it.each(['The Rest', '-a', 'a-', 'a_b', 'a.-b', 'a.b-', 'a..b', 'a ', long(255)])('is left out: %s', (name) => {
    const { objects, leftOut } = translated({ http: [{ name, route: [web] }] });
    expect(asRecords(asRecord(objects[0]?.spec)['rules'])).toEqual([{ backendRefs: [{ name: 'web', port: 80 }] }]);
    expect(leftOut).toEqual([{ at: 'spec.http[0].name', message: 'is no name of a rule of an HTTPRoute' }]);
  });

  it('is left out where another rule has it, or where it is none', () => {
    const match = [{ uri: { exact: '/' } }];
    const { objects, leftOut } = translated({
      http: [
        { name: '', match: [{ uri: { exact: '/x' } }], route: [web] },
        { name: 'a', match, route: [web] },
        { name: 'a', route: [web] },
      ],
    });
    expect(asRecords(asRecord(objects[0]?.spec)['rules']).map((rule) => Object.keys(rule).includes('name'))).toEqual([
      false,
      true,
      false,
    ]);
    expect(leftOut).toEqual([{ at: 'spec.http[2].name', message: 'is no name of a rule of an HTTPRoute' }]);
  });

  it('is that of the first of the rules that a long list of matches becomes', () => {
    const [rules] = rulesOf({ http: [{ name: 'long', match: paths(65), route: [web] }] });
    expect(rules?.map((rule) => [rule['name'], asRecords(rule['matches']).length])).toEqual([
      ['long', 64],
      [undefined, 1],
    ]);
  });
});

describe('rules', () => {
  it('ask for any path in words where they ask for something else, too', () => {
    const [rules] = rulesOf({
      http: [{ match: [{ uri: { prefix: '/' } }, { method: { exact: 'GET' } }], route: [web] }],
    });
    expect(rules?.[0]?.['matches']).toEqual([{}, { method: 'GET' }]);
  });

  it('come into HTTPRoutes of 16 rules and 128 matches, 9 of them at most', () => {
    const one = (index: number): object => ({ match: [{ uri: { exact: `/${index}` } }], route: [web] });
    expect(rulesOf({ http: many(17, one) }).map((rules) => rules.length)).toEqual([16, 1]);
    expect(rulesOf({ http: many(144, one) })).toHaveLength(9);
    const heavy = ['a', 'b', 'c'].map((of) => ({ match: paths(64, of), route: [web] }));
    expect(rulesOf({ http: heavy }).map((rules) => rules.length)).toEqual([2, 1]);
    expect(translated({ http: many(145, one) }).refused).toEqual([
      { at: 'spec.http', message: 'needs more than 9 HTTPRoutes' },
    ]);
  });

  it('that an HTTPRoute would look at first are refused, with what they stand behind', () => {
    const http = [
      { match: [{ uri: { prefix: '/a' } }], route: [web] },
      { match: [{ uri: { prefix: '/a/b' } }], route: [{ destination: { host: 'api', port: { number: 80 } } }] },
    ];
    expect(translated({ http }).refused).toEqual([
      {
        at: 'spec.http[1].match[0]',
        message: 'stands behind spec.http[0].match[0], an HTTPRoute may look at it first, and requests may meet both',
      },
    ]);
  });
});
