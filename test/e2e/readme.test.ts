import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repositoryRoot } from '../controlplane/paths.js';
import { kubectlBinary } from '../support/kubectl-binary.js';
import { until } from '../support/until.js';

/*
 * The README, carried out. Its blocks marked `sh` are run in their order in one shell, as somebody would who reads it;
 * programs that run until Ctrl-C are started beside it, and get their Ctrl-C at the end. YAML is applied in a dry run.
 * What cannot be run here is listed, with the reason, and must at least be a target of the Makefile.
 */

/** Commands of the README that are not run. */
const NOT_RUN: Readonly<Record<string, string>> = {
  make: 'prints the help, which another test reads',
  'make install': 'would replace node_modules under this test',
  'make build': 'would replace dist/ under the operator that runs',
  'make generate': 'writes into the working copy; make check says whether there would be anything to write',
  'make check': 'part of make ci, which runs these tests',
  'make test': 'part of make ci, which runs these tests',
  'make test-controlplane': 'runs these tests',
  'make sandbox-data': 'writes into the working copy what make controlplane has built',
  'make campaigns': 'part of make ci, which runs these tests',
  'make faults': 'part of make ci, which runs these tests',
  'make mutation': 'takes ten minutes, and writes nothing that another command reads',
  'make bench': 'takes a quarter of an hour, and wants the machine for itself',
  'make ci': 'runs these tests',
  'make e2e-kind': 'needs Docker',
  'make clean': 'would delete the control plane that runs',
  'docker build -t sidestep:0.1.0 .': 'needs Docker',
};

/** Programs that run until Ctrl-C, and the output that says that they are ready. */
const BACKGROUND = [
  { command: /^make dev/m, ready: /^ready: export KUBECONFIG=\.sidestep\/kubeconfig/m },
  { command: /^make controlplane-up/m, ready: /^ready: export KUBECONFIG=/m },
  { command: /^make run/m, ready: /acquired the lease/ },
] as const;

/** A watch has no end of its own. */
const WATCH = /^kubectl .* (-w|--watch)$/;
const WATCH_SECONDS = 4;

interface Block {
  readonly language: string;
  readonly text: string;
}

const readme = readFileSync(join(repositoryRoot, 'README.md'), 'utf8');
const blocks: readonly Block[] = [...readme.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(
  ([, language = '', text = '']) => ({ language, text }),
);
const lines = (language: string): string[] =>
  blocks.filter((block) => block.language === language).flatMap(({ text }) => text.trim().split('\n'));
const title = ({ text }: Block): string => text.trim().split('\n').at(-1)?.slice(0, 80) ?? '';

describe('README', () => {
  let shell: Shell;
  const running: Background[] = [];

  beforeAll(async () => {
    shell = new Shell(dirname(await kubectlBinary()));
  });

  afterAll(async () => {
    await shell.end();
  }, 60_000);

  it('names every target of the Makefile, and no other', () => {
    const targets = execFileSync('make', ['--no-print-directory', 'help'], {
      cwd: repositoryRoot,
      encoding: 'utf8',
      env: environment(),
    })
      .trim()
      .split('\n');
    const named = [...readme.matchAll(/^\| `make(?: ([a-z0-9-]+))?` \|/gm)].map(([, target = 'help']) => target);
    expect(named.sort()).toEqual(targets.map((line) => line.split(/\s/)[0] ?? '').sort());
  });

  it('runs every command, but for those listed', () => {
    const commands = [...readme.matchAll(/`(make(?: [a-z0-9-]+)?)`/g)].map(([, command = '']) => command);
    const run = lines('sh').join('\n');
    const notRun = [
      ...new Set([
        ...commands.filter((command) => command === 'make' || !new RegExp(`^${command}\\b(?!-)`, 'm').test(run)),
        ...lines('bash'),
      ]),
    ];
    expect(notRun.sort()).toEqual(Object.keys(NOT_RUN).sort());
  });

  it.each(Object.keys(NOT_RUN).filter((command) => command.startsWith('make')))('%s is a target', (command) => {
    execFileSync('bash', ['-c', `${command} -n`], { cwd: repositoryRoot, env: environment(), stdio: 'pipe' });
  });

  it.each(blocks.filter(({ language }) => language === 'sh').map((block) => [title(block), block.text] as const))(
    '%s',
    async (_, text) => {
      const background = BACKGROUND.find(({ command }) => command.test(text));
      if (background === undefined) return shell.run(adapted(text));
      // Only one operator holds the Lease: whoever starts the next one has ended the last.
      const last = running.find(({ ready }) => ready === background.ready);
      if (last) await shell.interrupt(running.splice(running.indexOf(last), 1)[0] ?? last);
      running.push(await shell.start(text, background.ready));
    },
  );

  it.each(blocks.filter(({ language }) => language === 'yaml').map(({ text }) => [text]))(
    'has YAML that the API server takes: %s',
    async (text) => {
      await shell.run(`kubectl apply --dry-run=server -f - <<'EOF'\n${text}EOF\n`);
    },
  );

  it('leaves nothing running after Ctrl-C', async () => {
    if (process.platform === 'linux') expect(shell.processes().length).toBeGreaterThan(5);
    for (const background of running.splice(0).reverse()) await shell.interrupt(background);
    await shell.end();
    await until('every process is gone', async () => (shell.processes().length === 0 ? true : undefined), {
      timeoutMs: 5_000,
    });
  });
});

/** What differs here: a watch is ended, and the manifests are here already, applied by the harness under another name. */
function adapted(text: string): string {
  const ended = (command: string): string => `timeout --signal=INT ${WATCH_SECONDS} ${command} || [ $? -eq 124 ]`;
  return text
    .split('\n')
    .map((command) => (WATCH.test(command) ? ended(command) : command))
    .join('\n');
}

/** What a shell of a person would have: nothing of the make or the vitest that runs this test. */
function environment(): NodeJS.ProcessEnv {
  const foreign = /^(MAKE|MFLAGS|VITEST|KUBECONFIG$|INSTALL$|AS_ADMIN$|NODE_ENV$|NODE_OPTIONS$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}

interface Background {
  readonly pid: number;
  readonly ready: RegExp;
}

/**
 * A bash that keeps its variables from block to block. When a command fails it ends, and with it what it started in the
 * background; the same when this process is gone, for then its input is at its end.
 */
class Shell {
  /** On the PATH, which every program passes on: so each process that ever came from this shell can be told. */
  readonly #scratch = mkdtempSync(join(tmpdir(), 'sidestep-readme-'));
  readonly #bash: ChildProcess;
  readonly #answers = new Map<number, (answer: string) => void>();
  #count = 0;

  /** @param tools  folder with kubectl, which readers have */
  constructor(tools: string) {
    const env = { ...environment(), PATH: `${this.#scratch}:${tools}:${process.env.PATH ?? ''}` };
    this.#bash = spawn('bash', ['-eu', '-o', 'pipefail'], {
      cwd: repositoryRoot,
      env,
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#bash.stdin?.on('error', () => undefined);
    if (this.#bash.stdout)
      createInterface({ input: this.#bash.stdout }).on('line', (line) =>
        this.#answers.get(Number.parseInt(line))?.(line),
      );
    this.#write(`
background=''
interrupt() { ended=0; kill -INT -- "-$1"; wait "$1" || ended=$?; background=\${background/ $1/}; }
trap 'for pid in $background; do kill -TERM -- "-$pid" || true; done; wait' EXIT
`);
  }

  /**
   * Runs a block; its variables stay.
   *
   * @throws {Error} a command of it ended with anything but 0, with what it printed
   */
  async run(text: string): Promise<void> {
    const { id, file, log } = this.#prepare(text);
    await this.#ask(id, log, `. ${file} </dev/null >${log} 2>&1; echo "${id}"`);
  }

  /** Starts a block in a shell of its own, in a process group of its own, as in another terminal; waits until it is ready. */
  async start(text: string, ready: RegExp): Promise<Background> {
    const { id, file, log } = this.#prepare(text);
    const answer = await this.#ask(
      id,
      log,
      `set -m; bash -eu -o pipefail ${file} </dev/null >${log} 2>&1 & set +m; background="$background $!"; echo "${id} $!"`,
    );
    const pid = Number(answer.split(' ')[1]);
    const look = async (): Promise<true | undefined> => (ready.test(read(log)) ? true : undefined);
    await until(`${text.trim().split('\n').at(-1) ?? ''} prints ${String(ready)}`, look, { timeoutMs: 60_000 }).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}; it printed:\n${read(log)}`);
      },
    );
    return { pid, ready };
  }

  /** Ctrl-C, and waits until it has ended. make says by 130 or 2 that it was interrupted. */
  async interrupt({ pid }: Background): Promise<void> {
    const { id, log } = this.#prepare('');
    const answer = await this.#ask(id, log, `interrupt ${pid}; echo "${id} $ended"`);
    expect([0, 2, 130]).toContain(Number(answer.split(' ')[1]));
  }

  /** Every process that came from this shell. Linux tells; elsewhere none is found. */
  processes(): string[] {
    if (process.platform !== 'linux') return [];
    return readdirSync('/proc').filter(
      (pid) => /^\d+$/.test(pid) && read(`/proc/${pid}/environ`).includes(this.#scratch),
    );
  }

  /** Ends it, and everything that it started. */
  async end(): Promise<void> {
    if (this.#bash.exitCode !== null || this.#bash.signalCode !== null) return;
    const ended = once(this.#bash, 'close');
    this.#bash.stdin?.end('exit 0\n');
    await ended;
  }

  #prepare(text: string): { id: number; file: string; log: string } {
    const id = ++this.#count;
    const file = join(this.#scratch, `${id}.sh`);
    writeFileSync(file, text);
    return { id, file, log: join(this.#scratch, `${id}.log`) };
  }

  #ask(id: number, log: string, command: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const failed = (): void => reject(new Error(`the shell has ended; the last command printed:\n${read(log)}`));
      if (this.#bash.exitCode !== null || this.#bash.signalCode !== null) return failed();
      this.#bash.once('close', failed);
      this.#answers.set(id, (answer) => {
        this.#bash.off('close', failed);
        resolve(answer);
      });
      this.#write(`${command}\n`);
    });
  }

  #write(text: string): void {
    this.#bash.stdin?.write(text);
  }
}

function read(path: string): string {
  try {
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  } catch {
    return ''; // A process that is gone, or not ours.
  }
}
