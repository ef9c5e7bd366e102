import { connectionFromKubeConfig } from '../../src/kube/connection.js';
import { type ControlPlane, startControlPlane } from '../controlplane/control-plane.js';
import { type AuditEntry, AuditLog, OPERATOR_USER } from './audit.js';
import { kubectl } from '../controlplane/kubectl.js';
import type { ClusterBackend, Part } from './cluster.js';
import { OperatorProcess } from './operator.js';
import { realTime } from './real-time.js';
import { until } from './until.js';

/** How often the audit log is read where the moment counts, ms. */
const CLOSE_LOOK_MS = 5;

/**
 * The real control plane, and the bundled operator in a process beside it.
 *
 * @param options.dir  folder for everything of it
 * @param options.operatorArgs  options of Node for the operator
 * @throws see `startControlPlane`
 */
export async function controlPlaneBackend(options: {
  dir: string;
  operatorArgs?: readonly string[];
  log?: (line: string) => void;
}): Promise<ClusterBackend> {
  const controlPlane = await startControlPlane(options);
  const { dir, kubeconfig, operatorKubeconfig } = controlPlane;
  const operator = await OperatorProcess.create({
    dir,
    kubeconfig: operatorKubeconfig,
    operatorArgs: options.operatorArgs ?? [],
  });
  const log = new AuditLog(controlPlane.auditLog);
  const audit = (): AuditEntry[] => log.entries();
  return {
    kind: 'controlplane',
    dir,
    connection: connectionFromKubeConfig({ kubeconfig }),
    kubectl: (args) => kubectl(controlPlane, args),
    time: realTime,
    operator,
    apiServer: partOf(controlPlane, 'kube-apiserver'),
    istiod: partOf(controlPlane, 'istiod'),
    istiodUrl: controlPlane.istiodUrl,
    secondOperator: (name) => OperatorProcess.create({ dir, kubeconfig: operatorKubeconfig, name }),
    audit,
    killOperatorAfter: async (moment) => {
      const seen = audit().length;
      const isMoment = (entry: AuditEntry): boolean => entry.user.username === OPERATOR_USER && moment(entry);
      const look = async (): Promise<true | undefined> => audit().slice(seen).some(isMoment) || undefined;
      await until('the moment to kill', look, { everyMs: CLOSE_LOOK_MS });
      await operator.kill('SIGKILL');
    },
    stop: () => controlPlane.stop(),
  };
}

function partOf(controlPlane: ControlPlane, name: 'kube-apiserver' | 'istiod'): Part {
  const component = controlPlane.component(name);
  return { kill: () => component.kill('SIGKILL'), start: () => component.start() };
}
