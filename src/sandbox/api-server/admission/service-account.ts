import { type Clock, delay } from '../../../clock.js';
import type { ClusterView } from '../storage/cluster-view.js';
import type { ApiObject } from '../object.js';
import { type AdmissionPlugin, type Draft, denied, isAbout } from './plugin.js';
import { type PodSpec, allContainers } from '../builtin/pod-spec.js';
import { podSpec } from './pod.js';

const accounts = { group: '', plural: 'serviceaccounts' };
const tokenPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const volumePrefix = 'kube-api-access-';

/** How long a pod waits for the default account of a new namespace: ten looks, 100 to 200 ms apart, in the real plugin. */
const defaultAccountPatienceMs = 1_500;

/** Lifetime that kubelets ask for; the odd number marks tokens that may live longer if the client does not refresh them. */
const tokenSeconds = 3607;

/**
 * Every pod runs as an account that is there, and its containers find the account's token.
 *
 * @param suffix  five random letters, for the name of the volume
 * @see plugin/pkg/admission/serviceaccount/admission.go
 */
export function serviceAccount(cluster: ClusterView, clock: Clock, suffix: () => string): AdmissionPlugin {
  return {
    async mutate(draft) {
      const { object: pod, operation } = draft;
      if (!isAbout(draft, '', 'pods') || operation !== 'CREATE' || pod === undefined) return;
      if (pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) return;
      const spec = podSpec(pod);
      spec.serviceAccountName ||= 'default';
      // Old name of the same field.
      spec['serviceAccount'] = spec.serviceAccountName;
      const account = await findAccount(cluster, clock, draft, spec.serviceAccountName);
      if (spec.automountServiceAccountToken ?? account['automountServiceAccountToken'] ?? true)
        mountToken(spec, suffix);
      const secrets = (account['imagePullSecrets'] as { name: string }[] | undefined) ?? [];
      if (!spec.imagePullSecrets?.length && secrets.length > 0) {
        spec.imagePullSecrets = secrets.map(({ name }) => ({ name }));
      }
    },
  };
}

async function findAccount(cluster: ClusterView, clock: Clock, draft: Draft, name: string): Promise<ApiObject> {
  const namespace = draft.namespace ?? '';
  const find = (): ApiObject | undefined => cluster.get(accounts, { namespace, name });
  const found = find() ?? (name === 'default' ? await appearing(cluster, clock, find) : undefined);
  if (found) return found;
  throw denied(draft, `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`);
}

/** A controller makes the default account a moment after the namespace. */
async function appearing(
  cluster: ClusterView,
  clock: Clock,
  find: () => ApiObject | undefined,
): Promise<ApiObject | undefined> {
  const enough = new AbortController();
  const stop = cluster.onCommit(() => {
    if (find()) enough.abort();
  });
  await delay(clock, defaultAccountPatienceMs, enough.signal).catch(() => undefined);
  stop();
  return find();
}

function mountToken(spec: PodSpec, suffix: () => string): void {
  const existing = spec.volumes?.find(({ name }) => name.startsWith(volumePrefix));
  const name = existing?.name ?? volumePrefix + suffix();
  const without = allContainers(spec).filter(
    ({ volumeMounts = [] }) => !volumeMounts.some(({ mountPath }) => mountPath === tokenPath),
  );
  for (const container of without) {
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: tokenPath }];
  }
  if (existing === undefined && without.length > 0) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)];
}

function tokenVolume(name: string): { name: string; projected: object } {
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
    },
  };
}
