import type { ApiObject } from '../object.js';
import { podSpec, type PodSpec } from './pod-spec.js';
import { type ContainerStatus, hasCondition, podStatus, type PodStatus } from './pod-status.js';
import { age, ageColumn, column, nameColumn, type TableForm, wideColumn } from './table-form.js';

/** What the status of a pod amounts to. */
interface Summary {
  reason: string;
  ready: number;
  restarts: Restarts;
}

/** How often containers have restarted, and when one last ended (milliseconds). */
class Restarts {
  count = 0;
  last = -Infinity;

  add({ restartCount = 0, lastState }: ContainerStatus): void {
    this.count += restartCount;
    const finished = lastState?.terminated?.finishedAt;
    if (finished !== undefined) this.last = Math.max(this.last, Date.parse(finished));
  }

  text(now: number): string {
    const when = this.last === -Infinity ? '' : ` (${age(new Date(this.last).toISOString(), now)} ago)`;
    return this.count === 0 ? '0' : `${this.count}${when}`;
  }
}

/** Init containers that keep running beside the others. */
function sidecars({ initContainers = [] }: PodSpec): Set<string> {
  return new Set(initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name));
}

/** Why a container that initializes the pod holds it up; undefined if it does not. */
function heldUpBy({ state = {} }: ContainerStatus, index: number, total: number): string {
  const { terminated, waiting } = state;
  if (terminated) return `Init:${terminated.reason || ended(terminated)}`;
  if (waiting?.reason && waiting.reason !== 'PodInitializing') return `Init:${waiting.reason}`;
  return `Init:${index}/${total}`;
}

function ended({ signal = 0, exitCode }: { signal?: number; exitCode: number }): string {
  return signal !== 0 ? `Signal:${signal}` : `ExitCode:${exitCode}`;
}

/** First part: the init containers. Answers with what to go on from, and whether they are still at it. */
function initialize(
  spec: PodSpec,
  status: PodStatus,
  summary: Summary,
): { initializing: boolean; ofSidecars: Restarts } {
  const staying = sidecars(spec);
  const ofSidecars = new Restarts();
  for (const [index, container] of (status.initContainerStatuses ?? []).entries()) {
    summary.restarts.add(container);
    if (staying.has(container.name)) ofSidecars.add(container);
    if (container.state?.terminated?.exitCode === 0) continue;
    if (staying.has(container.name) && container.started) {
      if (container.ready) summary.ready++;
      continue;
    }
    summary.reason = heldUpBy(container, index, spec.initContainers?.length ?? 0);
    return { initializing: true, ofSidecars };
  }
  return { initializing: false, ofSidecars };
}

/** Second part: the containers themselves, the first one last, so that it has the last word. */
function run(status: PodStatus, summary: Summary): void {
  let running = false;
  let error = '';
  for (const container of [...(status.containerStatuses ?? [])].reverse()) {
    summary.restarts.add(container);
    const { waiting, terminated, running: runs } = container.state ?? {};
    if (waiting?.reason) summary.reason = waiting.reason;
    else if (terminated) {
      summary.reason = terminated.reason || ended(terminated);
      if (terminated.exitCode !== 0) error = summary.reason;
    } else if (container.ready && runs) {
      running = true;
      summary.ready++;
    }
  }
  if (summary.reason !== 'Completed') return;
  if (running && hasCondition(status, 'Ready')) summary.reason = 'Running';
  else if (error !== '') summary.reason = error;
  else if (running) summary.reason = 'NotReady';
}

/** STATUS, READY and RESTARTS of a pod, as `printPod` of upstream's printers works them out. */
function summarize(pod: ApiObject): Summary {
  const [spec, status] = [podSpec(pod), podStatus(pod)];
  const gated = status.conditions?.some(({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated');
  const reason = gated ? 'SchedulingGated' : status.reason || (status.phase ?? '');
  const summary: Summary = { reason, ready: 0, restarts: new Restarts() };
  const { initializing, ofSidecars } = initialize(spec, status, summary);
  if (!initializing || hasCondition(status, 'Initialized')) {
    summary.restarts = ofSidecars;
    run(status, summary);
  }
  if (pod.metadata.deletionTimestamp !== undefined) {
    if (status.reason === 'NodeLost') summary.reason = 'Unknown';
    else if (status.phase !== 'Succeeded' && status.phase !== 'Failed') summary.reason = 'Terminating';
  }
  return summary;
}

function readinessGates({ readinessGates: gates = [] }: PodSpec, status: PodStatus): string {
  if (gates.length === 0) return '<none>';
  return `${gates.filter(({ conditionType }) => hasCondition(status, conditionType)).length}/${gates.length}`;
}

/** Pods as `kubectl get` shows them. */
export const podTable: TableForm = {
  columns: [
    nameColumn,
    column('Ready', 'The aggregate readiness state of this pod for accepting traffic.'),
    column('Status', 'The aggregate status of the containers in this pod.'),
    column(
      'Restarts',
      'The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.',
    ),
    ageColumn,
    wideColumn('IP', 'IP address allocated to the pod.'),
    wideColumn('Node', 'NodeName indicates in which node this pod is scheduled.'),
    wideColumn('Nominated Node', 'Set only when this pod preempts other pods on the node.'),
    wideColumn('Readiness Gates', 'Conditions besides the containers that make the pod ready.'),
  ],
  cells: (pod, now) => {
    const [spec, status, summary] = [podSpec(pod), podStatus(pod), summarize(pod)];
    const total = (spec.containers?.length ?? 0) + sidecars(spec).size;
    return [
      pod.metadata.name,
      `${summary.ready}/${total}`,
      summary.reason,
      summary.restarts.text(now),
      age(pod.metadata.creationTimestamp, now),
      status.podIPs?.[0]?.ip || '<none>',
      spec.nodeName || '<none>',
      status.nominatedNodeName || '<none>',
      readinessGates(spec, status),
    ];
  },
};
