import {
  allContainers,
  type Container,
  fill,
  type Handler,
  type PodSpec,
  type Probe,
  type Volume,
} from './pod-spec.js';

/** Fills in what every pod spec has, also that of a template (`SetDefaults_PodSpec` and those of its parts, core/v1). */
export function defaultPodSpec(spec: PodSpec): void {
  fill(spec, {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
  });
  // The older name of the same field: whichever is set shows in both.
  const account = spec.serviceAccountName ?? spec.serviceAccount;
  if (account !== undefined) Object.assign(spec, { serviceAccountName: account, serviceAccount: account });
  allContainers(spec).forEach(defaultContainer);
  spec.volumes?.forEach(defaultVolume);
}

/** What only pods themselves get (`SetDefaults_Pod`): requests from limits, service links, host ports. */
export function defaultPod(spec: PodSpec): void {
  defaultPodSpec(spec);
  fill(spec, { enableServiceLinks: true });
  for (const container of allContainers(spec)) {
    const { limits, requests } = container.resources ?? {};
    if (limits) container.resources = { ...container.resources, requests: { ...limits, ...requests } };
    if (spec.hostNetwork) container.ports?.forEach((port) => fill(port, { hostPort: port.containerPort }));
  }
}

function defaultContainer(container: Container): void {
  fill(container, {
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: isLatest(container.image ?? '') ? 'Always' : 'IfNotPresent',
  });
  container.ports?.forEach((port) => fill(port, { protocol: 'TCP' }));
  container.env?.forEach(({ valueFrom }) => valueFrom?.fieldRef && fill(valueFrom.fieldRef, { apiVersion: 'v1' }));
  [container.livenessProbe, container.readinessProbe, container.startupProbe].forEach(defaultProbe);
  defaultHandler(container.lifecycle?.postStart);
  defaultHandler(container.lifecycle?.preStop);
}

/** Whether an image has no tag and no digest, or the tag `latest`. */
function isLatest(image: string): boolean {
  if (image.includes('@')) return false;
  const last = image.slice(image.lastIndexOf('/') + 1);
  return image !== '' && (!last.includes(':') || last.endsWith(':latest'));
}

function defaultProbe(probe: Probe | undefined): void {
  if (probe === undefined) return;
  fill(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
  if (probe.grpc) fill(probe.grpc, { service: '' });
  defaultHandler(probe);
}

function defaultHandler(handler: Handler | undefined): void {
  if (handler?.httpGet) fill(handler.httpGet, { path: '/', scheme: 'HTTP' });
}

function defaultVolume(volume: Volume): void {
  if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {};
  const { configMap, secret, hostPath, downwardAPI, projected } = volume;
  for (const files of [configMap, secret, downwardAPI, projected]) if (files) fill(files, { defaultMode: 0o644 });
  if (hostPath) fill(hostPath, { type: '' });
  defaultFieldRefs(downwardAPI?.items);
  for (const source of projected?.sources ?? []) {
    if (source.serviceAccountToken) fill(source.serviceAccountToken, { expirationSeconds: 3600 });
    defaultFieldRefs(source.downwardAPI?.items);
  }
  const claim = volume.ephemeral?.volumeClaimTemplate?.spec;
  if (claim) fill(claim, { volumeMode: 'Filesystem' });
}

function defaultFieldRefs(items: { fieldRef?: { apiVersion?: string } }[] = []): void {
  for (const { fieldRef } of items) if (fieldRef) fill(fieldRef, { apiVersion: 'v1' });
}
