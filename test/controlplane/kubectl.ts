import { spawn } from 'node:child_process';

/** What kubectl is run with. */
export interface KubectlTarget {
  /** Path of the binary. */
  kubectl: string;
  kubeconfig: string;
}

/**
 * Runs kubectl and gives back what it printed.
 *
 * @throws {Error} when it ends with anything but 0; the message holds its standard error
 */
export function kubectl(target: KubectlTarget, args: readonly string[], input?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(target.kubectl, ['--kubeconfig', target.kubeconfig, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(Buffer.concat(out).toString());
      else reject(new Error(`kubectl ${args.join(' ')} ended with ${code}: ${Buffer.concat(err).toString().trim()}`));
    });
    // kubectl may end before it has read all of it; its exit code says what was wrong.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
