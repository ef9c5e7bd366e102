import { setMaxListeners } from 'node:events';
import type { Clock } from '../../../clock.js';
import type { Client } from '../../../kube/client.js';
import type { Logger } from '../../../log.js';
import { Informers } from '../informers.js';
import { Cluster } from './cluster.js';
import type { Controller, ControllerOptions } from './control-loop.js';
import { ClaimProtectionController } from './claim-protection.js';
import { CronJobController } from './cron-job/controller.js';
import { DaemonSetController } from './daemon-set/controller.js';
import { DeploymentController } from './deployment/controller.js';
import { DisruptionController } from './disruption.js';
import { EndpointSliceController } from './endpoint-slice.js';
import { EndpointsController } from './endpoints.js';
import { GarbageCollector } from './garbage-collector/controller.js';
import { HorizontalPodAutoscalerController } from './horizontal-pod-autoscaler.js';
import { JobController } from './job/controller.js';
import { JobTtlController } from './job/ttl-controller.js';
import { NamespaceController } from './namespace/controller.js';
import { NodeLifecycleController } from './node-lifecycle.js';
import { ReplicaSetController } from './replica-set/controller.js';
import { RootCertificateController } from './root-certificate.js';
import { ServiceAccountController } from './service-account.js';
import { StatefulSetController } from './stateful-set/controller.js';

/** What the controllers are made from. */
export interface ControllersOptions {
  /** As an administrator, best as `system:kube-controller-manager`. */
  client: Client;
  clock: Clock;
  log: Logger;
  /** Certificate authority (PEM) for the ConfigMap `kube-root-ca.crt`. */
  rootCertificate: string;
}

const kinds: (new (options: ControllerOptions) => Controller)[] = [
  NamespaceController,
  ServiceAccountController,
  NodeLifecycleController,
  DeploymentController,
  ReplicaSetController,
  StatefulSetController,
  DaemonSetController,
  JobController,
  JobTtlController,
  CronJobController,
  DisruptionController,
  EndpointsController,
  EndpointSliceController,
  HorizontalPodAutoscalerController,
  GarbageCollector,
  ClaimProtectionController,
];

/** Does what kube-controller-manager does, as far as it is simulated, until `signal` is aborted. */
export async function runControllers(options: ControllersOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, log, rootCertificate } = options;
  const informers = new Informers({ client, clock, log });
  const cluster = new Cluster(client, clock, informers);
  const controllers: Controller[] = [
    ...kinds.map((Kind) => new Kind({ cluster, log })),
    new RootCertificateController({ cluster, log, certificate: rootCertificate }),
  ];
  const loops = controllers.flatMap((controller) => controller.loops);
  // Each listens until the end: Node would take so many for a leak, and say so to whoever runs the demo.
  setMaxListeners(0, signal);
  await Promise.all([informers.run(signal), ...loops.map((loop) => loop.run(signal))]);
}
