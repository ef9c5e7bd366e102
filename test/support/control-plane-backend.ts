import { connectionFromKubeConfig } from '../../src/kube/connection.js';
import { type ControlPlane, startControlPlane } from '../controlplane/control-plane.js';
import { type AuditEntry, AuditLog, OPERATOR_USER } from './audit.js';
import { kubectl } from '../controlplane/kubectl.js';
import type { ClusterBackend, InProcessBackend, Part } from './cluster.js';
import { InProcessOperator } from './in-process-operator.js';
import { type Operator, OperatorProcess } from './operator.js';
import { realTime } from './real-time.js';
import { streamConnection } from './stream-connection.js';

/** How often the audit log is read where the moment counts, ms. */
const CLOSE_LOOK_MS = 5;

/** How a control plane is started. */
interface ControlPlaneBackendOptions {
  /** Folder for everything of it. */
  readonly dir: string;
  /** Told of each step. */
  readonly log?: (line: string) => void;
}

/**
 * The real control plane, and the bundled operator in a process beside it.
 *
 * @throws see `startControlPlane`
 */
export async function controlPlaneBackend(
  options: ControlPlaneBackendOptions & { operatorArgs?: readonly string[] },
): Promise<ClusterBackend> {
  const controlPlane = await startControlPlane(options);
  const { dir, operatorKubeconfig: kubeconfig } = controlPlane;
  const operator = await OperatorProcess.create({ dir, kubeconfig, operatorArgs: options.operatorArgs ?? [] });
  const secondOperator = (name: string): Promise<Operator> => OperatorProcess.create({ dir, kubeconfig, name });
  return { ...partsOf(controlPlane, operator), operator, secondOperator };
}

/**
 * The real control plane, with operators in this process. They need no Lease, so one at a time.
 *
 * @throws see `startControlPlane`
 */
export async function inProcessControlPlaneBackend(options: ControlPlaneBackendOptions): Promise<InProcessBackend> {
  const controlPlane = await startControlPlane(options);
  const { dir, operatorKubeconfig: kubeconfig } = controlPlane;
  const connection = streamConnection(connectionFromKubeConfig({ kubeconfig }));
  // Campaigns load the machine until a leader cannot renew in time, and one that has lost its Lease ends.
  const alone = { dir, connection, time: realTime, leaderElection: false };
  const operator = new InProcessOperator(alone);
  return {
    ...partsOf(controlPlane, operator),
    operator,
    secondOperator: async (name) => new InProcessOperator({ ...alone, name }),
  };
}

function partsOf(controlPlane: ControlPlane, operator: Operator): Omit<ClusterBackend, 'operator' | 'secondOperator'> {
  const { dir, kubeconfig } = controlPlane;
  const log = new AuditLog(controlPlane.auditLog);
  const audit = (): AuditEntry[] => log.entries();
  return {
    kind: 'controlplane',
    dir,
    connection: connectionFromKubeConfig({ kubeconfig }),
    kubectl: (args) => kubectl(controlPlane, args),
    time: realTime,
    apiServer: partOf(controlPlane, 'kube-apiserver'),
    istiod: partOf(controlPlane, 'istiod'),
    istiodUrl: controlPlane.istiodUrl,
    audit,
    killOperatorAfter: async (moment) => {
      const seen = audit().length;
      const isMoment = (entry: AuditEntry): boolean => entry.user.username === OPERATOR_USER && moment(entry);
      const look = async (): Promise<true | undefined> => audit().slice(seen).some(isMoment) || undefined;
      await realTime.until('the moment to kill', look, { everyMs: CLOSE_LOOK_MS });
      await operator.kill('SIGKILL');
    },
    stop: () => controlPlane.stop(),
  };
}

function partOf(controlPlane: ControlPlane, name: 'kube-apiserver' | 'istiod'): Part {
  const component = controlPlane.component(name);
  return { kill: () => component.kill('SIGKILL'), start: () => component.start() };
}
