import type { Gateway, GatewayCondition } from '../api/gateway-api.js';
import { ANNOTATION, LABEL } from '../api/labels.js';
import { LEAVING_REASONS, SERVING, WAYPOINT_FINALIZER } from '../api/serving.js';
import { bySelector } from './by-selector.js';
import type { WaypointRef } from './use-waypoint.js';
import { isProgrammed, isServable, isWaypoint } from './waypoint-gateway.js';
import {
  bindingLabels,
  boundWaypoint,
  isHeldByAccount,
  isHeldByMigration,
  labelledWaypoint,
} from './waypoint-holders.js';

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

/** The waypoint that a Service should be bound to, as {@link boundWaypoint} says it; `undefined` takes away what we have set, if nobody else holds it. */
export interface Binding {
  readonly service: string;
  readonly waypoint: string | undefined;
}

/** What accounts and Services of a namespace find when they look for a waypoint. */
export interface Waypoints {
  /** Gateways of the namespace. */
  readonly gateways: readonly Gateway[];
  /** Gateways of other namespaces that let this one use them. */
  readonly shared?: readonly Gateway[];
  /** The namespace is labelled `none`: a Gateway that hints at an account is not enough, the account must name it. */
  readonly isOptedOut?: boolean;
}

/**
 * The bindings of a namespace that are not as they should be. A Service is bound to a waypoint if all its pods, at least one, run under
 * accounts that it serves: there may be several, as while pods change from one account to the next. A label that a person has set stays.
 * So does that of a migration, which is held as well if it names the same waypoint.
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
  waypoints: Waypoints,
): Binding[] {
  const choices = choicesOf(accounts, waypoints);
  const marks = new Set([...choices.values()].flatMap(({ mark, gateway }) => (gateway ? [mark] : [])));
  const accountsOf = choices.size === 0 ? () => [] : accountsByService(services, pods);
  const usable = new Set(standing(waypoints).map((gateway) => markOf(gateway, waypoints)));
  return services.flatMap((service) => {
    const ours = boundWaypoint(service);
    const change = (waypoint: string | undefined): Binding[] => [{ service: service.metadata.name, waypoint }];
    // Waypoints have no waypoint.
    if (service.metadata.labels?.[LABEL.gatewayManaged] !== undefined) return [];
    // Only our mark goes, so that nothing waits for it.
    if (isChosen(service) && !isHeldByMigration(service)) return ours === undefined ? [] : change(undefined);
    const label = labelledWaypoint(service);
    const all = accountsOf(service);
    // A moment without pods is no reason to let it go.
    if (all.length === 0 && hasSelector(service) && ours !== undefined && ours === label && marks.has(ours)) return [];
    const choice = commonChoice(all, choices);
    // The former one holds until the one that is named now is ready; there may be none yet.
    const former = choice && ours !== undefined && ours === label && usable.has(ours) ? ours : undefined;
    const wanted = choice?.gateway && (choice.mark === label || isReady(choice.gateway)) ? choice.mark : former;
    // The label of a Service beats that of its account: at most it is held as well.
    if (isHeldByMigration(service)) {
      const shared = wanted === label ? wanted : undefined;
      return shared === ours ? [] : change(shared);
    }
    return wanted === label && wanted === ours ? [] : change(wanted);
  });
}

const hasSelector = ({ spec }: BindableService): boolean => Object.keys(spec?.selector ?? {}).length > 0;

/** A Service that is not bound, because its pods run under accounts that do not have the same waypoint, or have none in part. */
export interface MixedService {
  readonly service: string;
  /** Accounts of its pods. */
  readonly accounts: readonly string[];
  /** Those of them that have a waypoint. */
  readonly served: readonly string[];
}

/** The Services of a namespace whose pods have a waypoint in part, or several. */
export function mixedServices(
  services: readonly BindableService[],
  pods: readonly BindablePod[],
  accounts: readonly Named[],
  waypoints: Waypoints,
): MixedService[] {
  const choices = choicesOf(accounts, waypoints);
  if (choices.size === 0) return [];
  const accountsOf = accountsByService(services, pods);
  return services.flatMap((service) => {
    if (isChosen(service) || service.metadata.labels?.[LABEL.gatewayManaged] !== undefined) return [];
    const all = accountsOf(service);
    const served = all.filter((account) => choices.get(account)?.gateway);
    const isMixed = served.length > 0 && commonChoice(all, choices) === undefined;
    return isMixed ? [{ service: service.metadata.name, accounts: all, served }] : [];
  });
}

/** The waypoint that an account has, or would have: one that its label names may be missing. */
interface Choice {
  /** As {@link boundWaypoint} says it. */
  readonly mark: string;
  readonly gateway: Gateway | undefined;
}

/** What accounts choose, by their names; those that choose none are left out. */
function choicesOf(accounts: readonly Named[], waypoints: Waypoints): ReadonlyMap<string, Choice> {
  return new Map(
    accounts.flatMap((account) => {
      const gateway = waypointOf(account, waypoints);
      const mark = gateway ? markOf(gateway, waypoints) : namesWaypoint(account) && labelledWaypoint(account);
      return mark ? [[account.metadata.name, { mark, gateway }] as const] : [];
    }),
  );
}

/** What accounts choose if all of them choose the same. */
function commonChoice(accounts: readonly string[], choices: ReadonlyMap<string, Choice>): Choice | undefined {
  const [first, ...others] = accounts.map((account) => choices.get(account));
  return others.every((other) => other?.mark === first?.mark) ? first : undefined;
}

/** Whether somebody else than the controller of accounts has chosen the waypoint of a Service, or none: such a label stays. */
export function isChosen(service: Named): boolean {
  return labelledWaypoint(service) !== undefined && !isHeldByAccount(service);
}

/** Whether the label stays when the controller of accounts gives up its mark. */
export function isHeldByOthers(service: Named): boolean {
  return isChosen(service) || isHeldByMigration(service);
}

/** The Gateway that we have bound a Service to. */
export function boundGateway(service: Named & { metadata: { namespace?: string } }): WaypointRef | undefined {
  const { name, namespace = service.metadata.namespace ?? '' } = bindingLabels(boundWaypoint(service));
  return name === undefined ? undefined : { namespace, name };
}

function markOf(gateway: Gateway, { shared }: Waypoints): string {
  const { namespace = '', name } = gateway.metadata;
  return shared?.includes(gateway) ? `${namespace}/${name}` : name;
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
  const by = waypointOf(account, { gateways })?.metadata.name;
  return by === undefined || by === gateway.metadata.name ? undefined : { account: account.metadata.name, by };
}

/** Whether an account names a waypoint by its label, be there one or not. */
function namesWaypoint({ metadata: { labels = {} } }: Named): boolean {
  return labels[LABEL.useWaypoint] !== undefined && labels[LABEL.useWaypoint] !== 'none';
}

/** The Gateway that serves an account; the first hint wins, and of several Gateways the oldest. */
function waypointOf(account: Named, { gateways, shared = [], isOptedOut }: Waypoints): Gateway | undefined {
  const { name, labels = {} } = account.metadata;
  const { [LABEL.useWaypoint]: label, [LABEL.useWaypointNamespace]: namespace } = labels;
  if (label !== undefined) {
    return standing({ gateways, shared: namespace === undefined ? [] : shared }).find(
      ({ metadata }) => metadata.name === label && (namespace === undefined || metadata.namespace === namespace),
    );
  }
  if (isOptedOut) return undefined;
  const servable = standing({ gateways }).filter(isServable);
  return (
    servable.find(({ metadata }) => metadata.annotations?.[ANNOTATION.forServiceAccount] === name) ??
    servable.find(({ metadata }) => metadata.name === `${name}-waypoint`)
  );
}

/** The waypoints that stay, the oldest first. */
function standing({ gateways, shared = [] }: Waypoints): Gateway[] {
  return [...gateways, ...shared]
    .filter((gateway) => isWaypoint(gateway) && !isLeaving(gateway))
    .sort((a, b) => (ageOf(a) < ageOf(b) ? -1 : 1));
}

const ageOf = ({ metadata }: Gateway): string => `${metadata.creationTimestamp ?? ''} ${metadata.name}`;

/** The accounts of the pods that a Service has, sorted; none without a selector. */
function accountsByService(
  services: readonly BindableService[],
  pods: readonly BindablePod[],
): (service: BindableService) => readonly string[] {
  const selecting = bySelector(services.filter(hasSelector), ({ spec }) => spec?.selector ?? {});
  const found = new Map<BindableService, Set<string>>();
  for (const { metadata, spec } of pods) {
    for (const service of selecting(metadata.labels ?? {})) {
      const accounts = found.get(service) ?? new Set();
      found.set(service, accounts.add(spec?.serviceAccountName ?? 'default'));
    }
  }
  return (service) => [...(found.get(service) ?? [])].sort();
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
  // What we deploy, we call serving only while a pod is ready; of others we see no pods here.
  if (!isServable(gateway)) return conditionOf(gateway, 'Programmed')?.status === 'True';
  return conditionOf(gateway, SERVING)?.status === 'True' && isProgrammed(gateway);
}

const conditionOf = ({ status }: Gateway, type: string): GatewayCondition | undefined =>
  status?.conditions?.find((condition) => condition.type === type);
