import { expect } from 'vitest';
import { eventually, uniqueName, type Answer, type Server } from './server.js';
import { conformance } from './suite.js';
import { warnings } from './webhook-server.js';

const pods = (namespace: string): string => `/api/v1/namespaces/${namespace}/pods`;

function pod(spec: object = {}, name = 'one'): object {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [container()], ...spec } };
}

function container(more: object = {}): object {
  return { name: 'main', image: 'i', ...more };
}

/** Asks for resources. */
const asking = (requests: object, limits?: object): object =>
  pod({ containers: [container({ resources: { requests, ...(limits && { limits }) } })] });

async function put(server: Server, namespace: string, plural: string, object: object): Promise<Answer> {
  const answer = await server.post(`/api/v1/namespaces/${namespace}/${plural}`, object);
  if (answer.status !== 201) throw new Error(answer.text);
  return answer;
}

/** Repeats a dry run until it is refused as told: the real plugins read from caches. */
function refused(server: Server, namespace: string, object: object, message: string): Promise<Answer> {
  return eventually(`refusal: ${message}`, async () => {
    const answer = await server.post(pods(namespace), object, { query: { dryRun: 'All' } });
    return answer.status === 403 && (answer.body.message as string).includes(message) ? answer : undefined;
  });
}

conformance('admission-plugins', (test) => {
  test('a pod runs as the default account, with its token in all containers', async (server) => {
    const namespace = await server.namespace();
    const { body } = await server.post(pods(namespace), pod({ initContainers: [container({ name: 'init' })] }));
    expect(body.spec.serviceAccountName).toBe('default');
    expect(body.spec.serviceAccount).toBe('default');
    const [volume] = body.spec.volumes;
    expect(volume.name).toMatch(/^kube-api-access-[a-z0-9]{5}$/);
    expect(volume.projected).toEqual({
      defaultMode: 420,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
    });
    const mount = { name: volume.name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' };
    expect(body.spec.containers[0].volumeMounts).toEqual([mount]);
    expect(body.spec.initContainers[0].volumeMounts).toEqual([mount]);
  });

  test('no token is mounted where the pod, else the account, does not want it', async (server) => {
    const namespace = await server.namespace();
    const account = {
      metadata: { name: 'quiet' },
      automountServiceAccountToken: false,
      imagePullSecrets: [{ name: 's' }],
    };
    await put(server, namespace, 'serviceaccounts', account);
    const volumes = async (spec: object): Promise<unknown> => {
      const query = { dryRun: 'All' };
      const { body } = await server.post(pods(namespace), pod(spec), { query });
      return [body.spec.volumes?.length ?? 0, body.spec.imagePullSecrets];
    };
    expect(await volumes({ automountServiceAccountToken: false })).toEqual([0, undefined]);
    expect(await volumes({ serviceAccountName: 'quiet' })).toEqual([0, [{ name: 's' }]]);
    expect(await volumes({ serviceAccountName: 'quiet', automountServiceAccountToken: true })).toEqual([
      1,
      [{ name: 's' }],
    ]);
  });

  test('a container that mounts something there itself gets no token', async (server) => {
    const namespace = await server.namespace();
    const volumeMounts = [{ name: 'own', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }];
    const spec = { containers: [container({ volumeMounts })], volumes: [{ name: 'own', emptyDir: {} }] };
    const { body } = await server.post(pods(namespace), pod(spec));
    expect(body.spec.volumes).toEqual([{ name: 'own', emptyDir: {} }]);
    expect(body.spec.containers[0].volumeMounts).toEqual(volumeMounts);
  });

  test('a pod of an account that is not there is refused', async (server) => {
    const namespace = await server.namespace();
    const { status, body } = await server.post(pods(namespace), pod({ serviceAccountName: 'nobody' }));
    expect([status, body.reason]).toEqual([403, 'Forbidden']);
    expect(body.message).toBe(
      `pods "one" is forbidden: error looking up service account ${namespace}/nobody: serviceaccount "nobody" not found`,
    );
    expect(body.details).toEqual({ name: 'one', kind: 'pods' });
  });

  test('pods tolerate nodes that are not ready for five minutes', async (server) => {
    const namespace = await server.namespace();
    const toleration = (name: string, seconds = 300): object => ({
      key: `node.kubernetes.io/${name}`,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: seconds,
    });
    const { body } = await server.post(pods(namespace), pod());
    expect(body.spec.tolerations).toEqual([toleration('not-ready'), toleration('unreachable')]);
    const own = await server.post(pods(namespace), pod({ tolerations: [toleration('unreachable', 5)] }, 'two'));
    expect(own.body.spec.tolerations).toEqual([toleration('unreachable', 5), toleration('not-ready')]);
  });

  test('the priority of a pod is that of its class', async (server) => {
    const namespace = await server.namespace();
    const plain = await server.post(pods(namespace), pod());
    expect(plain.body.spec).toMatchObject({ priority: 0, preemptionPolicy: 'PreemptLowerPriority' });
    const system = await server.post(pods(namespace), pod({ priorityClassName: 'system-node-critical' }, 'two'));
    expect(system.body.spec.priority).toBe(2_000_001_000);
    const unknown = await server.post(pods(namespace), pod({ priorityClassName: 'none' }, 'three'));
    expect(unknown.body.message).toBe('pods "three" is forbidden: no PriorityClass with name none was found');
    const computed = await server.post(pods(namespace), pod({ priority: 7 }, 'four'));
    expect(computed.body.message).toBe(
      'pods "four" is forbidden: the integer value of priority (7) must not be provided in pod spec; ' +
        'priority admission controller computed 0 from the given PriorityClass name',
    );
  });

  test('a LimitRange fills in requests and limits, and says so', async (server) => {
    const namespace = await server.namespace();
    await put(server, namespace, 'limitranges', {
      metadata: { name: 'limits' },
      spec: {
        limits: [{ type: 'Container', default: { cpu: '500m' }, defaultRequest: { cpu: '100m', memory: '64Mi' } }],
      },
    });
    const { body } = await eventually('the limits', async () => {
      const answer = await server.post(pods(namespace), pod(), { query: { dryRun: 'All' } });
      return answer.body.metadata.annotations === undefined ? undefined : answer;
    });
    expect(body.spec.containers[0].resources).toEqual({
      limits: { cpu: '500m' },
      requests: { cpu: '100m', memory: '64Mi' },
    });
    expect(body.metadata.annotations).toEqual({
      'kubernetes.io/limit-ranger':
        'LimitRanger plugin set: cpu, memory request for container main; cpu limit for container main',
    });
  });

  test('a LimitRange refuses what asks for too much or too little', async (server) => {
    const namespace = await server.namespace();
    await put(server, namespace, 'limitranges', {
      metadata: { name: 'limits' },
      spec: { limits: [{ type: 'Container', max: { cpu: '1' }, min: { cpu: '100m' } }] },
    });
    const much = await refused(server, namespace, asking({ cpu: '2' }, { cpu: '2' }), 'maximum');
    expect(much.body.message).toBe('pods "one" is forbidden: maximum cpu usage per Container is 1, but limit is 2');
    const little = await refused(server, namespace, asking({ cpu: '10m' }), 'minimum');
    expect(little.body.message).toBe(
      'pods "one" is forbidden: minimum cpu usage per Container is 100m, but request is 10m',
    );
  });

  test('a LimitRange limits pods as a whole', async (server) => {
    const namespace = await server.namespace();
    await put(server, namespace, 'limitranges', {
      metadata: { name: 'limits' },
      spec: { limits: [{ type: 'Pod', max: { memory: '1Gi' } }] },
    });
    const limits = { memory: '600Mi' };
    const two = ['a', 'b'].map((name) => container({ name, resources: { limits } }));
    const answer = await refused(server, namespace, pod({ containers: two }), 'maximum memory');
    expect(answer.body.message).toBe(
      'pods "one" is forbidden: maximum memory usage per Pod is 1Gi, but limit is 1200Mi',
    );
  });

  test('a ResourceQuota counts, and refuses what exceeds it', async (server) => {
    const namespace = await server.namespace();
    await quota(server, namespace, { pods: '1', 'requests.cpu': '300m' });
    expect((await server.post(pods(namespace), asking({ cpu: '200m' }))).status).toBe(201);
    const path = `/api/v1/namespaces/${namespace}/resourcequotas/quota`;
    const { body } = await server.get(path);
    expect(body.status.used).toEqual({ pods: '1', 'requests.cpu': '200m' });
    const second = asking({ cpu: '200m' }) as { metadata: object };
    const answer = await server.post(pods(namespace), { ...second, metadata: { name: 'two' } });
    expect([answer.status, answer.body.reason]).toEqual([403, 'Forbidden']);
    expect(answer.body.message).toBe(
      'pods "two" is forbidden: exceeded quota: quota, requested: pods=1,requests.cpu=200m, ' +
        'used: pods=1,requests.cpu=200m, limited: pods=1,requests.cpu=300m',
    );
  });

  test('under a ResourceQuota for cpu every container must say what it asks for', async (server) => {
    const namespace = await server.namespace();
    await quota(server, namespace, { 'requests.cpu': '1', 'limits.memory': '1Gi' });
    const answer = await server.post(pods(namespace), pod());
    expect(answer.body.message).toBe(
      'pods "one" is forbidden: failed quota: quota: must specify limits.memory for: main; requests.cpu for: main',
    );
  });

  test('a ResourceQuota counts objects of other kinds; a dry run does not count', async (server) => {
    const namespace = await server.namespace();
    await quota(server, namespace, { secrets: '1', 'count/secrets': '1' });
    const create = (name: string, query = {}): Promise<Answer> =>
      server.post(`/api/v1/namespaces/${namespace}/secrets`, { metadata: { name } }, { query });
    expect((await create('one', { dryRun: 'All' })).status).toBe(201);
    expect((await create('one')).status).toBe(201);
    const answer = await create('two');
    expect(answer.body.message).toBe(
      'secrets "two" is forbidden: exceeded quota: quota, requested: count/secrets=1,secrets=1, ' +
        'used: count/secrets=1,secrets=1, limited: count/secrets=1,secrets=1',
    );
  });

  test('PodSecurity baseline refuses privileges', async (server) => {
    const namespace = await server.namespace({ 'pod-security.kubernetes.io/enforce': 'baseline' });
    const privileged = container({
      securityContext: { privileged: true, capabilities: { add: ['NET_ADMIN', 'NET_RAW'] } },
      ports: [{ containerPort: 80, hostPort: 80 }],
    });
    const volumes = [{ name: 'host', hostPath: { path: '/' } }];
    const answer = await refused(
      server,
      namespace,
      pod({ containers: [privileged], hostNetwork: false, volumes }),
      'violates',
    );
    expect(answer.body.message).toBe(
      'pods "one" is forbidden: violates PodSecurity "baseline:latest": ' +
        'non-default capabilities (container "main" must not include "NET_ADMIN", "NET_RAW" in securityContext.capabilities.add), ' +
        'hostPath volumes (volume "host"), ' +
        'hostPort (container "main" uses hostPort 80), ' +
        'privileged (container "main" must not set securityContext.privileged=true)',
    );
  });

  test('PodSecurity restricted refuses what does not give up enough, in all containers', async (server) => {
    const namespace = await server.namespace({ 'pod-security.kubernetes.io/enforce': 'restricted' });
    const object = pod({ initContainers: [container({ name: 'init' })] });
    const answer = await refused(server, namespace, object, 'violates');
    expect(answer.body.message).toBe(
      'pods "one" is forbidden: violates PodSecurity "restricted:latest": ' +
        'allowPrivilegeEscalation != false (containers "init", "main" must set securityContext.allowPrivilegeEscalation=false), ' +
        'unrestricted capabilities (containers "init", "main" must set securityContext.capabilities.drop=["ALL"]), ' +
        'runAsNonRoot != true (pod or containers "init", "main" must set securityContext.runAsNonRoot=true), ' +
        'seccompProfile (pod or containers "init", "main" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    );
    const good = {
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        container({ securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } }),
      ],
    };
    expect((await server.post(pods(namespace), pod(good))).status).toBe(201);
  });

  test('PodSecurity warns where it is asked to, also about the pods of workloads', async (server) => {
    const namespace = await server.namespace({ 'pod-security.kubernetes.io/warn': 'restricted' });
    const labels = { app: 'one' };
    const deployment = {
      metadata: { name: 'one' },
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { hostNetwork: true, containers: [container()] } },
      },
    };
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
    const answer = await eventually('the warning', async () => {
      const tried = await server.post(path, deployment, { query: { dryRun: 'All' } });
      return warnings(tried).length > 0 ? tried : undefined;
    });
    expect(answer.status).toBe(201);
    expect(warnings(answer)[0]).toMatch(
      /^would violate PodSecurity "restricted:latest": host namespaces \(hostNetwork=true\), /,
    );
  });

  test('in a namespace that is not there, nothing is created', async (server) => {
    const name = uniqueName('none');
    const { status, body } = await server.post(`/api/v1/namespaces/${name}/configmaps`, { metadata: { name: 'one' } });
    expect([status, body.reason]).toEqual([404, 'NotFound']);
    expect(body.message).toBe(`namespaces "${name}" not found`);
    expect(body.details).toEqual({ name, kind: 'namespaces' });
  });

  test('in a namespace that is being terminated, nothing new is created', async (server) => {
    const namespace = await server.namespace();
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const held = { metadata: { name: 'held', finalizers: ['conformance.sidestep/hold'] } };
    await put(server, namespace, 'configmaps', held);
    try {
      await server.delete(`/api/v1/namespaces/${namespace}`);
      const { status, body } = await server.post(path, { metadata: { name: 'late' } });
      expect([status, body.reason]).toEqual([403, 'Forbidden']);
      expect(body.message).toBe(
        `configmaps "late" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
      );
      expect(body.details.causes).toEqual([
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      ]);
      expect((await server.patch('merge', `${path}/held`, { data: { still: 'possible' } })).status).toBe(200);
    } finally {
      await server.patch('merge', `${path}/held`, { metadata: { finalizers: null } });
    }
  });

  test('the namespaces that the cluster needs stay', async (server) => {
    for (const name of ['default', 'kube-system', 'kube-public']) {
      const { status, body } = await server.delete(`/api/v1/namespaces/${name}`, { query: { dryRun: 'All' } });
      expect([status, body.message]).toEqual([
        403,
        `namespaces "${name}" is forbidden: this namespace may not be deleted`,
      ]);
    }
  });
});

/** Creates a quota and waits until it is counted. */
async function quota(server: Server, namespace: string, hard: object): Promise<void> {
  await put(server, namespace, 'resourcequotas', { metadata: { name: 'quota' }, spec: { hard } });
  await eventually('the quota', async () => {
    const { body } = await server.get(`/api/v1/namespaces/${namespace}/resourcequotas/quota`);
    return body.status?.hard === undefined ? undefined : true;
  });
}
