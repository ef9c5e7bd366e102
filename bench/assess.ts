import { Random } from '../test/controlplane/ambient/random.js';
import { ACTIONS, randomPolicy } from '../test/controlplane/envoy/policy-generator.js';
import { assess } from '../src/mesh/assessment.js';
import { meshSettings } from '../src/mesh/mesh-settings.js';
import { asRecord, type PolicyObject } from '../src/mesh/policy-object.js';

/*
 * How long it takes to assess a mesh of 1,000 policies and 10,000 pods in 20 namespaces, and how much memory.
 * The bars: 5 s, 500 MB.
 */

const NAMESPACES = 20;
const WORKLOADS = 50;
const PODS = 10;
const POLICIES = 50;
const BAR_S = 5;
const BAR_MB = 500;

function objectsOf(index: number): PolicyObject[] {
  const random = new Random(index + 1);
  const namespace = `team-${index}`;
  const apps = Array.from({ length: WORKLOADS }, (_, app) => ({ app: `app-${app}`, tier: `tier-${app % 5}` }));
  const spec = { containers: [{ name: 'app', ports: [{ name: 'http', containerPort: 8080 }] }] };
  return [
    { kind: 'Namespace', metadata: { name: namespace, labels: { 'istio-injection': 'enabled' } } },
    ...apps.flatMap((labels) => [
      {
        kind: 'Deployment',
        metadata: { name: labels.app, namespace },
        spec: { template: { metadata: { labels }, spec } },
      },
      {
        kind: 'Service',
        metadata: { name: labels.app, namespace },
        spec: { selector: { app: labels.app }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
      },
      ...Array.from({ length: PODS }, (_, pod) => ({
        kind: 'Pod',
        metadata: {
          name: `${labels.app}-${pod}`,
          namespace,
          labels,
          ownerReferences: [{ kind: 'ReplicaSet', name: labels.app }],
        },
        spec,
      })),
    ]),
    ...Array.from({ length: POLICIES }, (_, policy): PolicyObject => {
      const made = randomPolicy(random, `policy-${policy}`, ACTIONS, ['provider']);
      const matchLabels = random.chance(0.5) ? random.pick(apps) : { tier: `tier-${random.int(0, 4)}` };
      const selector = random.chance(0.9) ? { selector: { matchLabels } } : {};
      return { ...made, metadata: { ...made.metadata, namespace }, spec: { ...asRecord(made.spec), ...selector } };
    }),
  ];
}

const objects = Array.from({ length: NAMESPACES }, (_, index) => objectsOf(index)).flat();
const startMs = performance.now();
const { findings, policies, generated } = assess({
  objects,
  settings: meshSettings({}, 'ConfigMap/istio-system/istio'),
  rootNamespace: 'istio-system',
});
const seconds = (performance.now() - startMs) / 1000;
const megabytes = process.memoryUsage().rss / 2 ** 20;
console.log(
  `${policies.length} policies, ${NAMESPACES * WORKLOADS * PODS} pods: ${findings.length} findings, ${generated.length} objects to apply`,
);
console.log(`${seconds.toFixed(2)} s (bar: ${BAR_S} s), ${megabytes.toFixed(0)} MB (bar: ${BAR_MB} MB)`);
process.exitCode = seconds > BAR_S || megabytes > BAR_MB ? 1 : 0;
