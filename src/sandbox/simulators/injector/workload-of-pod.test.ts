import { expect, test } from 'vitest';
import type { Pod } from '../../../kube/types.js';
import { workloadOfPod } from './workload-of-pod.js';

function pod(kind: string, owner: string, labels: Record<string, string> = {}, name = ''): Pod {
  const ownerReferences = [{ apiVersion: 'apps/v1', kind, name: owner, uid: 'u', controller: true }];
  const metadata = { name, labels, ...(name === '' && { generateName: `${owner}-` }), ownerReferences };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [] } };
}

test.each<[string, Pod, object]>([
  [
    'ReplicaSet with hash',
    pod('ReplicaSet', 'web-5d4', { 'pod-template-hash': '5d4' }),
    { kind: 'Deployment', name: 'web' },
  ],
  ['ReplicaSet without hash', pod('ReplicaSet', 'web-5d4'), { kind: 'ReplicaSet', name: 'web-5d4' }],
  ['StatefulSet', pod('StatefulSet', 'db'), { kind: 'StatefulSet', name: 'db' }],
  ['Job', pod('Job', 'import'), { kind: 'Job', name: 'import' }],
  ['Job of a CronJob', pod('Job', 'nightly-29384720'), { kind: 'CronJob', name: 'nightly', apiVersion: 'batch/v1' }],
  ['a pod with a name', pod('StatefulSet', 'db', {}, 'db-0'), { kind: 'Pod', name: 'db-0', apiVersion: 'v1' }],
])('%s', (_, given, workload) => {
  expect(workloadOfPod(given)).toMatchObject(workload);
});
