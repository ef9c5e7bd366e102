import type { Gateway } from '../../src/api/gateway-api.js';

/** A Gateway of class `istio-waypoint` and what surrounds it. */
export interface WaypointCase {
  title: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  infrastructure?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  addresses?: NonNullable<Gateway['spec']['addresses']>;
  listener?: string;
  /** `data` of the ConfigMap that `parametersRef` names. */
  parameters?: Record<string, string>;
  /** `data` of the class's defaults, in the root namespace. */
  classDefaults?: Record<string, string>;
  /** Laid over ConfigMap `istio`, key `mesh`. */
  mesh?: object;
  /** Laid over ConfigMap `istio-sidecar-injector`, key `values`. Not its revision: istiod takes its own from its environment. */
  values?: object;
  /** Specs of ProxyConfigs, the oldest first. */
  proxyConfigs?: { namespace: 'own' | 'root'; spec: object }[];
  /** Kinds that are rendered besides ServiceAccount, Deployment and Service. */
  also?: readonly ('HorizontalPodAutoscaler' | 'PodDisruptionBudget')[];
}

const autoscaler = 'spec: {minReplicas: 2, maxReplicas: 5}';

export const waypointCases: readonly WaypointCase[] = [
  { title: 'nothing but a listener' },
  {
    title: "the Gateway's own labels and annotations",
    labels: { team: 'a', 'istio.io/waypoint-for': 'all', 'app.kubernetes.io/managed-by': 'Helm' },
    annotations: { note: 'ours', 'sidestep.dev/serve': 'true', 'gateway.istio.io/controller-version': '5' },
  },
  {
    title: 'labels that the template sets as well',
    labels: {
      'istio.io/dataplane-mode': 'ambient',
      'service.istio.io/canonical-name': 'other',
      'gateway.networking.k8s.io/gateway-name': 'other',
      'gateway.istio.io/managed': 'somebody',
    },
    annotations: { 'prometheus.io/scrape': 'false', 'networking.istio.io/traffic-distribution': 'Any' },
  },
  {
    title: 'infrastructure instead of its own',
    labels: { team: 'a' },
    annotations: { note: 'ours' },
    infrastructure: {
      labels: { tier: 'mesh', 'gateway.networking.k8s.io/ignored': 'yes' },
      annotations: { owner: 'platform', 'gateway.networking.k8s.io/ignored': 'yes' },
    },
  },
  { title: 'empty infrastructure labels', labels: { team: 'a' }, infrastructure: { labels: {} } },
  {
    title: 'a name override and another account',
    annotations: { 'gateway.istio.io/name-override': 'renamed', 'gateway.istio.io/service-account': 'runner' },
  },
  { title: 'a NodePort Service', annotations: { 'networking.istio.io/service-type': 'NodePort' } },
  {
    title: 'a load balancer with an address',
    annotations: {
      'networking.istio.io/service-type': 'LoadBalancer',
      'networking.istio.io/address-type': 'IPAddress',
    },
    addresses: [{ type: 'IPAddress', value: '192.0.2.7' }],
  },
  { title: 'a listener whose name is no port name', listener: `status-port.${'x'.repeat(70)}` },
  { title: 'a listener called as the port for health', listener: 'status-port' },
  {
    title: 'log levels',
    annotations: {
      'sidecar.istio.io/logLevel': 'debug',
      'sidecar.istio.io/componentLogLevel': 'http:trace',
      'sidecar.istio.io/agentLogLevel': 'ca:debug',
    },
  },
  { title: 'an image of its own', annotations: { 'sidecar.istio.io/proxyImage': 'example.com/proxyv2:mine' } },
  { title: 'an image name that is none', annotations: { 'sidecar.istio.io/proxyImage': 'mine' } },
  { title: 'an image type', annotations: { 'sidecar.istio.io/proxyImageType': 'debug' } },
  { title: 'the plain image type', annotations: { 'sidecar.istio.io/proxyImageType': 'default' } },
  { title: 'a revision', labels: { 'istio.io/rev': 'default' }, annotations: { 'istio.io/rev': 'other' } },
  { title: 'a network of its own', labels: { 'topology.istio.io/network': 'west' } },
  {
    title: 'parameters for every kind',
    parameters: {
      deployment: [
        'metadata: {labels: {cost: mesh}}',
        'spec:',
        '  minReadySeconds: 5',
        '  strategy: {rollingUpdate: {maxUnavailable: 0}}',
        '  template:',
        '    metadata: {annotations: {prometheus.io/scrape: null}}',
        '    spec:',
        '      priorityClassName: system-cluster-critical',
        '      volumes: [{name: extra, emptyDir: {}}, {name: go-proxy-data, $patch: delete}]',
        '      topologySpreadConstraints:',
        '      - {topologyKey: zone, maxSkew: 1, whenUnsatisfiable: ScheduleAnyway, nodeTaintsPolicy: Honor}',
        '      containers:',
        '      - name: istio-proxy',
        '        resources: {requests: {cpu: 222m}, limits: {memory: null}}',
        '        args: [proxy, waypoint]',
        '        ports: [{containerPort: 15021, name: health}]',
        '        env: [{name: EXTRA, value: "1"}, {name: CA_ADDR, value: other:1}, {name: GOMAXPROCS, $patch: delete}]',
        '        $setElementOrder/volumeMounts: [{mountPath: /etc/istio/pod}, {mountPath: /etc/istio/proxy}]',
        '      - {name: helper, image: example.com/helper}',
      ].join('\n'),
      service: 'spec: {trafficDistribution: PreferClose, ports: [{port: 15021, name: health}, {port: 9, name: nine}]}',
      serviceAccount: 'metadata: {annotations: {eks.amazonaws.com/role-arn: arn}}\nsecrets: [{name: s}]',
      horizontalPodAutoscaler: [autoscaler, 'metadata: {labels: {cost: mesh}}'].join('\n'),
      podDisruptionBudget: 'spec: {minAvailable: 1, unhealthyPodEvictionPolicy: AlwaysAllow}',
    },
    also: ['HorizontalPodAutoscaler', 'PodDisruptionBudget'],
  },
  {
    title: 'directives that replace',
    parameters: {
      deployment: [
        'spec:',
        '  template:',
        '    spec:',
        '      containers:',
        '      - name: istio-proxy',
        '        $deleteFromPrimitiveList/args: [--proxyLogLevel, warning]',
        '        resources: {$patch: replace, requests: {cpu: 1m}}',
        '        volumeMounts: [{$patch: replace}, {mountPath: /etc/istio/proxy, name: istio-envoy}]',
        '      volumes: [{name: istio-data, $retainKeys: [name, hostPath], hostPath: {path: /tmp}}]',
      ].join('\n'),
      podDisruptionBudget: 'spec: {maxUnavailable: 1, selector: {matchLabels: {only: this}}}',
    },
    also: ['PodDisruptionBudget'],
  },
  {
    title: 'defaults of the class below its own parameters',
    classDefaults: {
      deployment:
        'spec: {template: {spec: {containers: [{name: istio-proxy, env: [{name: A, value: c}, {name: B, value: c}]}]}}}',
      horizontalPodAutoscaler: autoscaler,
    },
    parameters: {
      deployment: 'spec: {template: {spec: {containers: [{name: istio-proxy, env: [{name: A, value: g}]}]}}}',
    },
    also: ['HorizontalPodAutoscaler'],
  },
  {
    title: 'an empty patch, which asks for the object all the same',
    parameters: { deployment: '', horizontalPodAutoscaler: '', podDisruptionBudget: '# as it comes' },
    also: ['HorizontalPodAutoscaler', 'PodDisruptionBudget'],
  },
  { title: 'replicas among the parameters', parameters: { deployment: 'spec: {replicas: 3}' } },
  {
    title: 'another trust domain and proxy configuration',
    mesh: {
      trustDomain: 'example.org',
      defaultConfig: {
        concurrency: 0,
        drainDuration: '1m30s',
        terminationDrainDuration: '5s',
        interceptionMode: 'REDIRECT',
        statusPort: 15020,
        holdApplicationUntilProxyStarts: false,
        tracing: { sampling: 10 },
        gatewayTopology: { numTrustedProxies: 2 },
        image: { imageType: 'debug' },
        proxyMetadata: { ZED: 'z', ALPHA: 'a b' },
        extraStatTags: ['b', 'a'],
        proxyStatsMatcher: { inclusionPrefixes: ['cluster'] },
        proxyHeaders: { server: { disabled: true } },
      },
    },
  },
  {
    title: 'other values of the mesh',
    values: {
      gateways: { seccompProfile: { type: 'RuntimeDefault' } },
      global: {
        caAddress: 'ca.example.org:443',
        hub: 'example.org/istio',
        imagePullPolicy: 'Always',
        imagePullSecrets: ['pull'],
        logAsJson: true,
        meshID: 'mesh-1',
        multiCluster: { clusterName: 'west-1' },
        network: 'west',
        platform: 'openshift',
        proxy: { outlierLogPath: '/dev/stdout', clusterDomain: 'corp.local', logLevel: 'info' },
        tag: 1.29,
        trustBundleName: 'other-bundle',
        variant: '',
        waypoint: {
          affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } },
          nodeSelector: { pool: 'mesh' },
          resources: { limits: null, requests: { cpu: '300m', memory: null } },
          tolerations: [{ key: 'mesh', operator: 'Exists' }],
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: 'zone',
              whenUnsatisfiable: 'ScheduleAnyway',
              labelSelector: { matchLabels: { app: 'a' } },
              matchLabelKeys: ['pod-template-hash'],
            },
          ],
        },
      },
      pilot: { env: { ENABLE_CLUSTER_TRUST_BUNDLE_API: true } },
    },
  },
  {
    title: 'a network of the mesh over that of infrastructure',
    infrastructure: { labels: { 'topology.istio.io/network': 'east' } },
    values: { global: { network: 'west' } },
  },
  {
    title: 'ProxyConfigs of mesh, namespace and Gateway',
    proxyConfigs: [
      { namespace: 'root', spec: { concurrency: 1, environmentVariables: { FROM: 'root', ROOT: '1' } } },
      {
        namespace: 'own',
        spec: { image: { imageType: 'debug' }, environmentVariables: { FROM: 'namespace', OWN: '1' } },
      },
      { namespace: 'own', spec: { selector: { matchLabels: { app: 'other' } }, concurrency: 7 } },
      {
        namespace: 'own',
        spec: {
          selector: { matchLabels: { 'gateway.networking.k8s.io/gateway-name': 'waypoint' } },
          concurrency: 3,
          environmentVariables: { FROM: 'gateway' },
        },
      },
    ],
  },
];
