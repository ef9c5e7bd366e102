import type { Clock } from '../../clock.js';
import type { Client } from '../../kube/client.js';
import type { Logger } from '../../log.js';
import { Informers } from './informers.js';
import { Cluster } from './kube-controller-manager/cluster.js';
import type { Controller, ControllerOptions } from './kube-controller-manager/control-loop.js';
import { ClaimProtectionController } from './kube-controller-manager/claim-protection.js';
import { CronJobController } from './kube-controller-manager/cron-job/controller.js';
import { DaemonSetController } from './kube-controller-manager/daemon-set/controller.js';
import { DeploymentController } from './kube-controller-manager/deployment/controller.js';
import { DisruptionController } from './kube-controller-manager/disruption.js';
import { EndpointSliceController } from './kube-controller-manager/endpoint-slice.js';
import { EndpointsController } from './kube-controller-manager/endpoints.js';
import { GarbageCollector } from './kube-controller-manager/garbage-collector/controller.js';
import { HorizontalPodAutoscalerController } from './kube-controller-manager/horizontal-pod-autoscaler.js';
import { JobController } from './kube-controller-manager/job/controller.js';
import { JobTtlController } from './kube-controller-manager/job/ttl-controller.js';
import { NamespaceController } from './kube-controller-manager/namespace/controller.js';
import { NodeLifecycleController } from './kube-controller-manager/node-lifecycle.js';
import { ReplicaSetController } from './kube-controller-manager/replica-set/controller.js';
import { RootCertificateController } from './kube-controller-manager/root-certificate.js';
import { ServiceAccountController } from './kube-controller-manager/service-account.js';
import { StatefulSetController } from './kube-controller-manager/stateful-set/controller.js';

/** What the controllers are made from. */
export interface ControllersOptions {
  /** As an administrator, best as `system:kube-controller-manager`. */
  client: Client;
  clock: Clock;
  log: Logger;
  /** Caches to share with other simulators; they are run by whoever made them. Default: caches of their own. */
  informers?: Informers;
  /** Certificate authority (PEM) for the ConfigMap `kube-root-ca.crt`; absent: there is no such ConfigMap. */
  rootCertificate?: string;
}

/** Controllers at work. */
export interface RunningControllers {
  /** Resolves when every cache has been filled once. */
  whenSynced(): Promise<void>;
  /** Resolves after the signal has been aborted and everything has ended. */
  readonly ended: Promise<void>;
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

/** Starts what kube-controller-manager does, as far as it is simulated, until `signal` is aborted. */
export function runControllers(options: ControllersOptions, signal: AbortSignal): RunningControllers {
  const { client, clock, log, rootCertificate } = options;
  const informers = options.informers ?? new Informers({ client, clock, log });
  const cluster = new Cluster(client, clock, informers);
  const controllers = kinds.map((Kind): Controller => new Kind({ cluster, log }));
  if (rootCertificate !== undefined) {
    controllers.push(new RootCertificateController({ cluster, log, certificate: rootCertificate }));
  }
  const watching = options.informers === undefined ? [informers.run(signal)] : [];
  const ended = Promise.all([...watching, ...controllers.map((controller) => controller.run(signal))]).then(() => {});
  return { whenSynced: () => informers.whenSynced(), ended };
}
