import equal from 'fast-deep-equal';
import type { Client } from '../../../kube/client.js';
import type { Condition } from '../../../kube/conditions.js';
import { guardedPatch } from '../../../kube/patch.js';
import type { KubeObject, ResourceType } from '../../../kube/resource.js';
import { SERVICE, type Service } from '../../../kube/types.js';
import type { Informer } from '../informers.js';
import { withConditions, type Wanted } from './conditions.js';
import type { AuthorizationPolicy } from './kinds.js';

const fieldManager = 'pilot-discovery';

/** Writes what istiod observes into the status of objects. */
export class StatusWriter {
  constructor(readonly client: Client) {}

  /** Makes `status` the status of an object, if it is not so already. */
  async write<T extends KubeObject & { status?: unknown }>(
    type: ResourceType<T>,
    informer: Informer<T>,
    object: T,
    status: object,
  ): Promise<void> {
    const value = JSON.parse(JSON.stringify(status)) as unknown;
    if (equal(object.status ?? {}, value)) return;
    const operations = guardedPatch(object, [{ path: ['status'], value }]);
    const options = { fieldManager, subresource: 'status' };
    informer.written(await this.client.jsonPatch<T>(type, object.metadata, operations, options));
  }

  /** Sets the condition of a Service that is istiod's, or takes it away. */
  async serviceCondition(
    informer: Informer<Service>,
    service: Service,
    wanted: Wanted | undefined,
    nowMs: number,
  ): Promise<void> {
    const known = service.status?.conditions?.find(({ type }) => type === 'istio.io/WaypointBound');
    if (wanted === undefined && known === undefined) return;
    const conditions = wanted === undefined ? [] : withConditions(known && [known], [wanted], undefined, nowMs);
    if (equal(conditions[0], known)) return;
    const { name, namespace } = service.metadata;
    const metadata = { name, ...(namespace !== undefined && { namespace }) };
    const object = { apiVersion: 'v1', kind: 'Service', metadata, status: { conditions } };
    const options = { fieldManager: 'istio.io/ambient-controller', force: true, subresource: 'status' };
    informer.written(await this.client.apply<Service>(SERVICE, object, options));
  }

  /** Sets the one condition of a policy; Istio's own kinds have the generation as text, and no empty message. */
  async policyCondition(
    type: ResourceType<AuthorizationPolicy>,
    informer: Informer<AuthorizationPolicy>,
    policy: AuthorizationPolicy,
    wanted: Wanted,
    nowMs: number,
  ): Promise<void> {
    const known = policy.status?.conditions?.find((condition) => condition.type === wanted.type);
    const before = known && {
      ...known,
      message: known.message ?? '',
      observedGeneration: Number(known.observedGeneration),
    };
    const [next] = withConditions(before && [before], [wanted], policy.metadata.generation, nowMs);
    const { message, observedGeneration, ...rest } = next!;
    const condition = { ...rest, ...(message !== '' && { message }), observedGeneration: String(observedGeneration) };
    const conditions = [condition] as unknown as Condition[];
    await this.write(type, informer, policy, { ...policy.status, conditions });
  }
}
