import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { join } from 'node:path';

import { harnessDir } from './paths.js';

/**
 * A process beside the runner that kills the process groups it was told of as soon as the runner is gone, even by SIGKILL.
 *
 * A Node process cannot do that for itself: children of a killed process live on.
 */
export class Watchdog {
  readonly #child: ChildProcess;

  /** @param label  shown among its arguments, so that people who list processes see what it belongs to */
  constructor(label: string) {
    // A session of its own: Ctrl-C at the terminal must not reach it before it has done its work.
    this.#child = spawn('/bin/sh', [join(harnessDir, 'watchdog.sh'), label], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: '/',
    });
    // A watchdog that was killed from outside must not take the runner along by an EPIPE.
    this.#child.stdin?.on('error', () => undefined);
    this.#child.unref();
    (this.#child.stdin as Socket | null)?.unref();
  }

  /** Process id of the watchdog itself. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Begins to watch over the process group led by `pid`. */
  add(pid: number): void {
    this.#child.stdin?.write(`add ${pid}\n`);
  }

  /** Forgets the process group led by `pid`, which has ended: its id may be given to another process. */
  remove(pid: number): void {
    this.#child.stdin?.write(`del ${pid}\n`);
  }

  /** Ends the watchdog, and with it every group that it still watches over. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    // Or a runner that has nothing else to do would end here, before whoever waits for us could go on.
    this.#child.ref();
    const ended = once(this.#child, 'close');
    this.#child.stdin?.end();
    await ended;
  }
}
