import { formatTime } from '../../../kube/conditions.js';
import { isNotFound } from '../../../kube/errors.js';
import { namespaced, type KubeObject } from '../../../kube/resource.js';
import type { ObjectReference } from '../../../kube/types.js';
import type { Logger } from '../../../log.js';
import { fieldManager, type Cluster } from './cluster.js';

/** `v1` Event, as kube-controller-manager writes them. */
export interface CoreEvent extends KubeObject {
  involvedObject: ObjectReference & { resourceVersion?: string };
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  source: { component: string };
  reportingComponent: string;
  reportingInstance: string;
  firstTimestamp: string;
  lastTimestamp: string;
  count: number;
}

/** Kind of the Events that controllers write. */
export const CORE_EVENT = namespaced<CoreEvent>('', 'v1', 'events', 'Event');

/** After so long without a repetition an event is a new one. */
const forgetAfterMs = 3_600_000;

/** Of more events than this the oldest are told anew when they are repeated. */
const maxRemembered = 4_096;

interface Told {
  event: CoreEvent;
  lastAt: number;
}

/**
 * Writes the Events of one controller (`kubectl describe` shows them), in the form and under the names of the real
 * recorder: `v1`, `<object>.<time in nanoseconds, hexadecimal>`, repetitions counted. They are written in the background,
 * one after the other, and dropped if that fails.
 */
export class ObjectEvents {
  readonly #told = new Map<string, Told>();
  #writing: Promise<void> = Promise.resolve();
  #lastName = 0n;

  constructor(
    readonly cluster: Cluster,
    readonly log: Logger,
    /** Such as `replicaset-controller`. */
    readonly component: string,
  ) {}

  /** Tells that something has happened as it should. */
  normal(object: KubeObject, reason: string, message: string): void {
    this.#tell(object, 'Normal', reason, message);
  }

  /** Tells that something is wrong. */
  warning(object: KubeObject, reason: string, message: string): void {
    this.#tell(object, 'Warning', reason, message);
  }

  #tell(object: KubeObject, type: CoreEvent['type'], reason: string, message: string): void {
    const key = [object.metadata.uid, type, reason, message].join('\n');
    const now = this.cluster.clock.now();
    const told = this.#told.get(key);
    const repeated = told !== undefined && now - told.lastAt < forgetAfterMs;
    const event = repeated
      ? { ...told.event, count: told.event.count + 1, lastTimestamp: formatTime(now) }
      : this.#event(object, type, reason, message);
    this.#told.delete(key);
    this.#told.set(key, { event, lastAt: now });
    const [oldest] = this.#told.keys();
    if (this.#told.size > maxRemembered && oldest !== undefined) this.#told.delete(oldest);
    this.#writing = this.#writing
      .then(() => (repeated ? this.#repeat(event) : this.#create(event)))
      .catch((err: unknown) => this.log.debug({ err, reason, object: object.metadata.name }, 'event not written'));
  }

  #event(object: KubeObject, type: CoreEvent['type'], reason: string, message: string): CoreEvent {
    const { name, namespace, uid = '', resourceVersion } = object.metadata;
    const at = this.cluster.now();
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: this.#name(name), namespace: namespace ?? 'default' },
      involvedObject: {
        apiVersion: object.apiVersion,
        kind: object.kind,
        name,
        uid,
        ...(namespace !== undefined && { namespace }),
        ...(resourceVersion !== undefined && { resourceVersion }),
      },
      type,
      reason,
      message: message.slice(0, 1024),
      source: { component: this.component },
      reportingComponent: this.component,
      reportingInstance: '',
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
    };
  }

  /** No two events of a controller have the same time in their names. */
  #name(object: string): string {
    const now = BigInt(this.cluster.clock.now()) * 1_000_000n;
    this.#lastName = now > this.#lastName ? now : this.#lastName + 1n;
    return `${object}.${this.#lastName.toString(16)}`;
  }

  async #create(event: CoreEvent): Promise<void> {
    await this.cluster.client.create(CORE_EVENT, event, { fieldManager });
  }

  async #repeat(event: CoreEvent): Promise<void> {
    const { count, lastTimestamp } = event;
    try {
      await this.cluster.client.jsonPatch(
        CORE_EVENT,
        event.metadata,
        [
          { op: 'add', path: '/count', value: count },
          { op: 'add', path: '/lastTimestamp', value: lastTimestamp },
        ],
        { fieldManager },
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await this.#create(event);
    }
  }
}
