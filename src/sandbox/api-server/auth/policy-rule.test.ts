import { describe, expect, test } from 'vitest';
import type { AccessAttributes } from './auth-interfaces.js';
import { type PolicyRule, ruleAllows, uncovered } from './policy-rule.js';

const access = (more: Partial<AccessAttributes>): AccessAttributes => ({
  verb: 'get',
  group: '',
  version: 'v1',
  resource: 'pods',
  subresource: '',
  namespace: 'shop',
  name: 'web',
  path: '/api/v1/namespaces/shop/pods/web',
  ...more,
});

const rule = (more: Partial<PolicyRule>): PolicyRule => ({
  verbs: ['get'],
  apiGroups: [''],
  resources: ['pods'],
  ...more,
});

describe('ruleAllows', () => {
  test.each<[string, PolicyRule, Partial<AccessAttributes>, boolean]>([
    ['its verb', rule({}), {}, true],
    ['another verb', rule({}), { verb: 'list' }, false],
    ['all verbs', rule({ verbs: ['*'] }), { verb: 'escalate' }, true],
    ['another group', rule({}), { group: 'apps' }, false],
    ['a subresource is a resource of its own', rule({}), { subresource: 'log' }, false],
    ['a named subresource', rule({ resources: ['pods/log'] }), { subresource: 'log' }, true],
    ['a subresource of any resource', rule({ resources: ['*/log'] }), { subresource: 'log' }, true],
    ['… is none of another name', rule({ resources: ['*/log'] }), { subresource: 'exec' }, false],
    ['all resources, with subresources', rule({ resources: ['*'] }), { subresource: 'exec' }, true],
    ['a named object', rule({ resourceNames: ['web'] }), {}, true],
    ['another object', rule({ resourceNames: ['db'] }), {}, false],
    ['no object in particular', rule({ resourceNames: ['web'] }), { name: '' }, false],
    ['a path below', { verbs: ['get'], nonResourceURLs: ['/logs/*'] }, { resource: '', path: '/logs/a/b' }, true],
    ['a path beside', { verbs: ['get'], nonResourceURLs: ['/logs/*'] }, { resource: '', path: '/metrics' }, false],
    ['a path is no resource', { verbs: ['get'], nonResourceURLs: ['*'] }, {}, false],
  ])('%s', (_what, given, asked, allowed) => {
    expect(ruleAllows(given, access(asked))).toBe(allowed);
  });
});

describe('uncovered', () => {
  test('tells what is missing piece by piece', () => {
    const held = [rule({ verbs: ['get', 'list'] }), rule({ resources: ['secrets'], resourceNames: ['mine'] })];
    const wanted = [rule({ verbs: ['get', 'delete'] }), rule({ resources: ['secrets'] })];
    expect(uncovered(held, wanted)).toEqual([rule({ verbs: ['delete'] }), rule({ resources: ['secrets'] })]);
  });

  test('all of a kind covers one of it, not the other way round', () => {
    const all: PolicyRule = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
    expect(uncovered([all], [rule({ resourceNames: ['web'] }), rule({ resources: ['pods/log'] })])).toEqual([]);
    expect(uncovered([rule({})], [all])).toHaveLength(1);
  });

  test('paths', () => {
    const get = (url: string): PolicyRule => ({ verbs: ['get'], nonResourceURLs: [url] });
    expect(uncovered([get('/apis/*')], [get('/apis/apps'), get('/apis/*')])).toEqual([]);
    expect(uncovered([get('/apis/apps')], [get('/apis/*')])).toEqual([get('/apis/*')]);
  });
});
