import { Random } from '../test/controlplane/ambient/random.js';
import { ACTIONS, randomAuthentications, randomPolicy } from '../test/controlplane/envoy/policy-generator.js';
import { smallObjects, smallPod, smallSettings } from '../test/support/small-mesh.js';
import { asRecord, type PolicyObject } from '../src/mesh/policy-object.js';
import { moveFindings } from '../src/mesh/move-proof.js';
import { waypointCopies } from '../src/mesh/translation/waypoint-copies.js';

/*
 * How long it takes to prove a migration, in seconds of CPU, median of some rounds: a namespace with 50 policies, each for one of 100 workloads or for one of ten tiers of them, each
 * workload with a Service and three pods; with the copies of the policies for the waypoint, and without; pictures are drawn, too. The bar: 1 s. And the longest
 * piece of it, in which an operator does nothing else: it must be much less than the 10 s in which a leader renews its Lease.
 */

const WORKLOADS = 100;
const PODS = 3;
const POLICIES = 50;
const ROUNDS = 5;
const BAR_S = 1;
const BAR_PIECE_S = 0.2;
const NAMESPACE = 'shop';

const waypoint = { name: 'waypoint', namespace: NAMESPACE };
const apps = Array.from({ length: WORKLOADS }, (_, index) => ({ app: `app-${index}`, tier: `tier-${index % 10}` }));
const services = apps.map(({ app }) => ({ name: app, selector: { app } }));

function policiesOf(random: Random): PolicyObject[] {
  const made = Array.from({ length: POLICIES - 2 }, (_, index) =>
    randomPolicy(random, `policy-${index}`, ACTIONS, ['x']),
  );
  return [...made, ...randomAuthentications(random, '{}').slice(0, 2)].map((policy) => {
    const matchLabels = random.chance(0.7) ? { app: random.pick(apps).app } : { tier: random.pick(apps).tier };
    return { ...policy, spec: { ...asRecord(policy.spec), selector: { matchLabels } } };
  });
}

function copiesOf(policies: readonly PolicyObject[]): PolicyObject[] {
  const scope = {
    namespace: NAMESPACE,
    rootNamespace: 'istio-system',
    waypoint,
    services: services.map(({ name, selector }) => ({
      metadata: { name },
      spec: { selector, ports: [{ port: 80, targetPort: 8080 }] },
    })),
    pods: apps.map((labels) => ({ name: `Deployment/${labels.app}`, labels, ports: [] })),
    routing: [],
  };
  return policies.flatMap((policy) => waypointCopies(policy, scope)?.copies ?? []);
}

const pods = apps.flatMap((labels, app) =>
  Array.from({ length: PODS }, (_, pod) => {
    const made = smallPod(`${labels.app}-${pod}`, 'sidecar', { ip: `10.${pod}.0.${app + 1}`, labels });
    return { ...made, spec: { ...made.spec, serviceAccountName: labels.app } };
  }),
);
const policies = policiesOf(new Random(1));
const cases = { 'without copies': policies, 'with copies': [...policies, ...copiesOf(policies)] };
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

let isMissed = false;
for (const [name, all] of Object.entries(cases)) {
  const objects = smallObjects({ pods, services, policies: all });
  const move = { namespace: NAMESPACE, waypoint, written: [] };
  const rounds = Array.from({ length: ROUNDS }, () => {
    const startedAt = process.cpuUsage();
    const work = moveFindings({ objects, settings: smallSettings, move });
    for (let longest = 0; ;) {
      const pieceAt = performance.now();
      const { done, value } = work.next();
      longest = Math.max(longest, (performance.now() - pieceAt) / 1_000);
      if (done === true) return { findings: value, seconds: process.cpuUsage(startedAt).user / 1_000_000, longest };
    }
  });
  const seconds = median(rounds.map((round) => round.seconds));
  const longest = Math.max(...rounds.map((round) => round.longest));
  const { findings } = rounds[0]!;
  const undecided = findings.filter(({ code }) => code === 'SST2047').map(({ message }) => message);
  isMissed ||= seconds > BAR_S || longest > BAR_PIECE_S;
  console.log(`${name}: ${all.length} policies, ${WORKLOADS} workloads, ${pods.length} pods`);
  console.log(
    `${findings.length} findings, ${undecided.join() || 'all decided'}; ${seconds.toFixed(2)} s (bar: ${BAR_S} s)`,
  );
  console.log(`longest piece ${longest.toFixed(2)} s (bar: ${BAR_PIECE_S} s)`);
}
process.exitCode = isMissed ? 1 : 0;
