import type { Labels } from '../policy-object.js';
import type { ProbedPort } from './scope.js';

type Probe = Readonly<Record<'httpGet' | 'tcpSocket' | 'grpc', { readonly port?: number | string } | undefined>>;

interface Container {
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly livenessProbe?: Partial<Probe>;
  readonly readinessProbe?: Partial<Probe>;
  readonly startupProbe?: Partial<Probe>;
}

/** A pod template, as far as the kubelet probes its pods. One of the API server fits. */
export interface ProbedTemplate {
  readonly metadata?: { readonly labels?: Labels };
  readonly spec?: {
    readonly hostNetwork?: boolean;
    readonly containers?: readonly Container[];
    readonly initContainers?: readonly Container[];
  };
}

/** The ports that the kubelet probes over the network, without sidecars. */
export function probedPorts({ metadata, spec }: ProbedTemplate): ProbedPort[] {
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
