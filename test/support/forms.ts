import { policyScope } from './policies.js';
import type { PolicyObject } from '../../src/mesh/policy-object.js';
import { type AmbientForms, ambientForms, type FormsScope } from '../../src/mesh/translation/ambient-forms.js';
import type { TargetService } from '../../src/mesh/translation/selection.js';
import type { AccountedPods } from '../../src/mesh/translation/ways-around.js';

/** Of the tokens that are good. */
export const ISSUER = 'https://issuer.example';
const names = ['web', 'api', 'db'] as const;
/** Pods of the namespace. */
export const groups: readonly AccountedPods[] = names.map((name) => ({
  name: `Deployment/${name}`,
  labels: { app: name },
  account: name,
  ports: [{ containerPort: 80 }],
}));
/** A Service of the pods of its name. */
export const service = (name: string, spec: object = {}): TargetService => ({
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ name: 'http', port: 8000, targetPort: 80 }], ...spec },
});
/** Namespace `shop` with pods `web`, `api` and `db`, the first two behind Services. */
export const scope: FormsScope = {
  namespace: 'shop',
  rootNamespace: 'istio-system',
  waypoint: { name: 'waypoint', namespace: 'shop', account: 'waypoint' },
  services: [service('web'), service('api')],
  pods: groups,
  routing: [],
  mesh: policyScope().mesh,
};
/** A policy of namespace `shop`. */
export function policy(spec: object, kind = 'AuthorizationPolicy', name = 'p', namespace = 'shop'): PolicyObject {
  return { apiVersion: 'security.istio.io/v1', kind, metadata: { name, namespace }, spec };
}
/** For pods `api`. */
export const ofApi = { selector: { matchLabels: { app: 'api' } } };
/** A rule for a source. */
export const from = (source: object): object => ({ from: [{ source }] });
/** A rule for an operation. */
export const to = (operation: object): object => ({ to: [{ operation }] });
/** Principal of pods `web`. */
export const web = 'cluster.local/ns/shop/sa/web';
/** Principal of the waypoint. */
export const waypoint = 'cluster.local/ns/shop/sa/waypoint';
/** A rule that asks for more than ztunnel sees. */
export const gets = to({ methods: ['GET'] });
/** Everybody but the waypoint. */
export const exceptWaypoint = { notPrincipals: [waypoint] };
/** Asks pods `api` for tokens. */
export const tokens = policy({ ...ofApi, jwtRules: [{ issuer: ISSUER }] }, 'RequestAuthentication');
/** A filter in pods `api`. */
export function wasm(spec: object, namespace = 'shop'): PolicyObject {
  const made = policy({ url: 'oci://plugin', ...ofApi, ...spec }, 'WasmPlugin', 'p', namespace);
  return { ...made, apiVersion: 'extensions.istio.io/v1alpha1' };
}
/** A CUSTOM policy, named like its provider. */
export const custom = (name: string, rules: readonly object[]): PolicyObject =>
  policy({ ...ofApi, action: 'CUSTOM', provider: { name }, rules }, 'AuthorizationPolicy', name);
/** Names of all that is written. */
export const namesOf = ({ forms }: AmbientForms): string[] =>
  forms.flatMap(({ objects }) => objects.map(({ metadata }) => metadata.name));
/** The forms of policies in that namespace. */
export const formsOf = (...policies: PolicyObject[]): AmbientForms => ambientForms(policies, scope);
