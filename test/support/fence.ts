import type { Cluster } from './cluster.js';
import type { KubeObject, ResourceType } from '../../src/kube/resource.js';
import { CONTROLLER_REVISION, DEPLOYMENT, NAMESPACE, POD } from '../../src/kube/types.js';
import { OPERATOR_USER } from './audit.js';

const admission = { group: 'admissionregistration.k8s.io', version: 'v1', namespaced: false } as const;
const POLICY: ResourceType = { ...admission, plural: 'validatingadmissionpolicies', kind: 'ValidatingAdmissionPolicy' };
const BINDING: ResourceType = {
  ...admission,
  plural: 'validatingadmissionpolicybindings',
  kind: 'ValidatingAdmissionPolicyBinding',
};

/** What the operator shall not be able to write for a while, in one namespace. */
export interface FencedWrite {
  readonly apiGroup: string;
  readonly resource: 'controllerrevisions' | 'deployments' | 'namespaces' | 'pods';
  readonly operation: 'CREATE' | 'UPDATE';
  /** Only objects with this label `app`; default: any. */
  readonly app?: string;
}

/**
 * Refuses one kind of the operator's writes by a ValidatingAdmissionPolicy: so a test holds a migration at a chosen step,
 * for as long as it wants, without any timing.
 *
 * @returns lifts the fence
 */
export async function fence(cluster: Cluster, namespace: string, write: FencedWrite): Promise<() => Promise<void>> {
  const name = `fence-${namespace}-${write.resource}`;
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const isApp = write.app === undefined ? '' : ` && object.metadata.labels['app'] == '${write.app}'`;
  const scope =
    write.resource === 'namespaces' ? `object.metadata.name == '${namespace}'` : `request.namespace == '${namespace}'`;
  await cluster.apply(
    [
      {
        apiVersion,
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
            { name: 'operator', expression: `request.userInfo.username == '${OPERATOR_USER}' && ${scope}${isApp}` },
          ],
          validations: [{ expression: 'false', message: 'fenced by the test' }],
        },
      },
      {
        apiVersion,
        kind: 'ValidatingAdmissionPolicyBinding',
        metadata: { name },
        spec: { policyName: name, validationActions: ['Deny'] },
      },
    ]
      .map((object) => JSON.stringify(object))
      .join('\n---\n'),
  );
  await cluster.until(`${name} is in force`, () => refuses(cluster, namespace, write));
  return async () => {
    for (const type of [BINDING, POLICY]) await cluster.client.delete(type, { name });
    await cluster.until(`${name} is lifted`, async () =>
      (await refuses(cluster, namespace, write)) ? undefined : true,
    );
  };
}

/** Tries the write as the operator, in a dry run: a policy takes effect some time after it was written. */
async function refuses(cluster: Cluster, namespace: string, write: FencedWrite): Promise<true | undefined> {
  const client = cluster.clientAs(OPERATOR_USER);
  try {
    const { items } = await client.list(DEPLOYMENT, { namespace });
    const attempt = { fieldManager: 'fence-probe', dryRun: true };
    if (write.resource === 'pods') await client.create(POD, podProbe(namespace, write), attempt);
    for (const [type, object] of probes(namespace, write, items)) await client.apply(type, object, attempt);
    return undefined;
  } catch (error) {
    return String(error).includes('fenced by the test') ? true : undefined;
  } finally {
    client.close();
  }
}

function podProbe(namespace: string, { app = 'probe' }: FencedWrite): KubeObject & { spec: unknown } {
  const metadata = { name: 'fence-probe', namespace, labels: { app } };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [{ name: 'probe', image: 'probe' }] } };
}

/** What the operator must not be able to apply while the fence stands. */
function probes(
  namespace: string,
  write: FencedWrite,
  deployments: readonly KubeObject[],
): readonly (readonly [ResourceType, KubeObject])[] {
  const annotations = { 'fence-probe': 'x' };
  switch (write.resource) {
    case 'controllerrevisions': {
      const metadata = { name: 'fence-probe', namespace };
      const object = {
        apiVersion: 'apps/v1',
        kind: 'ControllerRevision',
        metadata,
        revision: 1,
        data: { probe: true },
      };
      return [[CONTROLLER_REVISION, object]];
    }
    case 'namespaces':
      return [[NAMESPACE, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, annotations } }]];
    case 'pods':
      return [];
    case 'deployments':
      return deployments.map(({ metadata: { name } }) => [
        DEPLOYMENT,
        { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace, annotations } },
      ]);
  }
}
