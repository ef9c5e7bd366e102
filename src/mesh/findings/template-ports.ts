import type { Labels } from '../policy-object.js';
import type { ContainerPort, ProbedPort } from './scope.js';

type Probe = Readonly<Record<'httpGet' | 'tcpSocket' | 'grpc', { readonly port?: number | string } | undefined>>;

interface Container {
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly livenessProbe?: Partial<Probe>;
  readonly readinessProbe?: Partial<Probe>;
  readonly startupProbe?: Partial<Probe>;
}

/** A pod template, as far as its pods have ports. One of the API server fits. */
export interface TemplateWithPorts {
  readonly metadata?: { readonly labels?: Labels };
  readonly spec?: {
    readonly hostNetwork?: boolean;
    readonly containers?: readonly Container[];
    readonly initContainers?: readonly Container[];
  };
}

/** The ports that the kubelet probes over the network, without sidecars. */
export function probedPorts({ metadata, spec }: TemplateWithPorts): ProbedPort[] {
  const labels = metadata?.labels ?? {};
  const { hostNetwork, containers = [], initContainers = [] } = spec ?? {};
  if (hostNetwork === true) return [];
  return [...containers, ...initContainers].flatMap(({ ports = [], livenessProbe, readinessProbe, startupProbe }) =>
    [livenessProbe, readinessProbe, startupProbe].flatMap((probe) => {
      const asked = (probe?.httpGet ?? probe?.tcpSocket ?? probe?.grpc)?.port;
      if (asked === undefined) return [];
      const named = ports.find(({ name, containerPort }) => asked === name || asked === containerPort);
      const port = typeof asked === 'number' ? asked : named?.containerPort;
      return port === undefined ? [] : [{ labels, port, name: named?.name }];
    }),
  );
}

/** The ports that have a name. */
export function namedPorts({ metadata, spec }: TemplateWithPorts): ContainerPort[] {
  const labels = metadata?.labels ?? {};
  return [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].flatMap(({ ports = [] }) =>
    ports.flatMap(({ name, containerPort }) => (name === undefined ? [] : [{ labels, name, port: containerPort }])),
  );
}
