import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { ISTIO_KINDS } from '../api/istio.js';
import { CONFIG_MAP, DEPLOYMENT, NAMESPACE, POD } from '../kube/types.js';
import { DRY_RUN_ONLY, LEASE_NAME, accessOf } from './rbac.js';

const watched = [
  ...[POD, NAMESPACE, DEPLOYMENT, ...ISTIO_KINDS].map((type) => ({ type })),
  { type: CONFIG_MAP, namespace: 'istio-system' },
];
const access = accessOf(watched, 'sidestep-system');
const everywhere = [...access.cluster, ...Object.values(access.namespaces).flat()];

const verbsOf = (group: string, resource: string) =>
  access.cluster
    .filter(({ apiGroups, resources }) => apiGroups.includes(group) && resources.includes(resource))
    .flatMap(({ verbs }) => verbs);

describe('what the operator may do', () => {
  test.each(everywhere)('%j grants no secrets, and nothing by a wildcard', ({ apiGroups, resources, verbs }) => {
    expect([...apiGroups, ...resources, ...verbs]).not.toContain('*');
    expect(resources).not.toContain('secrets');
  });

  it('deletes only Gateways, what they are deployed with, and policies', () => {
    const deleted = everywhere.filter(({ verbs }) => verbs.some((verb) => /delete/.test(verb)));
    expect(
      deleted
        .flatMap(({ resources, verbs }) => resources.flatMap((name) => (verbs.includes('delete') ? name : [])))
        .sort(),
    ).toEqual([
      'authorizationpolicies',
      'configmaps',
      'deployments',
      'destinationrules',
      'gateways',
      'horizontalpodautoscalers',
      'httproutes',
      'poddisruptionbudgets',
      'requestauthentications',
      'serviceaccounts',
      'services',
      'telemetries',
      'trafficextensions',
      'wasmplugins',
    ]);
  });

  it('reads what is watched, and no more of it', () => {
    expect(verbsOf('security.istio.io', 'peerauthentications')).toEqual(['list', 'watch']);
    expect(verbsOf('apps', 'statefulsets')).toEqual(['get', 'patch']);
  });

  it('joins the verbs of a kind that is watched and changed', () => {
    expect(verbsOf('apps', 'deployments')).toEqual(['get', 'list', 'watch', 'create', 'patch', 'delete']);
    expect(verbsOf('', 'pods')).toEqual(['list', 'watch', 'create']);
  });

  it('lists and watches what is watched in one namespace there only', () => {
    expect(verbsOf('', 'configmaps')).toEqual(['get', 'create', 'patch', 'delete']);
    expect(access.namespaces['istio-system']).toEqual([
      { apiGroups: [''], resources: ['configmaps'], verbs: ['list', 'watch'] },
    ]);
  });

  it('writes its own Lease only', () => {
    expect(access.namespaces['sidestep-system']?.at(-1)).toEqual({
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      verbs: ['get', 'patch'],
      resourceNames: [LEASE_NAME],
    });
  });

  it('creates Pods in dry runs only', () => {
    const created = access.cluster
      .filter(({ verbs }) => verbs.includes('create'))
      .flatMap(({ resources }) => resources);
    const dry = DRY_RUN_ONLY.map(({ resource }) => resource);
    expect(created.filter((resource) => !dry.includes(resource)).sort()).toEqual([
      'authorizationpolicies',
      'configmaps',
      'controllerrevisions',
      'deployments',
      'destinationrules',
      'events',
      'gatewayclasses',
      'gateways',
      'horizontalpodautoscalers',
      'httproutes',
      'poddisruptionbudgets',
      'pods/eviction',
      'requestauthentications',
      'serviceaccounts',
      'services',
      'telemetries',
      'trafficextensions',
      'wasmplugins',
    ]);
  });

  it('is what README says, besides reading', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const table = /^\| right \| on \|[^]*?\n\n/m.exec(readme)?.[0] ?? '';
    const said = [...table.matchAll(/^\| ([a-z, ]+?)(?:, \*\*dry run only\*\*)? \| ([^|]+) \|/gm)].flatMap(
      ([, verbs = '', kinds = '']) =>
        verbs
          .split(', ')
          .flatMap((verb) =>
            (kinds.match(/\b[A-Z][A-Za-z]+(?:\/[a-z]+)?/g) ?? []).map((kind) => `${verb} ${kind.toLowerCase()}`),
          ),
    );
    const besidesReading = (rights: string[]): string[] =>
      [...new Set(rights)].filter((right) => !/^(list|watch) | lease$/.test(right)).sort();
    const granted = access.cluster.flatMap(({ resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
    );
    expect(besidesReading(said)).toEqual(besidesReading(granted));
  });

  it('does not depend on the order of the watches', () => {
    expect(accessOf([...watched].reverse(), 'sidestep-system')).toEqual(access);
  });
});
