import { delay } from '../clock.js';
import type { KubeObject } from '../kube/resource.js';
import { CUSTOM_RESOURCE_DEFINITION, type CustomResourceDefinition } from '../kube/types.js';
import { Informer, type InformerOptions } from './informer.js';

/**
 * When to try again after a CRD became Established, ms. The API server serves the kind a moment later, in a cluster with
 * several API servers some seconds later.
 *
 * @see kubernetes/kubernetes, apiextensions-apiserver, establish.EstablishingController (5 s)
 */
const TRIES_MS = [0, 500, 1_000, 2_000, 4_000, 8_000];

/** A CRD with nothing but its name and whether it is Established; schemas are by far the larger part of a CRD. */
interface CrdName extends KubeObject {
  isEstablished: boolean;
}

function toName({ apiVersion, kind, metadata, status }: CustomResourceDefinition): CrdName {
  const { name, uid, resourceVersion } = metadata;
  const isEstablished =
    status?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True') ?? false;
  return {
    apiVersion,
    kind,
    metadata: { name, ...(uid !== undefined && { uid }), ...(resourceVersion !== undefined && { resourceVersion }) },
    isEstablished,
  };
}

/**
 * Wakes the informers of kinds that the API server does not serve when their CRD becomes Established, and tries again soon for
 * one whose CRD is so all the time: that 404 may be of a proxy. The one watch of
 * CRDs that this needs starts with the first kind found absent: a cluster that has all kinds does without.
 */
export class AbsentKinds {
  readonly #options: InformerOptions;
  readonly #informers: Informer[] = [];
  #isNeeded: () => void = () => {};
  /** What to do about an informer that becomes absent while CRDs are watched. */
  #look: (informer: Informer) => void = () => {};

  constructor(options: InformerOptions) {
    this.#options = options;
  }

  /** From now on wakes `informer`. */
  add(informer: Informer): void {
    this.#informers.push(informer);
    informer.onAbsent(() => {
      this.#isNeeded();
      this.#look(informer);
    });
  }

  /** Watches CRDs, once that is needed, until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const needed = new Promise<void>((resolve) => {
      this.#isNeeded = resolve;
      if (signal.aborted || this.#informers.some((informer) => informer.absent)) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await needed;
    if (signal.aborted) return;
    await this.#watchCrds(signal);
  }

  async #watchCrds(signal: AbortSignal): Promise<void> {
    const crds = new Informer<CrdName>(
      { type: CUSTOM_RESOURCE_DEFINITION as never, map: () => [], transform: toName as never },
      this.#options,
    );
    crds.subscribe(({ new: crd }) => {
      if (crd?.isEstablished)
        for (const informer of this.#informers)
          if (informer.kind === crd.metadata.name) void this.#wake(informer, signal);
    });
    this.#look = (informer) => {
      if (crds.get({ name: informer.kind })?.isEstablished) void this.#wake(informer, signal);
    };
    await crds.run(signal);
  }

  async #wake(informer: Informer, signal: AbortSignal): Promise<void> {
    for (const tryMs of TRIES_MS) {
      try {
        await delay(this.#options.clock, tryMs, signal);
      } catch {
        return; // stopped
      }
      if (!informer.absent) return;
      informer.poke();
    }
  }
}
