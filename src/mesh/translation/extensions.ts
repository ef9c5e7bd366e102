import { type PolicyObject, asRecord, asRecords } from '../policy-object.js';
import { choosesCommonPods, type Difference, isOfPods, type TranslationScope } from './selection.js';

type Fields = Readonly<Record<string, unknown>>;

/** Phases in which a filter may run; what says none of them runs last. */
const PHASES = ['AUTHN', 'AUTHZ', 'STATS'];

/** Whether it brings a filter of its own into proxies: it may refuse requests, or change them. */
export const isExtension = ({ kind }: PolicyObject): boolean => kind === 'WasmPlugin' || kind === 'TrafficExtension';

/**
 * What a waypoint does otherwise than a sidecar with a WasmPlugin or TrafficExtension; none for any other kind.
 *
 * A waypoint looks for what a sidecar has for requests that come in, and names no port: whatever asks for one is not run.
 *
 * @see istio/istio pilot/pkg/networking/core/listener_waypoint.go, buildWaypointHTTPFilters; pilot/pkg/model/extensions.go, matchPorts
 */
export function extensionDifferences(policy: PolicyObject, { namespace }: TranslationScope): Difference[] {
  if (!isExtension(policy)) return [];
  const spec = asRecord(policy.spec);
  const [path, wasm] = policy.kind === 'WasmPlugin' ? ['spec', spec] : ['spec.wasm', asRecord(spec['wasm'])];
  const field = (name: string, message: string): Difference => ({ reason: 'Field', at: `${path}.${name}`, message });
  const env = asRecords(asRecord(wasm['vmConfig'])['env']);
  return [
    ...matchDifferences(asRecords(spec['match'])),
    ...(wasm['type'] === 'NETWORK' ? [field('type', 'a waypoint runs it on no port on which it reads HTTP')] : []),
    ...(/^file:/i.test(String(wasm['url'])) ? [field('url', 'a waypoint has other files than a sidecar')] : []),
    ...(env.some(({ valueFrom }) => valueFrom === 'HOST')
      ? [field('vmConfig.env', 'a waypoint has another environment than a sidecar')]
      : []),
    ...(wasm['imagePullSecret'] !== undefined && policy.metadata.namespace !== namespace
      ? [field('imagePullSecret', 'the Secret is in another namespace than the copy would be')]
      : []),
  ];
}

function matchDifferences(match: readonly Fields[]): Difference[] {
  const at = 'spec.match';
  const received = match.filter(({ mode }) => mode !== 'CLIENT');
  if (match.length > 0 && received.length === 0) {
    return [{ reason: 'Field', at, message: 'it runs on what the pods send, which their waypoint does not see' }];
  }
  if (match.length > 0 && received.every(({ ports }) => asRecords(ports).length > 0)) {
    return [{ reason: 'Field', at, message: 'it asks for ports, and no waypoint runs what does' }];
  }
  const isSent = match.length === 0 || match.some(({ mode }) => mode !== 'SERVER');
  const message = 'it runs on what the pods send, too, which their waypoint does not see';
  return isSent ? [{ reason: 'Outgoing', at, message }] : [];
}

/**
 * Others that run in the same pods, where nothing but their age says which comes first: that of copies is another.
 *
 * @see istio/istio pilot/pkg/model/push_context.go, sortByPriority
 */
export function rivalsOf(
  policy: PolicyObject,
  policies: readonly PolicyObject[],
  scope: TranslationScope,
): PolicyObject[] {
  if (!isExtension(policy)) return [];
  const place = placeOf(policy);
  return policies.filter(
    (other) =>
      other !== policy &&
      isExtension(other) &&
      isOfPods(other, scope) &&
      placeOf(other) === place &&
      choosesCommonPods(policy, other, scope),
  );
}

function placeOf({ spec }: PolicyObject): string {
  const { phase, priority } = asRecord(spec);
  return `${PHASES.indexOf(String(phase))} ${typeof priority === 'number' ? priority : ''}`;
}
