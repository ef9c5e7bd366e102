import { describe, expect, it } from 'vitest';
import { type LabelOwner, type NamespaceObject, gitOpsFindings, systemNamespaceFindings } from './namespace.js';

const namespace = (annotations: Record<string, string>, labels: Record<string, string> = {}): NamespaceObject => ({
  metadata: { name: 'shop', annotations, labels },
});
const found = (object: NamespaceObject, ...owners: LabelOwner[]): string[] =>
  gitOpsFindings(object, ['istio.io/dataplane-mode', 'istio-injection'], owners).map(
    ({ code, message }) => `${code} ${message}`,
  );
const owner = (manager: string, ...labels: string[]): LabelOwner => ({ manager, labels });
const argo = { 'argocd.argoproj.io/tracking-id': 'shop:/Namespace:shop/shop' };
const flux = { 'kustomize.toolkit.fluxcd.io/name': 'apps' };
const lastApplied = (labels: object): Record<string, string> => ({
  'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ metadata: { labels } }),
});
const ARGO_OWNS = 'SST4026 Argo CD owns metadata.labels[istio-injection] of namespace shop';
const FLUX_OWNS = 'SST4026 Flux owns metadata.labels[istio-injection] of namespace shop';
const ARGO_MARKED = 'SST4025 Argo CD has marked namespace shop as its own with argocd.argoproj.io/tracking-id';

describe('a tool that keeps the namespace as it is in a repository', () => {
  it.each<[string, () => string[], string]>([
    ['owns the label', () => found(namespace(argo), owner('argocd-controller', 'istio-injection')), ARGO_OWNS],
    [
      'has applied the label',
      () => found(namespace({ ...argo, ...lastApplied({ 'istio-injection': 'enabled' }) })),
      ARGO_OWNS,
    ],
    [
      'owns the label by Flux',
      () => found(namespace({}, flux), owner('kustomize-controller', 'istio-injection')),
      FLUX_OWNS,
    ],
    [
      'owns several labels',
      () => found(namespace(argo), owner('argocd-controller', 'istio-injection', 'team', 'istio.io/dataplane-mode')),
      'SST4026 Argo CD owns metadata.labels[istio.io/dataplane-mode, istio-injection] of namespace shop',
    ],
    [
      'has Flux apply what is there, too',
      () => found(namespace({ 'kustomize.toolkit.fluxcd.io/ssa': 'Merge' }, flux)),
      'SST4025 Flux has marked namespace shop as its own with kustomize.toolkit.fluxcd.io/name',
    ],
    ['owns another label', () => found(namespace(argo), owner('argocd-controller', 'istio.io/rev')), ARGO_MARKED],
    ['has applied another label', () => found(namespace({ ...argo, ...lastApplied({ team: 'a' }) })), ARGO_MARKED],
    [
      'does not own what a person has set',
      () => found(namespace(argo), owner('kubectl-label', 'istio-injection')),
      ARGO_MARKED,
    ],
  ])('%s', (_, findings, expected) => {
    expect(findings()).toEqual([expected]);
  });

  it.each<[string, () => string[]]>([
    ['a person has applied the label', () => found(namespace(lastApplied({ 'istio-injection': 'enabled' })))],
    ['a chart names its instance', () => found(namespace({}, { 'app.kubernetes.io/instance': 'shop' }))],
    [
      'Flux leaves the namespace alone',
      () =>
        found(
          namespace({ 'kustomize.toolkit.fluxcd.io/ssa': 'IfNotPresent' }, flux),
          owner('kustomize-controller', 'istio-injection'),
        ),
    ],
  ])('is not there if %s', (_, findings) => {
    expect(findings()).toEqual([]);
  });
});

describe('a namespace that no migration is for', () => {
  it.each([
    ['kube-system', ['SST4024 Namespace/kube-system: namespace kube-system is one of Kubernetes']],
    ['mesh', ['SST4024 Namespace/mesh: namespace mesh is one of Istio']],
    ['kube-systems', []],
  ])('%s: %j', (name, expected) => {
    const findings = systemNamespaceFindings({ metadata: { name } }, 'mesh');
    expect(findings.map(({ code, object, message }) => `${code} ${object}: ${message}`)).toEqual(expected);
  });
});
