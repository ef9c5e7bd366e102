import { type Labels, type PolicyObject, asRecord, selects } from '../policy-object.js';
import { isOfRootOnly } from '../findings/scope.js';
import { targetsOf } from '../waypoint-needs.js';

/** Pods that are alike: a pod template, or a pod that none has made. */
export interface PodGroup {
  /** `Kind/name`, for messages. */
  readonly name: string;
  readonly labels: Labels;
  /** Ports of its containers. */
  readonly ports: readonly { readonly name?: string | undefined; readonly containerPort: number }[];
}

/** A Service, as far as it decides which policies its requests meet. */
export interface TargetService {
  readonly metadata: { readonly name: string };
  readonly spec?:
    | {
        readonly type?: string | undefined;
        /** `None` for a headless Service. */
        readonly clusterIP?: string | undefined;
        readonly selector?: Labels | undefined;
        readonly ports?:
          | readonly {
              readonly name?: string | undefined;
              readonly port: number;
              /** (`TCP`) */
              readonly protocol?: string | undefined;
              /** (`port`) */
              readonly targetPort?: number | string | undefined;
            }[]
          | undefined;
      }
    | undefined;
}

/** A namespace whose policies are going to be enforced by a waypoint. */
export interface TranslationScope {
  readonly namespace: string;
  /** The namespace whose policies apply to the whole mesh, usually `istio-system`. */
  readonly rootNamespace: string;
  /** It is to serve every Service of the namespace. */
  readonly waypoint: { readonly name: string; readonly namespace: string };
  /** What calls through it are addressed to: `service`, `workload`, `all` or `none`. (`service`) */
  readonly traffic?: string | undefined;
  /** Of the namespace. */
  readonly services: readonly TargetService[];
  /** Of the namespace, those on the host network left out. */
  readonly pods: readonly PodGroup[];
  /** By name of a Service of the namespace: labels of the pods that its EndpointSlices list, where no selector does. (nobody knows of any) */
  readonly listedPods?: ReadonlyMap<string, readonly Labels[]> | undefined;
  /** HTTPRoutes, GRPCRoutes and ServiceEntries, of any namespace; what else is among them says nothing. */
  readonly routing: readonly PolicyObject[];
}

/** Why a copy for the waypoint would not mean what the policy means at sidecars. */
export interface Difference {
  readonly reason:
    /** A Service has pods that the policy does not select. */
    | 'Widened'
    /** Pods of the policy belong to no Service: who calls their addresses does not meet the copy. */
    | 'Unreached'
    /** Who calls a headless Service calls its pods. */
    | 'Headless'
    /** A port that is no number, or of which a Service makes different ports of its pods. */
    | 'Port'
    /** A field that a waypoint sees otherwise than a sidecar. */
    | 'Field'
    /** A route, another host, a Service without selector or an address on the way to pods of the policy. */
    | 'Routed'
    /** What pods send, which goes through the waypoint of those whom they call. */
    | 'Outgoing';
  /** What it is about: a path in the policy, `Service/name` or that of a {@link PodGroup}. */
  readonly at: string;
  /** One clause, no full stop. */
  readonly message: string;
}

/** What a policy applies to. */
export interface Selection {
  readonly services: readonly TargetService[];
  readonly differences: readonly Difference[];
}

/**
 * The Services whose requests a policy decides about today, by the pods that it selects.
 *
 * @see istio-ambient facts, 5.2, steps 1 to 5
 */
export function selectionOf(policy: PolicyObject, scope: TranslationScope): Selection {
  const selector = asRecord(asRecord(asRecord(policy.spec)['selector'])['matchLabels']);
  const isChosen = ({ labels }: PodGroup): boolean => selects(selector, labels);
  const chosen = scope.pods.filter(isChosen);
  const services = scope.services.filter((service) => podsOf(service, scope).some(isChosen));
  const reached = services.filter((service) => !isHeadless(service));
  const listing = listingServices(policy, scope);
  return {
    services: reached,
    differences: [
      ...[...services, ...listing].filter(isHeadless).map((service) => headless(service)),
      ...reached.flatMap((service) => widened(service, podsOf(service, scope), isChosen)),
      ...chosen.filter((pods) => !services.some((service) => podsOf(service, scope).includes(pods))).map(unreached),
    ],
  };
}

/** Whether a waypoint of the namespace could take the policy: it chooses pods of the namespace, as sidecars read it. */
export function isOfPods(policy: PolicyObject, { namespace, rootNamespace }: TranslationScope): boolean {
  if (isOfRootOnly(policy, rootNamespace) && namespace !== rootNamespace) return false;
  return [namespace, rootNamespace].includes(policy.metadata.namespace ?? '') && targetsOf(policy).length === 0;
}

/** Whether there are pods of the namespace that both choose. */
export function choosesCommonPods(one: PolicyObject, other: PolicyObject, { pods }: TranslationScope): boolean {
  const [first, second] = [one, other].map((policy) =>
    asRecord(asRecord(asRecord(policy.spec)['selector'])['matchLabels']),
  );
  return pods.some(({ labels }) => selects(first!, labels) && selects(second!, labels));
}

/** The pods that a Service chooses; without selector, none. */
export function podsOf({ spec }: TargetService, { pods }: TranslationScope): PodGroup[] {
  const selector = spec?.selector ?? {};
  if (spec?.type === 'ExternalName' || Object.keys(selector).length === 0) return [];
  return pods.filter(({ labels }) => selects(selector, labels));
}

/** Services without selector that have pods of a policy among their endpoints all the same. */
export function listingServices(policy: PolicyObject, { services, listedPods }: TranslationScope): TargetService[] {
  const selector = asRecord(asRecord(asRecord(policy.spec)['selector'])['matchLabels']);
  return services.filter(
    ({ metadata, spec }) =>
      spec?.type !== 'ExternalName' &&
      Object.keys(spec?.selector ?? {}).length === 0 &&
      listedPods?.get(metadata.name)?.some((labels) => selects(selector, labels)) === true,
  );
}

/** Whether who calls a Service calls its pods. */
export const isHeadless = ({ spec }: TargetService): boolean => spec?.clusterIP === 'None';

function headless({ metadata }: TargetService): Difference {
  const message = 'is headless: who calls it calls its pods, past the waypoint';
  return { reason: 'Headless', at: `Service/${metadata.name}`, message };
}

function widened(
  { metadata }: TargetService,
  pods: readonly PodGroup[],
  isChosen: (pods: PodGroup) => boolean,
): Difference[] {
  const others = pods.filter((group) => !isChosen(group)).map(({ name }) => name);
  if (others.length === 0) return [];
  const message = `has pods that the policy does not select: ${others.join(', ')}`;
  return [{ reason: 'Widened', at: `Service/${metadata.name}`, message }];
}

function unreached({ name }: PodGroup): Difference {
  const message = 'belongs to no Service: who calls its pods does so past the waypoint';
  return { reason: 'Unreached', at: name, message };
}
