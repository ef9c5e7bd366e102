import { describe, expect, it } from 'vitest';
import { many } from '../../../../test/support/routes/written.js';
import { headerFilters, redirectFilter } from './filters.js';
import { Remarks } from './remarks.js';

const headers = (count: number): object => Object.fromEntries(many(count, (index) => [`x${index}`, '1']));

function refusedOf(given: object): object[] {
  const remarks = new Remarks();
  headerFilters(given, 'x', remarks);
  return remarks.refused;
}

describe('changes of headers', () => {
  it('are filters for requests and for answers', () => {
    const remarks = new Remarks();
    const changes = { set: { a: '1' }, add: { b: '2' }, remove: ['c'] };
    const lists = { set: [{ name: 'a', value: '1' }], add: [{ name: 'b', value: '2' }], remove: ['c'] };
    expect(headerFilters({ request: changes, response: { remove: ['c'] } }, 'x', remarks)).toEqual([
      { type: 'RequestHeaderModifier', requestHeaderModifier: lists },
      { type: 'ResponseHeaderModifier', responseHeaderModifier: { remove: ['c'] } },
    ]);
    expect(headerFilters({ request: { set: {}, remove: [] } }, 'x', remarks)).toEqual([]);
    expect(remarks.refused).toEqual([]);
  });

  it('are 16 in a list at most', () => {
    expect(refusedOf({ request: { set: headers(16) } })).toEqual([]);
    expect(refusedOf({ response: { add: headers(17) } })).toEqual([
      { at: 'x.response.add', message: 'has more than 16 entries' },
    ]);
  });

  it.each<[object, string, string]>([
    [{ set: { x: '' } }, 'set[x]', 'an HTTPRoute sets no empty value'],
    [{ add: { x: null } }, 'add[x]', 'an HTTPRoute sets no empty value'],
    [{ add: { x: '%DATE%' } }, 'add[x]', 'what % stands for is not said by an HTTPRoute'],
    [{ add: { x: '1', X: '2' } }, 'add[X]', 'is named twice'],
    [{ set: { HOST: 'x' } }, 'set[HOST]', 'the host is changed by rewrite.authority'],
    [{ remove: [':path'] }, 'remove', ':path is a name that an HTTPRoute cannot have'],
    [{ remove: ['x'], novelty: 1 }, 'novelty', 'nobody knows here what this field means'],
  ])('%j are refused', (changes, field, message) => {
    for (const side of ['request', 'response'])
      expect(refusedOf({ [side]: changes })).toEqual([{ at: `x.${side}.${field}`, message }]);
  });
});

describe('a redirect', () => {
  const redirect = (given: object, ports: readonly number[] = [80]): [object, object[]] => {
    const remarks = new Remarks();
    const filter = redirectFilter(given, ports, 'x', remarks);
    return [filter, remarks.refused];
  };

  it.each<[string, object, readonly number[], object]>([
    ['of port 80', { uri: '/b' }, [80], { path: { type: 'ReplaceFullPath', replaceFullPath: '/b' }, statusCode: 301 }],
    ['to a port', { port: 8080 }, [80, 90], { port: 8080, statusCode: 301 }],
    ['to a scheme', { scheme: 'https', redirectCode: 307 }, [90], { scheme: 'https', statusCode: 307 }],
    ['to the port of the request', { derivePort: 'FROM_REQUEST_PORT' }, [90], { statusCode: 301 }],
    [
      'with nothing but what Helm writes',
      { uri: '', authority: '', scheme: '', redirectCode: 301 },
      [80],
      { statusCode: 301 },
    ],
  ])('%s is said', (_, given, ports, requestRedirect) => {
    expect(redirect(given, ports)).toEqual([{ type: 'RequestRedirect', requestRedirect }, []]);
  });

  const keeps = 'has neither port nor scheme, and an HTTPRoute would keep the port of the request';
  it.each<[object, readonly number[], string, string]>([
    [{ uri: '/b' }, [80, 90], 'x', keeps],
    [{ derivePort: 'FROM_PROTOCOL_DEFAULT' }, [90], 'x', keeps],
    [
      { scheme: 'http', derivePort: 'FROM_REQUEST_PORT' },
      [80],
      'x.derivePort',
      'an HTTPRoute with a scheme takes the port of that',
    ],
    [{ scheme: 'ftp' }, [80], 'x.scheme', 'is neither http nor https'],
    [{ authority: 'x:80' }, [80], 'x.authority', 'is no host name'],
    [{ redirectCode: 304 }, [80], 'x.redirectCode', 'is none of an HTTPRoute'],
    [{ prefixRewrite: '/' }, [80], 'x.prefixRewrite', 'prefixes of a VirtualService are not those of an HTTPRoute'],
    [{ novelty: '/' }, [80], 'x.novelty', 'nobody knows here what this field means'],
  ])('%j from ports %j is refused', (given, ports, at, message) => {
    expect(redirect(given, ports)[1]).toEqual([{ at, message }]);
  });
});
