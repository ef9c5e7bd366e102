import equal from 'fast-deep-equal';
import { expect } from 'vitest';
import { conformance } from '../conformance/suite.js';
import { eventually, type Server } from '../conformance/server.js';
import { Golden } from './golden.js';

const golden = new Golden('pod-life', 'a plain pod');

const app = { name: 'app', image: 'example.com/app:1' };
const second = { name: 'second', image: 'example.com/second:1' };
const prepare = { name: 'prepare', image: 'example.com/prepare:1' };
const sidecar = { name: 'proxy', image: 'example.com/proxy:1', restartPolicy: 'Always' };

type Fields = Record<string, unknown>;

/** Pods; each is looked at when its status stands still. */
const pods: Record<string, { metadata?: Fields; spec?: Fields }> = {
  'a plain pod': {},
  'two containers': { spec: { containers: [app, second] } },
  'init containers, one a sidecar': { spec: { containers: [app], initContainers: [prepare, sidecar] } },
  'the network of the host': { spec: { hostNetwork: true, nodeSelector: { 'kubernetes.io/hostname': 'node-1' } } },
  'a node by selector': { spec: { nodeSelector: { 'kubernetes.io/hostname': 'node-2' } } },
  'a node by name': { spec: { nodeName: 'node-1' } },
  'a node by affinity, as pods of a DaemonSet': { spec: { affinity: affinityTo('node-2') } },
  'readiness gates': { spec: { readinessGates: [{ conditionType: 'example.com/gate' }] } },
  'no node has the label': { spec: { nodeSelector: { disk: 'none' } } },
  'no node has the name': { spec: { affinity: affinityTo('node-99') } },
  'another scheduler': { spec: { schedulerName: 'another' } },
  'never ready': { metadata: annotated('never-ready'), spec: { containers: [app, second], initContainers: [prepare] } },
  'crash loop': { metadata: annotated('crash-loop'), spec: { containers: [app, second], initContainers: [sidecar] } },
  'crash without a sidecar': { metadata: annotated('crash-without-sidecar') },
  'no crash with a sidecar': {
    metadata: { annotations: { 'sidestep.dev/test': 'crash-without-sidecar', 'sidecar.istio.io/status': '{}' } },
  },
  'image that cannot be pulled': { metadata: annotated('image-pull'), spec: { initContainers: [prepare] } },
  'a pod of a Job': { metadata: ofJob(), spec: { restartPolicy: 'Never' } },
  'a pod of a Job that keeps running': {
    metadata: ofJob('keep-running'),
    spec: { restartPolicy: 'Never' },
  },
  'a pod of a Job that crashes': {
    metadata: ofJob('crash-loop'),
    spec: { restartPolicy: 'Never' },
  },
};

function annotated(test: string): Fields {
  return { annotations: { 'sidestep.dev/test': test } };
}

/** Stands for a reference to a Job that exists, or else the garbage collector would take the pod. */
function ofJob(test?: string): Fields {
  return { ...(test !== undefined && annotated(test)), ownerReferences: 'a Job' };
}

function affinityTo(node: string): Fields {
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [node] }];
  const required = { nodeSelectorTerms: [{ matchFields }] };
  return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } };
}

conformance('pod life', (test) => {
  for (const [name, { metadata, spec }] of Object.entries(pods)) {
    test(name, async (server) => {
      const path = await createPod(server, metadata, spec);
      const isNodeChosen = JSON.stringify(spec ?? {}).includes('node-');
      const recorded = golden.read(name);
      let last: unknown;
      await eventually(`the status of ${name}`, async () => {
        const seen = statusAsMade((await server.get(path)).body, isNodeChosen);
        const isSettled = golden.isRecording ? equal(seen, last) : equal(seen, recorded);
        last = seen;
        if (golden.isRecording) await new Promise((resolve) => setTimeout(resolve, 2_000));
        return isSettled || undefined;
      }).catch(() => undefined);
      golden.expect(name, last);
    });
  }

  test('a pod that is deleted is gone at once', async (server) => {
    const path = await createPod(server);
    await eventually('the pod to run', async () =>
      (await server.get(path)).body.status.phase === 'Running' ? true : undefined,
    );
    const answer = await server.delete(path);
    expect(answer.status).toBe(200);
    await eventually('the pod to go', async () => ((await server.get(path)).status === 404 ? true : undefined));
  });

  test('a pod that is deleted before it has a node is gone at once', async (server) => {
    const path = await createPod(server, {}, { nodeSelector: { disk: 'none' } });
    await server.delete(path);
    expect((await server.get(path)).status).toBe(404);
  });

  test('the scheduler tells where a pod goes', async (server) => {
    const path = await createPod(server);
    const event = await eventFor(server, path, 'Scheduled');
    const node = (await server.get(path)).body.spec.nodeName as string;
    expect(event).toMatchObject({
      type: 'Normal',
      action: 'Binding',
      reportingController: 'default-scheduler',
      note: `Successfully assigned ${namespaceOf(path)}/web to ${node}`,
    });
  });

  test('the scheduler tells why a pod goes nowhere', async (server) => {
    const path = await createPod(server, {}, { nodeSelector: { disk: 'none' } });
    const event = await eventFor(server, path, 'FailedScheduling');
    expect(event).toMatchObject({ type: 'Warning', action: 'Scheduling', reportingController: 'default-scheduler' });
    expect(event.note).toMatch(
      /^0\/\d+ nodes are available: \d+ node\(s\) didn't match Pod's node affinity\/selector\./,
    );
  });

  test('a pod that goes nowhere is scheduled when it fits', async (server) => {
    const path = await createPod(server, {}, { schedulingGates: [{ name: 'example.com/wait' }] });
    const gated = (await server.get(path)).body;
    expect(gated.status.conditions).toMatchObject([
      { type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' },
    ]);
    await server.patch('merge', path, { spec: { schedulingGates: null } });
    await eventually('the pod to run', async () =>
      (await server.get(path)).body.status.phase === 'Running' ? true : undefined,
    );
  });
});

async function createPod(server: Server, metadata: Fields = {}, spec: Fields = {}): Promise<string> {
  const namespace = await server.namespace();
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const owner = metadata.ownerReferences === undefined ? {} : { ownerReferences: [await createJob(server, namespace)] };
  const pod = { metadata: { name: 'web', ...metadata, ...owner }, spec: { containers: [app], ...spec } };
  const answer = await server.post(pods, { apiVersion: 'v1', kind: 'Pod', ...pod });
  expect(answer.status, answer.text).toBe(201);
  return `${pods}/web`;
}

/** A Job that does nothing; returns a reference to it. */
async function createJob(server: Server, namespace: string): Promise<Fields> {
  const kind = { apiVersion: 'batch/v1', kind: 'Job' };
  const template = { spec: { containers: [app], restartPolicy: 'Never' } };
  const job = { ...kind, metadata: { name: 'import' }, spec: { suspend: true, template } };
  const answer = await server.post(`/apis/batch/v1/namespaces/${namespace}/jobs`, job);
  expect(answer.status, answer.text).toBe(201);
  return { ...kind, name: 'import', uid: answer.body.metadata.uid };
}

async function eventFor(server: Server, path: string, reason: string): Promise<Record<string, unknown>> {
  return eventually(`the Event ${reason}`, async () => {
    const { items } = (await server.get(`/apis/events.k8s.io/v1/namespaces/${namespaceOf(path)}/events`)).body;
    return items.find((event: { reason: string }) => event.reason === reason);
  });
}

function namespaceOf(path: string): string {
  return path.split('/')[4]!;
}

/** The status without what is different each time; which node and address a pod gets is nobody's promise. */
function statusAsMade({ spec, status }: { spec: Fields; status: Fields }, isNodeChosen: boolean): unknown {
  const node = isNodeChosen ? spec.nodeName : spec.nodeName && 'ANY';
  const text = JSON.stringify({ node: node ?? null, status })
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:]+Z/g, 'TIME')
    .replaceAll(/10\.244\.\d+\.\d+/g, 'POD_IP')
    .replaceAll(/0\/\d+ nodes are available: \d+ /g, '0/N nodes are available: N ');
  return JSON.parse(isNodeChosen ? text : text.replaceAll(/10\.0\.0\.\d+/g, 'NODE_IP')) as unknown;
}
