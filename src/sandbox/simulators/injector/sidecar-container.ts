import type { Container } from '../../../kube/types.js';
import { sidecarEnvironment } from './proxy-environment.js';
import { proxyImage } from './proxy-image.js';
import { sidecarResources } from './sidecar-resources.js';
import { proxyContainer, type TemplateInput } from './template-input.js';
import { userVolumeMounts } from './user-volumes.js';

const statusPort = 'status.sidecar.istio.io/port';
const ready = { path: '/healthz/ready', port: 15021 };

/**
 * The container of the proxy.
 *
 * @see istio/istio manifests/charts/istio-control/istio-discovery/files/injection-template.yaml
 */
export function sidecarContainer(input: TemplateInput): Container {
  const { values } = input.config;
  const image = input.annotation('sidecar.istio.io/proxyImage', values.global.proxy.image);
  const annotations = input.pod.metadata.annotations ?? {};
  return {
    name: proxyContainer,
    image: image.includes('/') ? image : proxyImage(values, values.global.proxy.image, annotations, input.proxyConfig),
    ...(input.nativeSidecar && { restartPolicy: 'Always' }),
    ports: [{ containerPort: 15090, protocol: 'TCP', name: 'http-envoy-prom' }],
    args: proxyArguments(input),
    ...lifecycle(input),
    env: sidecarEnvironment(input),
    ...(values.global.imagePullPolicy && { imagePullPolicy: values.global.imagePullPolicy }),
    ...probes(input),
    securityContext: securityContext(input),
    resources: sidecarResources(input),
    volumeMounts: volumeMounts(input),
  };
}

function proxyArguments({ config, annotation }: TemplateInput): string[] {
  const { proxy, logging } = config.values.global;
  return [
    'proxy',
    'sidecar',
    '--domain',
    `$(POD_NAMESPACE).svc.${proxy.clusterDomain}`,
    `--proxyLogLevel=${annotation('sidecar.istio.io/logLevel', proxy.logLevel)}`,
    `--proxyComponentLogLevel=${annotation('sidecar.istio.io/componentLogLevel', proxy.componentLogLevel)}`,
    `--log_output_level=${annotation('sidecar.istio.io/agentLogLevel', logging.level)}`,
  ];
}

function lifecycle(input: TemplateInput): Pick<Container, 'lifecycle'> {
  const { proxy } = input.config.values.global;
  if (input.nativeSidecar) {
    // A native sidecar gets SIGTERM after the application; draining begins with the pod's end.
    const debugPort = `--debug-port=${input.annotation(statusPort, proxy.statusPort)}`;
    return { lifecycle: { preStop: { exec: { command: ['pilot-agent', 'request', debugPort, 'POST', 'drain'] } } } };
  }
  return holdsApplication(input) ? { lifecycle: { postStart: { exec: { command: ['pilot-agent', 'wait'] } } } } : {};
}

/** Whether the application's containers start only after the proxy. */
export function holdsApplication({ config, proxyConfig }: Pick<TemplateInput, 'config' | 'proxyConfig'>): boolean {
  return Boolean(
    proxyConfig.holdApplicationUntilProxyStarts || config.values.global.proxy.holdApplicationUntilProxyStarts,
  );
}

function probes({ config, annotation }: TemplateInput): object {
  const { proxy } = config.values.global;
  if (annotation(statusPort, proxy.statusPort) === '0') return {};
  const number = (name: string, otherwise: number): number =>
    Number(annotation(`readiness.status.sidecar.istio.io/${name}`, otherwise));
  const startup = { httpGet: { ...ready }, periodSeconds: 1, timeoutSeconds: 3 };
  const initialDelaySeconds = number('initialDelaySeconds', proxy.readinessInitialDelaySeconds);
  const readiness = {
    httpGet: { ...ready },
    ...(initialDelaySeconds !== 0 && { initialDelaySeconds }),
    periodSeconds: number('periodSeconds', proxy.readinessPeriodSeconds),
    timeoutSeconds: 3,
    failureThreshold: number('failureThreshold', proxy.readinessFailureThreshold),
  };
  const { enabled, failureThreshold } = proxy.startupProbe;
  return { ...(enabled && { startupProbe: { ...startup, failureThreshold } }), readinessProbe: readiness };
}

function securityContext({ config, interceptionMode, annotation }: TemplateInput): Record<string, unknown> {
  const { privileged } = config.values.global.proxy;
  const intercepts = interceptionMode === 'TPROXY';
  const binds = annotation('sidecar.istio.io/capNetBindService', '') === 'true';
  const add = [...(intercepts ? ['NET_ADMIN'] : []), ...(binds ? ['NET_BIND_SERVICE'] : [])];
  const asRoot = add.length > 0;
  return {
    allowPrivilegeEscalation: privileged,
    capabilities: { ...(asRoot && { add }), drop: ['ALL'] },
    privileged,
    readOnlyRootFilesystem: true,
    runAsNonRoot: !asRoot,
    runAsUser: asRoot ? 0 : 1337,
    runAsGroup: 1337,
  };
}

function volumeMounts(input: TemplateInput): NonNullable<Container['volumeMounts']> {
  const mounts: [string, string][] = [
    ['workload-socket', '/var/run/secrets/workload-spiffe-uds'],
    ['credential-socket', '/var/run/secrets/credential-uds'],
    ['workload-certs', '/var/run/secrets/workload-spiffe-credentials'],
    ['istiod-ca-cert', '/var/run/secrets/istio'],
    ['istio-ca-crl', '/var/run/secrets/istio/crl'],
    ['istio-data', '/var/lib/istio/data'],
    ...(input.has('sidecar.istio.io/bootstrapOverride')
      ? ([['custom-bootstrap-volume', '/etc/istio/custom-bootstrap']] as [string, string][])
      : []),
    ['istio-envoy', '/etc/istio/proxy'],
    ['istio-token', '/var/run/secrets/tokens'],
    ['istio-podinfo', '/etc/istio/pod'],
  ];
  return [...mounts.map(([name, mountPath]) => ({ name, mountPath })), ...userVolumeMounts(input)];
}
