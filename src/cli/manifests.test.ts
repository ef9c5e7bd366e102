import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from './failures.js';
import { type Manifest, readManifests } from './manifests.js';

describe('manifests', () => {
  let dir = '';
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'sidestep-manifests-'))));
  afterEach(() => rmSync(dir, { recursive: true }));

  function file(text: string | Uint8Array, name = 'a.yaml'): string {
    const path = join(dir, name);
    writeFileSync(path, text);
    return path;
  }
  const objectsOf = (text: string): Manifest[] => readManifests([file(text)]);

  /** What is said of it, without the folder. */
  function refusal(...paths: string[]): string {
    try {
      readManifests(paths);
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      return (error as Error).message.replaceAll(`${dir}/`, '');
    }
    throw new Error('it was taken');
  }

  it('merges what a merge key names, as kubectl does', () => {
    const [one] = objectsOf(`
base: &base { name: a }
labels: &labels { app: web, version: v1 }
apiVersion: v1
kind: Namespace
metadata:
  <<: *base
  labels:
    <<: *labels
    version: v2
  annotations:
    <<: [{ a: first, b: second }, { a: other }, *labels]
`);
    expect(one?.metadata).toEqual({
      name: 'a',
      labels: { app: 'web', version: 'v2' },
      annotations: { a: 'first', b: 'second', app: 'web', version: 'v1' },
    });
  });

  it('merges what is written behind a merge key itself', () => {
    const [one] = objectsOf('apiVersion: v1\nkind: A\nmetadata: { <<: { name: a } }');
    expect(one).toMatchObject({ metadata: { name: 'a' } });
  });

  it.each([
    ['an alias of nothing', 'apiVersion: v1\nkind: A\nmetadata: { name: *nope }', /^a\.yaml, document 1.*nope/],
    [
      'an alias of another document',
      'apiVersion: v1\nkind: A\nmetadata: &m { name: a }\n---\napiVersion: v1\nkind: A\nmetadata: { <<: *m }',
      /^a\.yaml, document 2: Merge sources/,
    ],
    [
      'more aliases than anybody writes',
      [
        'a: &a [x,x,x,x,x,x,x,x,x]',
        ...['ba', 'cb', 'dc'].map(([to, from]) => `${to}: &${to} [${`*${from},`.repeat(9)}]`),
      ].join('\n'),
      /^a\.yaml, document 1: Excessive alias count/,
    ],
    ['a merge of a text', 'apiVersion: v1\nkind: A\nmetadata: { <<: x, name: a }', /^a\.yaml, document 1: Merge/],
  ])('names file and document of %s', (_, text, message) => {
    expect(refusal(file(text))).toMatch(message);
  });

  it('names a link in a folder that leads nowhere', () => {
    symlinkSync('nowhere', join(dir, 'b.yaml'));
    expect(refusal(dir)).toBe('b.yaml: there is no such file');
  });

  it.each<[string, string, string | Uint8Array, string | RegExp]>([
    ['UTF-16', 'a.yaml', new Uint8Array(Buffer.from('\ufeffkind: A', 'utf16le')), 'a.yaml: is no UTF-8, which'],
    ['a program', 'a.yaml', new Uint8Array([127, 69, 76, 70, 0, 0]), 'a.yaml: is no text'],
    ['generateName', 'a.yaml', 'apiVersion: batch/v1\nkind: Job\nmetadata: { generateName: x- }', 'give it a name'],
    [
      'a List of nothing',
      'a.yaml',
      'apiVersion: v1\nkind: List\nitems:',
      'document 1: items must be a list of objects',
    ],
    [
      'a template',
      'a.yaml',
      'apiVersion: v1\nkind: A\nmetadata: { name: {{ .Release.Name }} }',
      'document 1 is a Helm template',
    ],
    [
      'a quoted template',
      'a.yaml',
      'apiVersion: v1\nkind: A\nmetadata: { name: "{{ .x }}" }',
      'document 1 is a Helm template',
    ],
    [
      'a template in a spec',
      'a.yaml',
      'apiVersion: v1\nkind: A\nmetadata: { name: a }\nspec: { a: {{ .x }} }',
      'document 1 is a Helm template',
    ],
    ['a template with a condition', 'a.yaml', '{{- if .x }}\nkind: A\n{{- end }}', 'document 1 is a Helm template'],
    [
      'a chart',
      'Chart.yaml',
      'apiVersion: v2\nname: x\nversion: 1.0',
      'Chart.yaml, document 1 is the description of a Helm chart',
    ],
    ['values', 'values-prod.yaml', 'image: x', 'values-prod.yaml, document 1 is the values of a Helm chart'],
    [
      'a kustomization',
      'kustomization.yaml',
      'resources: [a.yaml]',
      'kustomization.yaml, document 1 is for kustomize: give',
    ],
    [
      'its kind',
      'a.yaml',
      'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization',
      'document 1 is for kustomize: give',
    ],
    ['nothing', 'a.yaml', '# nothing\n---\n', 'a.yaml: there is no object in it'],
    [
      'tabs',
      'a.yaml',
      'apiVersion: v1\nkind: A\nmetadata:\n\tname: a',
      'a.yaml, document 1, line 4, column 1: Tabs are not allowed as indentation: write spaces',
    ],
    [
      'two objects with nothing between them',
      'a.yaml',
      'apiVersion: v1\nkind: A\nmetadata: { name: a }\napiVersion: v1',
      'line 4, column 1: Map keys must be unique; between two objects there must be a line with ---',
    ],
    [
      'a field that is there twice',
      'a.yaml',
      'apiVersion: v1\nkind: A\na: 1\na: 2',
      /column 1: Map keys must be unique$/,
    ],
    ['a list of objects', 'a.json', '[{"apiVersion": "v1"}]', 'a.json, document 1 is a list: give kind: List'],
    [
      'a kind in other cases',
      'a.yaml',
      'apiVersion: apps/v1\nkind: deployment\nmetadata: { name: a }',
      'a.yaml, document 1: kind must be Deployment, and not deployment',
    ],
    [
      'another API group',
      'a.yaml',
      'apiVersion: v1\nkind: Deployment\nmetadata: { name: a }',
      'apiVersion must name the API group of a Deployment, apps',
    ],
  ])('says what is wrong with %s', (_, name, text, message) => {
    expect(refusal(file(text, name))).toEqual(
      typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
    );
  });

  it('takes lists as the API server answers them, whose items say neither kind nor version', () => {
    const items = [{ metadata: { name: 'a' } }, { kind: 'Other', metadata: { name: 'b' } }];
    expect(objectsOf(JSON.stringify({ apiVersion: 'v1', kind: 'NamespaceList', items }))).toMatchObject([
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } },
      { apiVersion: 'v1', kind: 'Other', metadata: { name: 'b' } },
    ]);
  });

  it('takes braces in texts for what they are', () => {
    expect(objectsOf('apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { a: "{{ .x }}" }')).toHaveLength(
      1,
    );
  });

  const service = (port: number, metadata: object, apiVersion = 'v1'): string =>
    JSON.stringify({
      apiVersion,
      kind: 'Service',
      metadata: { name: 'web', ...metadata },
      spec: { ports: [{ port }] },
    });

  it('takes an object once that is there twice, and says the same', () => {
    expect(objectsOf(`${service(80, {})}\n---\n${service(80, { namespace: 'default', labels: null })}`)).toHaveLength(
      1,
    );
    expect(objectsOf(`${service(80, {})}\n---\n${service(81, { namespace: 'other' })}`)).toHaveLength(2);
    expect(objectsOf(`${service(80, {})}\n---\n${service(81, {}, 'serving.knative.dev/v1')}`)).toHaveLength(2);
  });

  it('takes it once, too, where only a cluster has noted something else on it, or nobody reads its kind', () => {
    const lastApplied = { 'kubectl.kubernetes.io/last-applied-configuration': '{}' };
    const exported = { resourceVersion: '7', uid: 'u', managedFields: [{}], annotations: lastApplied };
    const both = objectsOf(
      `${service(80, {})}\n---\n${service(80, exported).replace(/}$/, ', "status": {"a": "b"}}')}`,
    );
    expect(both).toMatchObject([{ status: { a: 'b' } }]);
    const account = (hook: string): string =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'hook', annotations: { 'helm.sh/hook': hook } },
      });
    expect(objectsOf(`${account('pre-install')}\n---\n${account('pre-upgrade')}`)).toHaveLength(1);
  });

  it('does not take for a template an object that holds one', () => {
    const labels = { labels: { a: 1 }, annotations: { text: '{{ x }}' } };
    expect(refusal(file(service(80, labels)))).not.toContain('Helm');
  });

  it('takes for a text what is too large for a number, as kubectl does', () => {
    const labels = 'labels: { version: 12e4567, a: "1e999" }';
    expect(objectsOf(`{ apiVersion: v1, kind: Service, metadata: { name: web, ${labels} } }`)).toMatchObject([
      { metadata: { labels: { version: '12e4567', a: '1e999' } } },
    ]);
    expect(refusal(file(`{ apiVersion: v1, kind: Service, metadata: { name: web, labels: { a: .inf } } }`))).toContain(
      'metadata.labels.a must be a text',
    );
  });

  it('refuses two objects of one name that say different things, and names both places', () => {
    const [one, other] = [file(service(80, {})), file(`\n\n${service(81, { namespace: 'default' })}`, 'b.yaml')];
    expect(refusal(one, other)).toBe(
      'b.yaml:3: Service default/web is in a.yaml:1, too, and says something else there: give one of them',
    );
  });
});
