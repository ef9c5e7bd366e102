import { spawn } from 'node:child_process';

/** With what kubectl is run. */
export interface Kubectl {
  /** Path of the program. */
  readonly kubectl: string;
  readonly kubeconfig: string;
  /** Holds its caches. */
  readonly home: string;
  /** Where relative paths start. */
  readonly cwd: string;
}

/** What a run of kubectl gave. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How long a command may take, in milliseconds. */
const patienceMs = 40_000;

/** Runs kubectl to its end, whatever that is; without standard input. */
export function runKubectl({ kubectl, kubeconfig, home, cwd }: Kubectl, args: readonly string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(kubectl, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: patienceMs,
      env: { PATH: process.env.PATH, HOME: home, KUBECONFIG: kubeconfig, KUBECTL_EXTERNAL_DIFF: 'diff -u -N' },
    });
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.once('error', reject);
    child.once('close', (code) =>
      resolve({ code: code ?? -1, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }),
    );
  });
}
