import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CanI, STEPS } from './can-i.js';
import { type Outcome, sidestep } from './testing/outcome.js';

/* Steps 3 and 4 of the article, for the server that is to be migrated. */

const article = new URL('../../examples/article', import.meta.url).pathname;

const policies = `
apiVersion: security.istio.io/v1beta1
kind: RequestAuthentication
metadata: { name: require-jwt, namespace: legacy-apps }
spec:
  selector: { matchLabels: { app: httpbin-legacy } }
  jwtRules: [{ issuer: us, jwksUri: https://us.example/jwks }]
---
apiVersion: security.istio.io/v1beta1
kind: AuthorizationPolicy
metadata: { name: ip-with-jwt, namespace: legacy-apps }
spec:
  selector: { matchLabels: { app: httpbin-legacy } }
  rules:
  - from: [{ source: { principals: [cluster.local/ns/ambient-apps/sa/sleep-ambient] } }]
    to: [{ operation: { paths: [/ip] } }]
    when: [{ key: 'request.auth.claims[iss]', values: [us] }]
`;

describe('sidestep can-i', () => {
  let dir = '';
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'sidestep-can-i-'));
    writeFileSync(join(dir, 'policies.yaml'), policies);
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  const ask = (...args: string[]): Promise<Outcome> =>
    sidestep('can-i', '-f', article, '-f', dir, '--to', 'httpbin-legacy.legacy-apps:8000', ...args);
  const sleep = ['--from', 'ambient-apps/sleep-ambient'];
  const token = ['--claim', 'iss=us', '--claim', 'sub=sleep'];

  it.each([
    ['/headers with a token', [...sleep, '--path', '/headers', ...token], 1],
    ['/ip without a token', [...sleep, '--path', '/ip'], 1],
    ['/ip with a token', [...sleep, '--path', '/ip', ...token], 0],
    ['/ip with a token from somebody else', ['--from', 'ambient-apps/rogue-sa', '--path', '/ip', ...token], 1],
  ])('answers what the article expects before the migration: %s', async (_, args, code) => {
    expect(await ask(...args)).toMatchObject({ code, stderr: '' });
  });

  it('asks of every Service where none is named', async () => {
    const all = ['can-i', '-f', article, '-f', dir, ...sleep, '--path', '/ip'];
    const { code, stdout } = await sidestep(...all, '-o', 'json');
    const { steps } = JSON.parse(stdout) as CanI;
    expect(steps.map(({ step, to, allowed }) => `${step} ${to} ${allowed}`)).toEqual([
      'Before httpbin-ambient.ambient-apps:8000 true',
      'Before sleep-ambient.ambient-apps:80 true',
      'Before httpbin-legacy.legacy-apps:8000 false',
    ]);
    expect(code).toBe(1);
    expect((await sidestep(...all)).stdout).toMatch(/^httpbin-ambient\.ambient-apps:8000 Before: yes\n {2}yes /);
  });

  it.each([
    ['/headers with a token', [...sleep, '--path', '/headers', ...token], 1],
    ['/ip without a token', [...sleep, '--path', '/ip'], 1],
    ['/ip with a token', [...sleep, '--path', '/ip', ...token], 0],
    ['/ip with a token from somebody else', ['--from', 'ambient-apps/rogue-sa', '--path', '/ip', ...token], 1],
  ])('answers so at every step of a migration, with what it writes: %s', async (_, args, code) => {
    const outcome = await ask(...args, '--all-steps', '-o', 'json');
    const { steps } = JSON.parse(outcome.stdout) as CanI;
    expect(outcome.code).toBe(code);
    expect(steps.map(({ step, allowed }) => `${step} ${allowed}`)).toEqual(
      STEPS.map((step) => `${step} ${code === 0}`),
    );
  });

  const manual = ['-f', 'MANUAL'];
  const byHand = (...args: string[]): Promise<Outcome> => {
    const path = join(dir, 'manual', 'migration.yaml');
    mkdirSync(join(dir, 'manual'), { recursive: true });
    writeFileSync(
      path,
      'apiVersion: sidestep.dev/v1alpha1\nkind: AmbientMigration\nmetadata: { name: m, namespace: legacy-apps }\nspec: { policies: { translation: Manual } }',
    );
    return ask(...args.map((one) => (one === 'MANUAL' ? path : one))).finally(() =>
      rmSync(join(dir, 'manual'), { recursive: true }),
    );
  };

  it('shows at which step a request would be refused, and by whom', async () => {
    const { code, stdout } = await byHand(...manual, ...sleep, '--path', '/ip', ...token, '--all-steps', '-o', 'json');
    const { steps } = JSON.parse(stdout) as CanI;
    expect(code).toBe(1);
    expect(steps.map(({ step, allowed }) => [step, allowed])).toEqual([
      ['Before', true],
      ['Tunnel', true],
      ['Policies', true],
      ['Bind', true],
      ['Enrol', true],
      ['Workloads', false],
      ['After', false],
    ]);
    const sidecar = {
      hop: 'Sidecar',
      enforcer: 'Pod/legacy-apps/httpbin-legacy',
      allowed: true,
      by: 'ALLOW legacy-apps/ip-with-jwt, rule 0',
    };
    const ztunnel = {
      hop: 'Ztunnel',
      enforcer: 'Pod/legacy-apps/httpbin-legacy',
      allowed: false,
      by: 'no rule allows it of legacy-apps/ip-with-jwt',
    };
    expect(steps[5]?.trace).toEqual([sidecar, ztunnel]);
    expect(steps[6]?.trace).toEqual([ztunnel]);
  });

  it('asks at one step, and prints for people', async () => {
    const { code, stdout } = await byHand(...manual, ...sleep, '--path', '/ip', ...token, '--at', 'After');
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout:
        'After: no\n  no   Ztunnel Pod/legacy-apps/httpbin-legacy: no rule allows it of legacy-apps/ip-with-jwt\n',
    });
  });

  it.each([
    [
      'names no issuer',
      [],
      ['--claim', 'sub=sleep'],
      /names no issuer, .*legacy-apps\/require-jwt .*add --claim iss=us/,
    ],
    ['has an issuer whom nobody knows', [], ['--claim', 'iss=them'], /knows the issuer them, .* knows us; add --claim/],
    [
      'is looked at by nobody',
      ['--to', 'httpbin-ambient.ambient-apps:8000', '-f', 'DENY'],
      token,
      /nobody looks at the token.*a RequestAuthentication for the pods of httpbin-ambient\.ambient-apps among/,
    ],
  ])('says what is missing where the token %s, and the answer is no', async (_, more, claims, message) => {
    const path = join(dir, 'other', 'deny.yaml');
    mkdirSync(join(dir, 'other'), { recursive: true });
    writeFileSync(
      path,
      'apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: { name: nobody, namespace: ambient-apps }',
    );
    const args = [...sleep, '--path', '/ip', ...more.map((one) => (one === 'DENY' ? path : one)), ...claims];
    const outcome = await ask(...args, '-o', 'json').finally(() => rmSync(join(dir, 'other'), { recursive: true }));
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/^warning: --claim: [^\n]*\n$/);
    expect(outcome.stderr).toMatch(message);
    expect((JSON.parse(outcome.stdout) as CanI).warnings).toEqual([expect.stringMatching(message)]);
  });

  it('takes a claim that is given several times for a list', async () => {
    const audiences = ['--claim', 'aud=a', '--claim', 'aud=b'];
    expect(await ask(...sleep, '--path', '/ip', ...token, ...audiences)).toMatchObject({ code: 0, stderr: '' });
    const issuers = await ask(...sleep, '--path', '/ip', ...token, '--claim', 'iss=them');
    expect(issuers).toMatchObject({ code: 1, stderr: expect.stringContaining('issuer us, them') });
  });

  it('takes the port of a Service for that of its pods where it says no other', async () => {
    const path = join(dir, 'plain', 'a.json');
    mkdirSync(join(dir, 'plain'), { recursive: true });
    const metadata = { name: 'plain', namespace: 'legacy-apps' };
    const at = (app: string): object => ({ selector: { matchLabels: { app } } });
    const labels = { app: 'plain' };
    const items = [
      { apiVersion: 'v1', kind: 'Service', metadata, spec: { clusterIP: '', selector: labels, ports: [{ port: 80 }] } },
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata,
        spec: { ...at('plain'), template: { metadata: { labels }, spec: { containers: [{ name: 'plain' }] } } },
      },
      {
        apiVersion: 'security.istio.io/v1',
        kind: 'AuthorizationPolicy',
        metadata,
        spec: { ...at('plain'), action: 'DENY', rules: [{ to: [{ operation: { ports: ['80'] } }] }] },
      },
    ];
    writeFileSync(path, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    const outcome = await ask('-f', path, '--to', 'plain.legacy-apps:80', ...sleep).finally(() =>
      rmSync(join(dir, 'plain'), { recursive: true }),
    );
    expect(outcome).toMatchObject({ code: 1, stdout: expect.stringContaining('DENY legacy-apps/plain, rule 0') });
  });

  it.each([
    [['--from', 'sleep-ambient'], 64, '--from: sleep-ambient must be a namespace and a ServiceAccount'],
    [['--from', 'ambient-apps/nobody'], 65, 'ServiceAccount nobody among the manifests; there is ambient-apps/'],
    [
      ['--from', 'legacy-app/sleep-ambient'],
      65,
      'sleep-ambient among the manifests; there is ambient-apps/sleep-ambient\n',
    ],
    [[...sleep, '--to', 'httpbin-legacy'], 64, '--to: httpbin-legacy must be a Service and its port'],
    [[...sleep, '--to', 'httpbin.legacy-apps:8000'], 65, 'among the manifests; there is httpbin-legacy.legacy-apps\n'],
    [[...sleep, '--to', 'httpbin-legacy.legacy-apps:81'], 65, 'has no port 81; it has 8000'],
    [[...sleep, '--claim', 'iss'], 64, '--claim: iss must be name=value'],
    [[...sleep, '--header', 'x'], 64, '--header: x must be name=value'],
    [[...sleep, '--path', 'ip'], 64, '--path: ip must begin with a slash'],
    [[...sleep, '--method', ''], 64, '--method:  must be one such as GET'],
    [[...sleep, '--at', 'Never'], 64, 'Allowed choices are Before, Tunnel'],
    [[...sleep, '-f', '/nowhere'], 65, '/nowhere: there is no such file'],
    [[...sleep, '-f', ''], 64, 'It must be the path of a file or folder'],
    [[...sleep, '--at', 'After', '--all-steps'], 64, "'--all-steps' cannot be used with option '--at"],
    [['--path', '/'], 64, "required option '--from"],
  ])('refuses %j', async (args, code, message) => {
    const outcome = await ask(...args);
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toContain(message);
  });

  it.each([
    ['of the server', ['--to', 'web.bare:80', ...sleep]],
    ['of the caller', ['--to', 'httpbin-legacy.legacy-apps:8000', '--from', 'bare/web']],
  ])('does not guess at injection where the Namespace %s is missing', async (_, args) => {
    const path = join(dir, 'bare.json');
    const metadata = { name: 'web', namespace: 'bare' };
    const template = { metadata: { labels: { app: 'web' } }, spec: { serviceAccountName: 'web', containers: [] } };
    const items = [
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { template } },
      { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } },
    ];
    writeFileSync(path, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    const outcome = await sidestep('can-i', '-f', article, '-f', dir, ...args).finally(() => rmSync(path));
    expect(outcome).toMatchObject({ code: 65, stdout: '' });
    expect(outcome.stderr).toContain('there is no Namespace bare among the manifests');
  });

  it.each([
    ['kind: [', 'document 1, line 1'],
    ['apiVersion: v1\nmetadata: { name: a }', 'document 1: kind must be a text'],
    ['kind: A\nmetadata: { name: a }', 'document 1: apiVersion must be a text'],
    [
      '---\napiVersion: v1\nkind: Namespace\nmetadata: { name: a }\n---\napiVersion: v1\nkind: A',
      'document 2: metadata.name',
    ],
    ['apiVersion: v1\nkind: A\nmetadata: { name: a, namespace: 7 }', 'metadata.namespace must be a text'],
    ['{"apiVersion": "v1", "kind": "List", "items": [{"kind": "A"}]}', 'items[0]: apiVersion must be a text'],
  ])('names file, document and field of %j', async (text, message) => {
    const broken = join(dir, 'broken');
    mkdirSync(broken, { recursive: true });
    writeFileSync(join(broken, 'a.yaml'), text);
    const { code, stderr } = await sidestep('can-i', '-f', broken, '--to', 'a:1', ...sleep);
    rmSync(broken, { recursive: true });
    expect(code).toBe(65);
    expect(stderr).toContain(`${join(broken, 'a.yaml')}, ${message.startsWith('document') ? '' : 'document 1'}`);
    expect(stderr).toContain(message);
  });
});

describe('sidestep explain', () => {
  it('says what a finding means and how to accept it', async () => {
    const { code, stdout } = await sidestep('explain', 'sst2003');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^SST2003 {2}BLOCK: .*, or accepted in spec.acknowledge\n/);
    expect(stdout).toContain('    - code: SST2003\n');
    expect(stdout).toContain('Source: istio.io, ambient/usage/networkpolicy\n');
  });

  it('does not offer to accept what cannot be accepted', async () => {
    const { stdout } = await sidestep('explain', 'SST1001');
    expect(stdout).not.toContain('acknowledge');
  });

  it('knows the code', async () => {
    expect(await sidestep('explain', 'SST9999')).toMatchObject({ code: 64, stdout: '' });
  });
});
