import { join } from 'node:path';
import { expect } from 'vitest';
import { run } from '../../src/cli/program.js';
import { isNotFound } from '../../src/kube/errors.js';
import { CONFIG_MAP, type ConfigMap } from '../../src/kube/types.js';
import { OPERATOR_USER, writesOf } from '../support/audit.js';
import type { Cluster } from '../support/cluster.js';
import { deployment, namespace, yaml } from '../support/fixtures.js';

/** The ConfigMap in which a view stands. */
export const NAME = 'sidestep-ztunnel';

/** The annotation of a Namespace that asks for it. */
export const VIEW = 'sidestep.dev/ztunnel-view';

/** A Service of the pods with label `app`. */
export const service = (inNamespace: string, name: string): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: inNamespace },
  spec: { selector: { app: name }, ports: [{ name: 'http', port: 80 }] },
});

/** A policy that ztunnel is told of. */
export const policy = (inNamespace: string, name: string, principals = ['cluster.local/ns/shop/sa/*']): object => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name, namespace: inNamespace },
  spec: { rules: [{ from: [{ source: { principals } }] }] },
});

/** So many principals that a few policies with them are more than a ConfigMap may hold. */
export const principals = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => `cluster.local/ns/a-namespace-with-a-long-name/sa/account-${at}`);

/** Looks at views, and asks for them. */
export class Views {
  constructor(readonly cluster: () => Cluster) {}

  read(inNamespace: string): Promise<ConfigMap | undefined> {
    return this.cluster()
      .client.get(CONFIG_MAP, { namespace: inNamespace, name: NAME })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
        return undefined;
      });
  }

  /** What the command line says at this moment. */
  async printed(inNamespace: string): Promise<string> {
    let text = '';
    let complaint = '';
    const code = await run(['ztunnel-config', '-n', inNamespace], {
      version: '',
      kubeconfig: join(this.cluster().dir, 'kubeconfig'),
      print: (more) => (text += more),
      complain: (more) => (complaint += more),
    });
    expect({ code, complaint }).toEqual({ code: 0, complaint: '' });
    return text;
  }

  /** The file in the ConfigMap, once it has everything expected in it and is what the command line says. */
  file(inNamespace: string, ...expected: readonly (string | RegExp)[]): Promise<string> {
    return this.cluster().until(`${expected.join(', ')} in the view of ${inNamespace}`, async () => {
      const found = await this.read(inNamespace);
      const text = found?.data?.['config.yaml'] ?? '';
      if (!expected.every((each) => text.search(each) >= 0)) throw new Error(text);
      const now = await this.printed(inNamespace);
      if (text !== now) throw new Error(`${text}\nis not what is printed:\n${now}`);
      return text;
    });
  }

  /** The view's ConfigMaps with what each holds of the file, by name. */
  async parts(inNamespace: string): Promise<Record<string, string>> {
    const { items } = await this.cluster().client.list(CONFIG_MAP, { namespace: inNamespace });
    const ours = items.filter(({ metadata }) => metadata.name.startsWith(NAME));
    return Object.fromEntries(ours.map(({ metadata, data }) => [metadata.name, data?.['config.yaml'] ?? '']));
  }

  untilNamed(inNamespace: string, ...expected: readonly string[]): Promise<boolean> {
    return this.cluster().until(`${expected.join(', ')} in ${inNamespace}`, async () => {
      const names = Object.keys(await this.parts(inNamespace));
      return names.join() === expected.join() || undefined;
    });
  }

  annotate(inNamespace: string, value: string): Promise<string> {
    return this.cluster().kubectl('annotate', 'namespace', inNamespace, value, '--overwrite');
  }

  untilGone(inNamespace: string): Promise<boolean> {
    return this.cluster().until(
      `no view of ${inNamespace}`,
      async () => (await this.read(inNamespace)) === undefined || undefined,
    );
  }

  /** Writes of the operator to ConfigMaps of a namespace, since an index of the audit log. */
  writes(inNamespace: string, since = 0): string[] {
    return writesOf(this.cluster().audit().slice(since))
      .filter(({ user, objectRef }) => user.username === OPERATOR_USER && objectRef?.namespace === inNamespace)
      .filter(({ objectRef }) => objectRef?.resource === 'configmaps')
      .map(({ verb, objectRef }) => `${verb} ${objectRef?.name ?? ''}`);
  }

  /** An ambient namespace with one workload and its Service. */
  async make(name: string, labels: Record<string, string> = {}): Promise<void> {
    await this.cluster().apply(
      yaml(
        namespace(name, { 'istio.io/dataplane-mode': 'ambient', ...labels }),
        deployment(name, 'web'),
        service(name, 'web'),
      ),
    );
    await this.cluster().podsReady(name, 1);
  }
}
