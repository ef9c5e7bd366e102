import { describe, expect, test } from 'vitest';

import { parseAddress, parseBlock } from '../ambient-index/ip-address.js';
import { isInside } from './address.js';
import {
  domainsFor,
  namespaceMatch,
  principalMatch,
  serviceAccountMatch,
  trustDomainMatch,
  withAliases,
} from './identity.js';
import { normalizedPath, pathMatch, withoutQuery } from './path.js';
import { headerMatch, hostMatch, textMatch, type TextMatch } from './text-match.js';

/** What of the texts matches. */
const matching = (matches: TextMatch, texts: readonly string[]): string[] => texts.filter(matches);

test.each<[string, string[]]>([
  ['*', ['ab', 'cab', 'abc', 'AB']],
  ['ab', ['ab']],
  ['*ab', ['ab', 'cab']],
  ['ab*', ['ab', 'abc']],
])('the pattern %s means the texts %s', (pattern, expected) => {
  expect(matching(textMatch(pattern), ['', 'ab', 'cab', 'abc', 'AB'])).toEqual(expected);
});

test('any value of a header may be empty; any text may not', () => {
  expect(matching(headerMatch('*'), ['', 'a'])).toEqual(['', 'a']);
  expect(matching(headerMatch('a*'), ['', 'ab', 'ba'])).toEqual(['ab']);
  expect(matching(textMatch('*'), ['', 'a'])).toEqual(['a']);
});

test('case of hosts does not matter, and ports are part of them', () => {
  const hosts = ['Shop.example.COM', 'shop.example.com:80', 'example.com'];
  expect(matching(hostMatch('SHOP.example.com'), hosts)).toEqual(['Shop.example.COM']);
  expect(matching(hostMatch('*.EXAMPLE.com'), hosts)).toEqual(['Shop.example.COM']);
  expect(matching(hostMatch('shop.*'), hosts)).toEqual(['Shop.example.COM', 'shop.example.com:80']);
  expect(matching(hostMatch('*'), hosts)).toEqual(hosts);
});

describe('identities', () => {
  const web = 'spiffe://td/ns/shop/sa/web';
  const admin = 'spiffe://td/ns/shop-prod/sa/admin';

  test.each<[string, string[]]>([
    ['*', [web, admin]],
    ['*/sa/web', [web]],
    ['*x/sa/web', []],
    ['*spiffe://td/ns/shop/sa/web', []],
    ['td/ns/shop/*', [web]],
    ['td/ns/shop*', [web, admin]],
    ['td/ns/shop/sa/web', [web]],
    ['ns/shop/sa/web', []],
  ])('the principal %s', (pattern, expected) => {
    expect(matching(principalMatch(pattern), [web, admin, ''])).toEqual(expected);
  });

  test('an end of a principal is looked for behind the scheme, and any principal is one', () => {
    expect(principalMatch('*/sa/web')('other://td/ns/shop/sa/web')).toBe(false);
    expect(principalMatch('*')('other://td/ns/shop/sa/web')).toBe(true);
    expect(trustDomainMatch('*')('spiffe://td')).toBe(true);
  });

  test.each<[string, string[]]>([
    ['shop', [web]],
    ['shop*', [web, admin]],
    ['*-prod', [admin]],
    ['*', [web, admin]],
    ['s*p', [web]],
    ['sh.p', []],
    ['s.o.', []],
  ])('the namespace %s', (pattern, expected) => {
    expect(matching(namespaceMatch(pattern), [web, admin])).toEqual(expected);
  });

  test('an account is of its namespace, or of the policy’s', () => {
    const others = ['spiffe://td/ns/other/sa/web', 'spiffe://td/ns/shop/sa/web-2', 'ns/shop/sa/web'];
    const longer = ['spiffe://td/ns/shop/x/sa/web', 'spiffe://td/ns/shop/sa/web/rev/2'];
    expect(matching(serviceAccountMatch('web', 'shop'), [web, ...longer, ...others])).toEqual([web, ...longer]);
    expect(matching(serviceAccountMatch('other/web', 'shop'), [web, ...others])).toEqual([others[0]]);
    expect(matching(serviceAccountMatch('/web', 'shop'), [web, ...others])).toEqual([]);
  });

  test.each<[string, string[]]>([
    ['td', [web]],
    ['*', [web, 'spiffe://td.x/ns/a/sa/a']],
    ['td*', [web, 'spiffe://td.x/ns/a/sa/a']],
    ['*.x', ['spiffe://td.x/ns/a/sa/a']],
    ['*shop', []],
    ['t.*', []],
  ])('the trust domain %s', (pattern, expected) => {
    const identities = [web, 'spiffe://td.x/ns/a/sa/a', 'http://td/ns/a'];
    expect(matching(trustDomainMatch(pattern), identities)).toEqual(expected);
  });

  test.each<[string, string[]]>([
    ['td1/ns/a/sa/b', ['td1/ns/a/sa/b', 'td2/ns/a/sa/b']],
    ['td2/ns/a/sa/b', ['td1/ns/a/sa/b', 'td2/ns/a/sa/b']],
    ['cluster.local/ns/a/sa/b', ['td1/ns/a/sa/b', 'td2/ns/a/sa/b']],
    ['other/ns/a/sa/b', ['other/ns/a/sa/b']],
    ['*/ns/a/sa/b', ['*/ns/a/sa/b']],
    ['*1/ns/a/sa/b', ['*1/ns/a/sa/b', 'td2/ns/a/sa/b']],
    ['td*/ns/a/sa/b', ['td1/ns/a/sa/b', 'td2/ns/a/sa/b']],
    ['x*/ns/a/sa/b', ['x*/ns/a/sa/b']],
    ['*x/ns/a/sa/b', ['*x/ns/a/sa/b']],
    ['td1/ns/a/*', ['td1/ns/a/*']],
    ['td1/ns/a/x/sa/b', ['td1/ns/a/x/sa/b']],
  ])('the principal %s stands for %s', (principal, expected) => {
    expect(withAliases(principal, ['td1', 'td2'])).toEqual(expected);
  });

  test('an alias of the mesh may be a pattern', () => {
    expect(withAliases('td7/ns/a/sa/b', ['td1', 'td*'])).toEqual(['td1/ns/a/sa/b', 'td*/ns/a/sa/b']);
    expect(withAliases('a.x/ns/a/sa/b', ['td1', '*.x'])).toEqual(['td1/ns/a/sa/b', '*.x/ns/a/sa/b']);
    expect(withAliases('tx/ns/a/sa/b', ['td1', 'td*'])).toEqual(['tx/ns/a/sa/b']);
  });

  test('a trust domain of the mesh stands for all of them', () => {
    expect(domainsFor('td2', ['td1', 'td2'])).toEqual(['td1', 'td2']);
    expect(domainsFor('td*', ['td1', 'td2'])).toEqual(['td*']);
  });
});

describe('paths', () => {
  test.each<[string, string[]]>([
    ['/api/{*}', ['/api/v1', '/api/a=b*c']],
    ['/api/{*}/items', ['/api/v1/items']],
    ['/api/{**}', ['/api/', '/api/v1', '/api/v1/items', '/api/a=b*c']],
    ['/{*}/v1/{**}', ['/api/v1/items']],
    ['/*/{*}', ['/api/v1', '/api/a=b*c']],
    ['/{*}/**', ['/api/', '/api/v1', '/api/v1/items', '/api/a=b*c']],
    ['/api/*', ['/api/', '/api/v1', '/api/v1/items', '/api/a=b*c', '/api/"']],
    ['/api*', ['/api', '/api/', '/api/v1', '/api/v1/items', '/api/a=b*c', '/api/"']],
    ['*', ['/api', '/api/', '/api/v1', '/api/v1/items', '/api/a=b*c', '/api/"']],
  ])('the pattern %s', (pattern, expected) => {
    const paths = ['/api', '/api/', '/api/v1', '/api/v1/items', '/api/a=b*c', '/api/"'];
    expect(matching(pathMatch(pattern), paths)).toEqual(expected);
  });

  test('what is no placeholder in a template is literal', () => {
    expect(matching(pathMatch('/a.b/{*}'), ['/a.b/c', '/axb/c', '/x/a.b/c', '/a.b/c/d'])).toEqual(['/a.b/c']);
  });

  test('a query or a fragment is no part of a path', () => {
    expect(['/a?b', '/a#b', '/a', '?b'].map(withoutQuery)).toEqual(['/a', '/a', '/a', '']);
  });

  test.each([
    ['/a/../ip?x=/../y', '/ip?x=/../y'],
    ['/a/%2E%2e/ip', '/ip'],
    ['/../ip', '/ip'],
    ['/a/./b', '/a/b'],
    ['/a/b/..', '/a/'],
    ['/a/b/.', '/a/b/'],
    ['/a/..b/.c', '/a/..b/.c'],
    ['/a//../b', '/a/b'],
    ['/a//b', '/a//b'],
    ['/a\\b', '/a/b'],
    ['/%69p%2D%7e%5f', '/ip-~_'],
    ['/a%2Fb%20c%2e', '/a%2Fb%20c%2e'],
    ['/x%zz', '/x%zz'],
    ['/"<>`{}^|', '/%22%3C%3E%60%7B%7D^|'],
  ])('%s is %s', (path, expected) => {
    expect(normalizedPath(path, undefined)).toBe(expected);
    expect(normalizedPath(path, 'BASE')).toBe(expected);
    expect(normalizedPath(path, 'NONE')).toBe(path);
  });

  test('slashes are merged and unescaped only where the mesh says so', () => {
    expect(normalizedPath('/a//b%2Fc%2fd%5Ce///', 'MERGE_SLASHES')).toBe('/a/b%2Fc%2fd%5Ce/');
    expect(normalizedPath('/a//b%2Fc%2fd%5Ce%5cf//?//', 'DECODE_AND_MERGE_SLASHES')).toBe('/a/b/c/d/e/f/?//');
  });
});

test.each([
  ['10.1.2.3', '10.1.2.3', true],
  ['10.1.2.4', '10.1.2.3', false],
  ['10.1.2.4', '10.0.0.0/8', true],
  ['11.1.2.4', '10.0.0.0/8', false],
  ['10.1.130.4', '10.1.128.0/17', true],
  ['10.1.127.4', '10.1.128.0/17', false],
  ['10.1.2.3', '10.1.9.9/16', true],
  ['10.1.2.3', '0.0.0.0/0', true],
  ['::1', '0.0.0.0/0', false],
  ['fd00::5', 'fd00::/16', true],
  ['x', '0.0.0.0/0', false],
  ['10.1.2.3', 'x', false],
])('%s in %s: %s', (address, block, expected) => {
  expect(isInside(parseAddress(address), parseBlock(block))).toBe(expected);
});
