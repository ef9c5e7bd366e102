import type { Cluster } from './cluster.js';
import { OPERATOR_USER } from './audit.js';
import { until } from './until.js';

/** What the operator shall not be able to write for a while, in one namespace. */
export interface FencedWrite {
  readonly apiGroup: string;
  readonly resource: string;
  readonly operation: 'CREATE' | 'UPDATE';
}

/**
 * Refuses one kind of the operator's writes by a ValidatingAdmissionPolicy: so a test holds a migration at a chosen step,
 * for as long as it wants, without any timing.
 *
 * @returns lifts the fence
 */
export async function fence(cluster: Cluster, namespace: string, write: FencedWrite): Promise<() => Promise<void>> {
  const name = `fence-${namespace}-${write.resource}`;
  const admission = 'admissionregistration.k8s.io/v1';
  const scope =
    write.resource === 'namespaces' ? `object.metadata.name == '${namespace}'` : `request.namespace == '${namespace}'`;
  await cluster.apply(
    [
      {
        apiVersion: admission,
        kind: 'ValidatingAdmissionPolicy',
        metadata: { name },
        spec: {
          failurePolicy: 'Fail',
          matchConstraints: {
            resourceRules: [
              {
                apiGroups: [write.apiGroup],
                apiVersions: ['*'],
                operations: [write.operation],
                resources: [write.resource],
              },
            ],
          },
          matchConditions: [
            { name: 'operator', expression: `request.userInfo.username == '${OPERATOR_USER}' && ${scope}` },
          ],
          validations: [{ expression: 'false', message: 'fenced by the test' }],
        },
      },
      {
        apiVersion: admission,
        kind: 'ValidatingAdmissionPolicyBinding',
        metadata: { name },
        spec: { policyName: name, validationActions: ['Deny'] },
      },
    ]
      .map((object) => JSON.stringify(object))
      .join('\n---\n'),
  );
  await until(`${name} is in force`, () => refuses(cluster, namespace, write), { everyMs: 100 });
  return async () => {
    await cluster.kubectl('delete', 'validatingadmissionpolicybinding,validatingadmissionpolicy', name);
    await until(`${name} is lifted`, async () => ((await refuses(cluster, namespace, write)) ? undefined : true), {
      everyMs: 100,
    });
  };
}

/** Tries the write as the operator, in a dry run: a policy takes effect some time after it was written. */
async function refuses(cluster: Cluster, namespace: string, write: FencedWrite): Promise<true | undefined> {
  const attempt =
    write.operation === 'CREATE' ? creation(cluster, namespace, write) : update(cluster, namespace, write);
  const answer = await attempt.then(String, String);
  return answer.includes('fenced by the test') ? true : undefined;
}

function creation(cluster: Cluster, namespace: string, write: FencedWrite): Promise<string> {
  const object = {
    apiVersion: `${write.apiGroup}/v1`,
    kind: 'ControllerRevision',
    metadata: { name: 'fence-probe', namespace },
    revision: 1,
    data: { probe: true },
  };
  return cluster.applyAs(OPERATOR_USER, JSON.stringify(object), '--dry-run=server');
}

async function update(cluster: Cluster, namespace: string, write: FencedWrite): Promise<string> {
  const place = write.resource === 'namespaces' ? ['namespace', namespace] : [write.resource, '-n', namespace, '--all'];
  return cluster.kubectl(
    'annotate',
    ...place,
    `fence-probe=${Date.now()}`,
    '--dry-run=server',
    `--as=${OPERATOR_USER}`,
  );
}
