import { k8s } from 'cdk8s-plus-28';
import { LABEL } from '../src/api/labels.js';
import { type Access, addAccess } from './access.js';
import { type DryRunOnly, addDryRunPolicy } from './admission.js';
import { type Manifest, Objects } from './objects.js';

/** Name of everything that belongs to the operator. */
const NAME = 'sidestep';
const SELECTOR = { [LABEL.name]: NAME };
const PORT = 8080;

/** The `nonroot` user of distroless images; the Dockerfile uses it too. */
const USER = 65_532;

/** Of the operator, at most. */
const MEMORY_MIB = 768;
/** Left to itself V8 takes half of the memory, and ends where it needs more, whatever is free. */
const HEAP_MIB = (MEMORY_MIB * 3) / 4;

/** What differs between installations. */
export interface InstallOptions {
  /** Image of the operator. */
  readonly image: string;
  /** Namespace of the operator and its Lease. Istio's, `default` and those of Kubernetes are there already, and left as they are. */
  readonly namespace: string;
  /** Namespace of istiod. */
  readonly istioNamespace: string;
  /** What the operator may do. */
  readonly access: Access;
  /** What it may create in a dry run only. */
  readonly dryRunOnly: readonly DryRunOnly[];
}

/** The objects that run the operator, in the order in which they must be applied; CRDs not included. */
export function installManifests(options: InstallOptions): Manifest[] {
  const { namespace } = options;
  const objects = new Objects();
  if (!isShared(options))
    objects.add(k8s.KubeNamespace, {
      metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    });
  objects.add(k8s.KubeServiceAccount, { metadata: { name: NAME, namespace } });
  addAccess(objects, { name: NAME, namespace }, options.access);
  // Before the Deployment: there is no moment at which the operator runs without it.
  addDryRunPolicy(objects, `${NAME}-dry-run`, `system:serviceaccount:${namespace}:${NAME}`, options.dryRunOnly);
  objects.add(k8s.KubeService, metricsService(namespace));
  objects.add(k8s.KubePodDisruptionBudget, {
    metadata: { name: NAME, namespace },
    spec: {
      maxUnavailable: k8s.IntOrString.fromNumber(1),
      selector: { matchLabels: SELECTOR },
      // Operators that cannot get ready serve nobody, and must not keep a node from being drained.
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    },
  });
  objects.add(k8s.KubeDeployment, deployment(options));
  return objects.render();
}

/** Whether others run pods there, such as ztunnel and the CNI agent: at our level of pod security they would not start again. */
function isShared({ namespace, istioNamespace }: InstallOptions): boolean {
  return namespace === istioNamespace || namespace === 'default' || namespace.startsWith('kube-');
}

function metricsService(namespace: string): k8s.KubeServiceProps {
  return {
    metadata: { name: `${NAME}-metrics`, namespace, labels: SELECTOR },
    spec: {
      selector: SELECTOR,
      ports: [{ name: 'http-metrics', protocol: 'TCP', port: PORT, targetPort: k8s.IntOrString.fromString('http') }],
    },
  };
}

function deployment(options: InstallOptions): k8s.KubeDeploymentProps {
  return {
    metadata: { name: NAME, namespace: options.namespace, labels: SELECTOR },
    spec: {
      // One works, the other waits for the Lease.
      replicas: 2,
      selector: { matchLabels: SELECTOR },
      template: {
        // Outside the mesh that it migrates, even where namespaces are injected by default.
        metadata: { labels: { ...SELECTOR, [LABEL.inject]: 'false', [LABEL.dataplaneMode]: 'none' } },
        spec: {
          serviceAccountName: NAME,
          terminationGracePeriodSeconds: 30,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: USER,
            runAsGroup: USER,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: 'kubernetes.io/hostname',
              whenUnsatisfiable: 'ScheduleAnyway',
              labelSelector: { matchLabels: SELECTOR },
            },
          ],
          containers: [container(options)],
        },
      },
    },
  };
}

function container({ image, istioNamespace }: InstallOptions): k8s.Container {
  const port = k8s.IntOrString.fromString('http');
  return {
    name: 'operator',
    image,
    env: [
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
      { name: 'ISTIO_NAMESPACE', value: istioNamespace },
      // The pod's own address, of whatever family: there is no wildcard that fits IPv4-only and IPv6-only nodes.
      { name: 'PROBES_HOST', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'PROBES_PORT', value: String(PORT) },
      { name: 'NODE_OPTIONS', value: `--max-old-space-size=${HEAP_MIB}` },
    ],
    ports: [{ name: 'http', protocol: 'TCP', containerPort: PORT }],
    livenessProbe: {
      httpGet: { path: '/healthz', port },
      initialDelaySeconds: 10,
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 6,
    },
    readinessProbe: { httpGet: { path: '/readyz', port }, periodSeconds: 5, timeoutSeconds: 5 },
    resources: {
      requests: { cpu: k8s.Quantity.fromString('50m'), memory: k8s.Quantity.fromString('128Mi') },
      limits: { memory: k8s.Quantity.fromString(`${MEMORY_MIB}Mi`) },
    },
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
  };
}
