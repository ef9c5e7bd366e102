import type { Container, Pod } from '../../../kube/types.js';
import { defaultStatusPort } from './proxy-config.js';
import { proxyContainer } from './template-input.js';

interface Handler {
  httpGet?: { path?: string; port: number | string; host?: string; scheme?: string; httpHeaders?: object[] };
  tcpSocket?: { port: number | string; host?: string };
  grpc?: { port: number; service?: string | null };
  timeoutSeconds?: number;
  [field: string]: unknown;
}

interface Lifecycle {
  preStop?: Handler;
  postStart?: Handler;
}

/** One probe or hook of a container, and the path under which the agent of the proxy serves it. */
interface Slot {
  path: string;
  get: (container: Container) => Handler | undefined;
  set: (container: Container, handler: Handler) => void;
}

const probe = (
  field: 'readinessProbe' | 'livenessProbe' | 'startupProbe',
  name: string,
): Omit<Slot, 'path'> & Named => ({
  name: `/app-health/%/${name}`,
  get: (container) => container[field] as Handler | undefined,
  set: (container, handler) => Object.assign(container, { [field]: handler }),
});
const hook = (field: keyof Lifecycle, name: string): Omit<Slot, 'path'> & Named => ({
  name: `/app-lifecycle/%/${name}`,
  get: (container) => (container.lifecycle as Lifecycle | undefined)?.[field],
  set: (container, handler) => Object.assign(container.lifecycle as Lifecycle, { [field]: handler }),
});
interface Named {
  name: string;
}

const slots = [
  probe('readinessProbe', 'readyz'),
  probe('livenessProbe', 'livez'),
  probe('startupProbe', 'startupz'),
  hook('preStop', 'prestopz'),
  hook('postStart', 'poststartz'),
];

function slotsOf(container: Container): Slot[] {
  return slots.map(({ name, ...slot }) => ({ ...slot, path: name.replace('%', container.name) }));
}

/**
 * What the agent of the proxy must know to probe the application: JSON by path, or undefined if there is nothing to
 * probe over the network. Named ports are replaced by their numbers.
 *
 * @see istio/istio pkg/kube/inject/app_probe.go, DumpAppProbers
 */
export function applicationProbes(pod: Pod): string | undefined {
  const probes: [string, object][] = [];
  for (const container of applications(pod)) {
    for (const { path, get } of slotsOf(container)) {
      const prober = proberOf(get(container), container);
      if (prober !== undefined) probes.push([path, prober]);
    }
  }
  if (probes.length === 0) return undefined;
  return JSON.stringify(Object.fromEntries(probes.sort(([a], [b]) => (a < b ? -1 : 1))));
}

/**
 * Turns the probes and hooks of the application into requests to the agent of the proxy, which passes them on: from
 * outside, the kubelet's plain requests would be refused. Changes the pod.
 *
 * @see istio/istio pkg/kube/inject/app_probe.go, patchRewriteProbe
 */
export function rewriteProbes(pod: Pod): void {
  const annotated = pod.metadata.annotations?.['status.sidecar.istio.io/port'];
  const port = annotated === undefined ? defaultStatusPort : Number(annotated);
  for (const container of applications(pod)) {
    for (const { path, get, set } of slotsOf(container)) {
      const handler = get(container);
      if (handler === undefined) continue;
      const isHook = path.startsWith('/app-lifecycle/');
      if (handler.httpGet || handler.tcpSocket || (handler.grpc && !isHook))
        set(container, redirected(handler, path, port));
    }
  }
}

function redirected(handler: Handler, path: string, port: number): Handler {
  const { tcpSocket: _tcp, grpc: _grpc, httpGet, ...rest } = handler;
  const scheme = httpGet?.scheme === 'HTTPS' ? { scheme: 'HTTP' } : {};
  return { ...rest, httpGet: { ...httpGet, path, port, ...scheme } };
}

function proberOf(handler: Handler | undefined, container: Container): object | undefined {
  if (handler === undefined) return undefined;
  const timeout = handler.timeoutSeconds ? { timeoutSeconds: handler.timeoutSeconds } : {};
  if (handler.grpc && !handler.httpGet && !handler.tcpSocket) {
    return { grpc: { port: handler.grpc.port, service: handler.grpc.service ?? null }, ...timeout };
  }
  const port = portNumber((handler.httpGet ?? handler.tcpSocket)?.port, container);
  if (port === undefined || port === defaultStatusPort) return undefined;
  if (handler.httpGet) {
    const { path, host, scheme, httpHeaders } = handler.httpGet;
    return { httpGet: { path, port, host, scheme, httpHeaders }, ...timeout };
  }
  return { tcpSocket: { port, host: handler.tcpSocket?.host }, ...timeout };
}

function portNumber(port: number | string | undefined, container: Container): number | undefined {
  return typeof port === 'string' ? container.ports?.find(({ name }) => name === port)?.containerPort : port;
}

function applications(pod: Pod): Container[] {
  return [...(pod.spec.initContainers ?? []), ...pod.spec.containers].filter(({ name }) => name !== proxyContainer);
}
