import { parseAmbientMigrationSpec } from '../api/ambient-migration.js';
import { InvalidSpecError } from '../api/resource.js';
import { asRecord } from '../mesh/policy-object.js';
import { groupsOf, knownKind } from './manifest-kinds.js';
import type { Manifest } from './manifests.js';

/** Which field is wrong, what it must be, and how it becomes that; undefined: none is. A field that is absent is never wrong. */
type Shape = (value: unknown, path: string) => string | undefined;
type Fields = Readonly<Record<string, Shape>>;

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const text: Shape = (value, path) => {
  if (typeof value === 'string') return undefined;
  const isPlain = typeof value === 'number' || typeof value === 'boolean';
  return `${path} must be a text${isPlain ? `: write "${String(value)}", in quotes` : ''}`;
};

const number: Shape = (value, path) => {
  if (typeof value === 'number') return undefined;
  const isNumber = typeof value === 'string' && /^[0-9]+$/.test(value);
  return `${path} must be a number${isNumber ? `: write ${value}, without quotes` : ''}`;
};

const flag: Shape = (value, path) =>
  typeof value === 'boolean' ? undefined : `${path} must be true or false, without quotes`;

const textOrNumber: Shape = (value, path) =>
  typeof value === 'string' || typeof value === 'number' ? undefined : `${path} must be a text or a number`;

const list =
  (of: Shape): Shape =>
  (value, path) => {
    if (!Array.isArray(value)) return `${path} must be a list: write each entry behind a hyphen`;
    return first(value.map((entry, index) => () => of(entry, `${path}[${index}]`)));
  };

/** A map with these among its fields. @param needed  those that must be there */
const fields =
  (known: Fields, ...needed: string[]): Shape =>
  (value, path) => {
    if (!isMap(value)) return `${path} must be a map: write name: value`;
    return first(
      Object.entries(known).map(([name, shape]) => () => {
        const at = path === '' ? name : `${path}.${name}`;
        const own = Object.hasOwn(value, name) ? value[name] : undefined;
        if (own === undefined) return needed.includes(name) ? `${at} must be given` : undefined;
        return shape(own, at);
      }),
    );
  };

/** A map of which every value has a shape. */
const each =
  (of: Shape): Shape =>
  (value, path) => {
    if (!isMap(value)) return `${path} must be a map: write name: value`;
    return first(
      Object.entries(value).map(
        ([name, entry]) =>
          () =>
            of(entry, step(path, name)),
      ),
    );
  };

function first(checks: readonly (() => string | undefined)[]): string | undefined {
  for (const check of checks) {
    const misfit = check();
    if (misfit) return misfit;
  }
  return undefined;
}

const step = (path: string, name: string): string =>
  /^\w+$/.test(name) ? `${path}${path === '' ? '' : '.'}${name}` : `${path}[${name}]`;

const map = fields({});
const maps = list(map);
const texts = list(text);
const labels = each(text);

const metadata = fields({
  labels,
  annotations: labels,
  generateName: text,
  creationTimestamp: text,
  deletionTimestamp: text,
  uid: text,
  ownerReferences: list(fields({ apiVersion: text, kind: text, name: text, controller: flag })),
});

const expressions = list(fields({ key: text, operator: text, values: texts }, 'key', 'operator'));
const labelSelector = fields({ matchLabels: labels, matchExpressions: expressions });
const istioSelector = fields({ matchLabels: labels });
const target = fields({ group: text, kind: text, name: text, namespace: text });
const attached: Fields = { selector: istioSelector, targetRef: target, targetRefs: list(target) };

const probe = fields({
  httpGet: fields({ port: textOrNumber }),
  tcpSocket: fields({ port: textOrNumber }),
  grpc: fields({ port: number }),
});
const container = fields({
  name: text,
  image: text,
  command: texts,
  args: texts,
  env: list(fields({ name: text, value: text })),
  ports: list(fields({ name: text, containerPort: number, hostPort: number, protocol: text }, 'containerPort')),
  volumeMounts: list(fields({ name: text, mountPath: text })),
  resources: fields({ requests: map, limits: map }),
  securityContext: map,
  livenessProbe: probe,
  readinessProbe: probe,
  startupProbe: probe,
  lifecycle: map,
  restartPolicy: text,
});
const podSpec = fields({
  containers: list(container),
  initContainers: list(container),
  hostNetwork: flag,
  nodeName: text,
  nodeSelector: labels,
  restartPolicy: text,
  securityContext: map,
  serviceAccountName: text,
  volumes: list(fields({ name: text, csi: fields({ driver: text }) })),
});
const template = fields({ metadata, spec: podSpec });
const strategy = fields({
  type: text,
  rollingUpdate: fields({ maxUnavailable: textOrNumber, maxSurge: textOrNumber, partition: number }),
});
const workload = fields({
  replicas: number,
  paused: flag,
  selector: labelSelector,
  strategy,
  updateStrategy: strategy,
  template,
});

const networkPeers = list(
  fields({
    podSelector: labelSelector,
    namespaceSelector: labelSelector,
    ipBlock: fields({ cidr: text, except: texts }),
  }),
);
const networkPorts = list(fields({ port: textOrNumber, endPort: number, protocol: text }));

/** Lists of texts, and those of what is excepted, such as `notPaths`. */
const withExceptions = (...names: string[]): Shape =>
  fields(
    Object.fromEntries(
      names.flatMap((name) => [name, `not${name.charAt(0).toUpperCase()}${name.slice(1)}`].map((one) => [one, texts])),
    ),
  );
const source = withExceptions(
  'principals',
  'requestPrincipals',
  'namespaces',
  'ipBlocks',
  'remoteIpBlocks',
  'serviceAccounts',
);
const operation = withExceptions('hosts', 'ports', 'methods', 'paths');

const istioEndpoint: Fields = {
  address: text,
  ports: each(number),
  labels,
  network: text,
  locality: text,
  weight: number,
  serviceAccount: text,
};
const parents: Fields = {
  parentRefs: list(fields({ group: text, kind: text, namespace: text, name: text, port: number, sectionName: text })),
  hostnames: texts,
  rules: maps,
};
const addresses = list(fields({ type: text, value: text }));
const given = list(fields({ type: text, value: text }, 'value'));

/** The spec of each kind of which something is read. What only findings read, field by field, may be what a newer version brings. */
const SPECS: Readonly<Record<string, Shape>> = {
  Pod: podSpec,
  Service: fields({
    type: text,
    clusterIP: text,
    clusterIPs: texts,
    ipFamilies: texts,
    externalIPs: texts,
    externalName: text,
    internalTrafficPolicy: text,
    trafficDistribution: text,
    publishNotReadyAddresses: flag,
    selector: labels,
    ports: list(
      fields({ name: text, port: number, targetPort: textOrNumber, protocol: text, appProtocol: text }, 'port'),
    ),
  }),
  Deployment: workload,
  StatefulSet: workload,
  DaemonSet: workload,
  ReplicaSet: workload,
  Rollout: fields({ replicas: number, paused: flag, selector: labelSelector, strategy: map, template }),
  ReplicationController: fields({ replicas: number, selector: labels, template }),
  Job: fields({ template }),
  CronJob: fields({ suspend: flag, jobTemplate: fields({ metadata, spec: fields({ template }) }) }),
  PodDisruptionBudget: fields({ selector: labelSelector, minAvailable: textOrNumber, maxUnavailable: textOrNumber }),
  HorizontalPodAutoscaler: fields({
    scaleTargetRef: fields({ apiVersion: text, kind: text, name: text }),
    minReplicas: number,
    maxReplicas: number,
    metrics: maps,
  }),
  NetworkPolicy: fields({
    podSelector: labelSelector,
    policyTypes: texts,
    ingress: list(fields({ from: networkPeers, ports: networkPorts })),
    egress: list(fields({ to: networkPeers, ports: networkPorts })),
  }),
  AuthorizationPolicy: fields({
    ...attached,
    action: text,
    rules: list(
      fields({
        from: list(fields({ source })),
        to: list(fields({ operation })),
        when: list(fields({ key: text, values: texts, notValues: texts })),
      }),
    ),
  }),
  RequestAuthentication: fields({
    ...attached,
    jwtRules: list(fields({ issuer: text, audiences: texts, jwks: text, jwksUri: text, fromHeaders: maps })),
  }),
  PeerAuthentication: fields({
    selector: istioSelector,
    mtls: fields({ mode: text }),
    portLevelMtls: each(fields({ mode: text })),
  }),
  VirtualService: fields({ hosts: texts, gateways: texts, exportTo: texts, http: maps, tcp: maps, tls: maps }),
  DestinationRule: fields({
    host: text,
    exportTo: texts,
    workloadSelector: istioSelector,
    trafficPolicy: map,
    subsets: list(fields({ name: text, labels, trafficPolicy: map })),
  }),
  EnvoyFilter: fields({ ...attached, workloadSelector: fields({ labels }), configPatches: maps, priority: number }),
  Sidecar: fields({ workloadSelector: fields({ labels }), ingress: maps, egress: list(fields({ hosts: texts })) }),
  ServiceEntry: fields({
    hosts: texts,
    addresses: texts,
    exportTo: texts,
    location: text,
    resolution: text,
    subjectAltNames: texts,
    workloadSelector: fields({ labels }),
    endpoints: list(fields(istioEndpoint)),
    ports: list(fields({ number, name: text, protocol: text, targetPort: number }, 'number')),
  }),
  WorkloadEntry: fields(istioEndpoint),
  WorkloadGroup: fields({ metadata: fields({ labels, annotations: labels }), template: map }),
  ProxyConfig: fields({ selector: istioSelector }),
  WasmPlugin: fields({ ...attached, pluginConfig: map, match: maps }),
  TrafficExtension: fields(attached),
  Telemetry: fields({ ...attached, metrics: maps, tracing: maps, accessLogging: maps }),
  HTTPRoute: fields(parents),
  GRPCRoute: fields(parents),
  TLSRoute: fields(parents),
  TCPRoute: fields(parents),
  GatewayClass: fields({ controllerName: text }),
};

/** A Gateway of the Gateway API. Istio's own has servers, which nothing reads. */
const gatewaySpec = fields({
  gatewayClassName: text,
  addresses,
  infrastructure: fields({ labels, annotations: labels, parametersRef: target }),
  listeners: list(
    fields({
      name: text,
      port: number,
      protocol: text,
      hostname: text,
      tls: map,
      allowedRoutes: fields({
        namespaces: fields({ from: text, selector: labelSelector }),
        kinds: list(fields({ group: text, kind: text })),
      }),
    }),
  ),
});

/** Fields beside the spec. */
const BESIDE_SPEC: Readonly<Record<string, Fields>> = {
  ConfigMap: { data: labels },
  EndpointSlice: {
    addressType: text,
    endpoints: list(
      fields(
        {
          addresses: texts,
          conditions: fields({ ready: flag }),
          targetRef: fields({ kind: text, namespace: text, name: text, uid: text }),
        },
        'addresses',
      ),
    ),
    ports: list(fields({ name: text, port: number, protocol: text })),
  },
  Pod: {
    status: fields({
      phase: text,
      podIP: text,
      podIPs: list(fields({ ip: text }, 'ip')),
      conditions: list(fields({ type: text, status: text })),
      containerStatuses: maps,
      initContainerStatuses: maps,
    }),
  },
  Gateway: { status: fields({ addresses: given, conditions: maps, listeners: maps }) },
  ServiceEntry: { status: fields({ addresses: list(fields({ value: text, host: text }, 'value')) }) },
};

/**
 * The first field of an object that is not as the API server takes it, and what it must be. Of kinds that nothing reads only metadata is
 * looked at.
 *
 * @param manifest  without nulls in its maps
 */
export function misfitIn(manifest: Manifest): string | undefined {
  const misfit = fields({ metadata })(manifest, '');
  const kind = knownKind(manifest);
  if (misfit || groupsOf(kind) === undefined) return misfit;
  return (
    fields({ spec: specOf(manifest, kind), status: map, ...BESIDE_SPEC[kind] })(manifest, '') ??
    (IS_OF_MESH.test(manifest.apiVersion) ? gapIn(manifest['spec'], 'spec') : undefined)
  );
}

function specOf({ spec, ...manifest }: Manifest, kind: string): Shape {
  if (kind === 'AmbientMigration') return () => refusedIn(spec);
  const isOfGatewayApi = kind === 'Gateway' && !manifest.apiVersion.startsWith('networking.istio.io/');
  return isOfGatewayApi ? gatewaySpec : (SPECS[kind] ?? map);
}

/** The fields of an AmbientMigration that the API server would refuse, and why. */
function refusedIn(spec: unknown): string | undefined {
  try {
    parseAmbientMigrationSpec({ spec });
    return undefined;
  } catch (error) {
    if (!(error instanceof InvalidSpecError)) throw error;
    return error.message;
  }
}

/** The kinds whose lists are read with all that is in them. */
const IS_OF_MESH = /^([a-z]+[.]istio[.]io|gateway[.]networking[.]k8s[.]io)\//;

/** An entry of a list that says nothing: the API server takes it for one without any field, which nobody means. */
function gapIn(value: unknown, path: string): string | undefined {
  if (value === null) return `${path} is empty: say what it is, or remove its hyphen`;
  if (Array.isArray(value)) return first(value.map((entry, index) => () => gapIn(entry, `${path}[${index}]`)));
  return first(
    Object.entries(asRecord(value)).map(
      ([name, entry]) =>
        () =>
          gapIn(entry, step(path, name)),
    ),
  );
}
