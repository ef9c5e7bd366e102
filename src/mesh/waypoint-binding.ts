import type { Gateway, GatewayCondition } from '../api/gateway-api.js';
import { ANNOTATION, LABEL } from '../api/labels.js';
import { LEAVING_REASONS, SERVING, WAYPOINT_FINALIZER } from '../api/serving.js';
import { isServable, isWaypoint } from './waypoint-gateway.js';

/** Metadata by which accounts and Services choose a waypoint. */
interface Named {
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** A Service, as far as it decides which pods it has. */
export interface BindableService extends Named {
  readonly spec?: { readonly selector?: Readonly<Record<string, string>> };
}

/** A pod, as far as it decides whose Service it belongs to. */
export interface BindablePod extends Named {
  readonly spec?: { readonly serviceAccountName?: string };
}

/** What the label `istio.io/use-waypoint` of a Service should be; `undefined` takes away what we have set. */
export interface Binding {
  readonly service: string;
  readonly waypoint: string | undefined;
}

/**
 * The bindings of a namespace that are not as they should be. A Service is bound to the waypoint of an account if all its pods,
 * at least one, run under that account; a label that a person has set stays.
 *
 * A Service is only bound to a waypoint that is ready, for a missing one fails open. Bound once, it stays so while the waypoint
 * restarts.
 *
 * @param pods  live pods of the namespace
 * @see design 3, controller `service-account`
 */
export function bindings(
  services: readonly BindableService[],
  pods: readonly BindablePod[],
  accounts: readonly Named[],
  gateways: readonly Gateway[],
): Binding[] {
  const waypoints = new Map(accounts.map((account) => [account.metadata.name, waypointOf(account, gateways)]));
  return services.flatMap((service) => {
    const { [LABEL.useWaypoint]: label, [LABEL.gatewayManaged]: managed } = service.metadata.labels ?? {};
    const ours = boundWaypoint(service);
    if (managed !== undefined) return [];
    // Only our mark goes, so that nothing waits for it.
    if (isChosen(service)) return ours === undefined ? [] : [{ service: service.metadata.name, waypoint: undefined }];
    const account = commonAccount(service, pods);
    const gateway = account === undefined ? undefined : waypoints.get(account);
    const wanted = gateway && (gateway.metadata.name === label || isReady(gateway)) ? gateway.metadata.name : undefined;
    if (wanted === label && wanted === ours) return [];
    return [{ service: service.metadata.name, waypoint: wanted }];
  });
}

/** Whether a person has chosen the waypoint of a Service, or none: such a label stays. */
export function isChosen(service: Named): boolean {
  const { [LABEL.useWaypoint]: label, [LABEL.useWaypointNamespace]: namespace } = service.metadata.labels ?? {};
  return label !== undefined && (label !== boundWaypoint(service) || namespace !== undefined);
}

/** The waypoint that we have bound a Service to. */
export function boundWaypoint({ metadata }: Named): string | undefined {
  return metadata.annotations?.[ANNOTATION.boundWaypoint];
}

/** An account that a Gateway asks for, and that another one serves: a stronger hint, or an older Gateway. */
export function accountTaken(
  gateway: Gateway,
  accounts: readonly Named[],
  gateways: readonly Gateway[],
): { readonly account: string; readonly by: string } | undefined {
  const asked = gateway.metadata.annotations?.[ANNOTATION.forServiceAccount];
  const account = accounts.find(({ metadata: { name } }) =>
    asked === undefined ? gateway.metadata.name === `${name}-waypoint` : name === asked,
  );
  if (!account) return undefined;
  const by = waypointOf(account, gateways)?.metadata.name;
  return by === undefined || by === gateway.metadata.name ? undefined : { account: account.metadata.name, by };
}

/** The Gateway that serves an account; the first hint wins, and of several Gateways the oldest. */
function waypointOf({ metadata: { name, labels } }: Named, gateways: readonly Gateway[]): Gateway | undefined {
  const candidates = gateways
    .filter((gateway) => isWaypoint(gateway) && !isLeaving(gateway))
    .sort((a, b) => (ageOf(a) < ageOf(b) ? -1 : 1));
  const label = labels?.[LABEL.useWaypoint];
  if (label !== undefined) return candidates.find(({ metadata }) => metadata.name === label);
  const servable = candidates.filter(isServable);
  return (
    servable.find(({ metadata }) => metadata.annotations?.[ANNOTATION.forServiceAccount] === name) ??
    servable.find(({ metadata }) => metadata.name === `${name}-waypoint`)
  );
}

const ageOf = ({ metadata }: Gateway): string => `${metadata.creationTimestamp ?? ''} ${metadata.name}`;

/** The account of all pods that a Service has, if it is one and there are pods. */
function commonAccount(service: BindableService, pods: readonly BindablePod[]): string | undefined {
  const selector = Object.entries(service.spec?.selector ?? {});
  if (selector.length === 0) return undefined;
  const selected = pods.filter(({ metadata }) => selector.every(([key, value]) => metadata.labels?.[key] === value));
  const [account, another] = new Set(selected.map(({ spec }) => spec?.serviceAccountName ?? 'default'));
  return another === undefined ? account : undefined;
}

/** Whether a waypoint goes now, or is not served. One that we deploy says so itself: policies may hold it. */
function isLeaving(gateway: Gateway): boolean {
  const { deletionTimestamp, finalizers } = gateway.metadata;
  const isHeld = finalizers?.includes(WAYPOINT_FINALIZER) ?? false;
  const reason = conditionOf(gateway, SERVING)?.reason;
  return (deletionTimestamp !== undefined && !isHeld) || LEAVING_REASONS.some((each) => each === reason);
}

/** Whether traffic may be sent to a waypoint now. */
function isReady(gateway: Gateway): boolean {
  if (gateway.metadata.deletionTimestamp !== undefined) return false;
  const isServed = !isServable(gateway) || conditionOf(gateway, SERVING)?.status === 'True';
  return isServed && conditionOf(gateway, 'Programmed')?.status === 'True';
}

const conditionOf = ({ status }: Gateway, type: string): GatewayCondition | undefined =>
  status?.conditions?.find((condition) => condition.type === type);
