import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { startSandbox } from '../../src/sandbox/sandbox.js';
import { kubectlBinary } from '../support/kubectl-binary.js';
import { normalised } from './normalised.js';
import { runKubectl } from './run.js';
import { type Command, filtered, parseScript } from './script.js';

/** Each command starts a program of 60 MB; a machine may have more to do than that. */
const scriptTimeoutMs = 120_000;

/** Empty: against the sandbox. */
const realKubeconfig = inject('kubeconfig');
const here = dirname(fileURLToPath(import.meta.url));
const scripts = readdirSync(join(here, 'commands')).sort();

/**
 * The commands of each script give the same output on both servers. The files in `golden/` come from the real server only:
 * `npx vitest run --project conformance test/kubectl -u`.
 */
describe('kubectl', () => {
  let dir: string;
  let kubectl: string;
  let kubeconfig = realKubeconfig;
  let stop = (): Promise<void> => Promise.resolve();

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sidestep-kubectl-'));
    kubectl = await kubectlBinary();
    if (kubeconfig !== '') return;
    const sandbox = await startSandbox({ dir });
    kubeconfig = sandbox.kubeconfig;
    stop = () => sandbox.stop();
  }, scriptTimeoutMs);
  afterAll(async () => {
    await stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test.for(scripts)('%s', { timeout: scriptTimeoutMs }, async (script) => {
    const commands = parseScript(readFileSync(join(here, 'commands', script), 'utf8'));
    const namespace = `kubectl-${randomBytes(4).toString('hex')}`;
    const config = join(dir, `${namespace}.yaml`);
    writeFileSync(config, withNamespace(readFileSync(kubeconfig, 'utf8'), namespace));
    const run = (args: readonly string[]): ReturnType<typeof runKubectl> =>
      runKubectl({ kubectl, kubeconfig: config, home: dir, cwd: here }, args);
    const manifest = join(dir, `${namespace}.json`);
    writeFileSync(manifest, JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }));
    await run(['apply', '--server-side', '-f', manifest]);
    await run(['wait', '--for=create', '--timeout=20s', 'serviceaccount/default']);
    const transcript: string[] = [];
    try {
      for (const command of commands) transcript.push(await record(command, run));
    } finally {
      await run(['delete', 'namespace', namespace, '--wait=false']);
    }
    const golden = join(here, 'golden', basename(script));
    const text = transcript.filter((part) => part !== '').join('\n');
    if (realKubeconfig !== '') await expect(text).toMatchFileSnapshot(golden);
    else expect(text).toBe(readFileSync(golden, 'utf8'));
  });
});

/** The same kubeconfig with another default namespace. */
function withNamespace(kubeconfig: string, namespace: string): string {
  const config = parse(kubeconfig) as { contexts: { context: { namespace?: string } }[] };
  for (const { context } of config.contexts) context.namespace = namespace;
  return stringify(config);
}

/** Runs a command; returns it with what it printed, or nothing if it only prepares. */
async function record(
  command: Command,
  run: (args: readonly string[]) => ReturnType<typeof runKubectl>,
): Promise<string> {
  const { code, stdout, stderr } = await run(command.args);
  if (command.quiet) {
    if (code !== 0) throw new Error(`kubectl ${command.text} ended with ${code}: ${stderr}`);
    return '';
  }
  const exit = code === 0 ? '' : `[exit code ${code}]\n`;
  return `$ kubectl ${command.text}\n${filtered(normalised(stdout), command.filters)}${normalised(stderr)}${exit}`;
}
