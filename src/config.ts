import { hostname } from 'node:os';
import * as z from 'zod';

const boolean = z.enum(['true', 'false']).transform((text) => text === 'true');

const Environment = z.object({
  KUBECONFIG: z.string().min(1).optional(),
  ISTIO_NAMESPACE: z.string().min(1).default('istio-system'),
  POD_NAMESPACE: z.string().min(1).default('sidestep-system'),
  POD_NAME: z.string().min(1).optional(),
  LEADER_ELECTION: boolean.default(true),
  LOG_LEVEL: z.enum(['debug', 'info', 'error', 'silent']).default('info'),
  PROBES_HOST: z.string().min(1).default('127.0.0.1'),
  PROBES_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
});

/** The operator's settings, read once at start from the environment; the only place that reads it. */
export interface Config {
  /** Path of a kubeconfig; undefined: the usual places, then the pod's own service account. */
  readonly kubeconfig: string | undefined;
  /** Namespace of istiod. `ISTIO_NAMESPACE`, default `istio-system`. */
  readonly istioNamespace: string;
  /** Namespace of the Lease. `POD_NAMESPACE`, default `sidestep-system`. */
  readonly leaseNamespace: string;
  /** Who holds the Lease: `POD_NAME`, or host name and process id. */
  readonly identity: string;
  /** `LEADER_ELECTION`, default true. */
  readonly leaderElection: boolean;
  /** `LOG_LEVEL`, default `info`. */
  readonly logLevel: 'debug' | 'info' | 'error' | 'silent';
  /** Address of /healthz, /readyz and /metrics: `PROBES_HOST` and `PROBES_PORT`; port 0 takes a free one. */
  readonly probes: { readonly host: string; readonly port: number };
}

/**
 * Validates the environment.
 *
 * @throws {Error} names every variable that is wrong and what it may be
 */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const parsed = Environment.safeParse(environment);
  if (!parsed.success) throw new Error(`The environment is not usable:\n${z.prettifyError(parsed.error)}`);
  const { data } = parsed;
  return Object.freeze({
    kubeconfig: data.KUBECONFIG,
    istioNamespace: data.ISTIO_NAMESPACE,
    leaseNamespace: data.POD_NAMESPACE,
    identity: data.POD_NAME ?? `${hostname()}_${process.pid}`,
    leaderElection: data.LEADER_ELECTION,
    logLevel: data.LOG_LEVEL,
    probes: { host: data.PROBES_HOST, port: data.PROBES_PORT },
  });
}

/** `KUBECONFIG`, for programs that are not the operator; undefined if it is not set, or empty. */
export function kubeconfigPath(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  return environment['KUBECONFIG'] || undefined;
}
