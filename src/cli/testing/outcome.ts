import { run } from '../program.js';

/** How a command has ended. */
export interface Outcome {
  /** Exit code. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `sidestep`, of version 7.0, in this process, without a kubeconfig. */
export async function sidestep(...args: string[]): Promise<Outcome> {
  let [stdout, stderr] = ['', ''];
  const code = await run(args, {
    version: '7.0',
    kubeconfig: undefined,
    print: (text) => void (stdout += text),
    complain: (text) => void (stderr += text),
  });
  return { code, stdout, stderr };
}
