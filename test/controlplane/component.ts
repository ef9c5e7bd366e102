import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

import type { Watchdog } from './watchdog.js';

/** How one program of a control plane is run. */
export interface ComponentSpec {
  name: string;
  command: string;
  args: string[];
  /** The whole environment, except PATH and HOME: what is set where the tests run must not change the control plane. */
  env?: Record<string, string>;
  /** Working directory, made if missing. */
  cwd: string;
  /** File that standard output and standard error are appended to. */
  log: string;
  /** Called before each start. */
  beforeStart?: () => void;
  /** Whether it serves; asked every 50 ms until it says true. An error counts as no. */
  isReady: () => Promise<boolean>;
}

const readyTimeoutMs = 60_000;
const logTailLines = 30;

/** One program of a control plane; can be killed, paused and started again with the same ports and data. */
export class Component {
  readonly #spec: ComponentSpec;
  readonly #watchdog: Watchdog;
  readonly #report: (line: string) => void;
  #child: ChildProcess | undefined;
  #isExpectedToEnd = false;

  /** @param report  told when the program ends though nobody asked for it */
  constructor(spec: ComponentSpec, watchdog: Watchdog, report: (line: string) => void) {
    this.#spec = spec;
    this.#watchdog = watchdog;
    this.#report = report;
  }

  /** Path of its log. */
  get log(): string {
    return this.#spec.log;
  }

  /** Process id while it runs. */
  get pid(): number | undefined {
    return isRunning(this.#child) ? this.#child?.pid : undefined;
  }

  /**
   * Starts the program and waits until it is ready.
   *
   * @throws {Error} when it ends or is not ready within 60 s; the message holds the end of its log
   */
  async start(): Promise<void> {
    const child = this.#child !== undefined && isRunning(this.#child) ? this.#child : this.#spawn();
    this.#child = child;
    await this.#whenReady(child);
  }

  /** Ends the program (SIGKILL unless told otherwise) and waits until it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!isRunning(child) || child?.pid === undefined) return;
    this.#isExpectedToEnd = true;
    const ended = once(child, 'close');
    signalGroup(child.pid, signal);
    // A paused process is not told of any other signal until it goes on.
    signalGroup(child.pid, 'SIGCONT');
    await ended;
  }

  /** Stops the program where it is: connections stay open, nothing is answered. */
  pause(): void {
    if (this.pid !== undefined) signalGroup(this.pid, 'SIGSTOP');
  }

  /** Lets a paused program go on. */
  resume(): void {
    if (this.pid !== undefined) signalGroup(this.pid, 'SIGCONT');
  }

  #spawn(): ChildProcess {
    const { command, args, cwd, log, env } = this.#spec;
    this.#spec.beforeStart?.();
    this.#isExpectedToEnd = false;
    mkdirSync(cwd, { recursive: true });
    const output = openSync(log, 'a');
    const child = spawn(command, args, {
      cwd,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      detached: true,
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    // Without a listener a program that cannot be started would end the runner; #whenReady reports it.
    child.on('error', () => undefined);
    const { pid } = child;
    if (pid !== undefined) {
      this.#watchdog.add(pid);
      child.once('exit', () => {
        this.#watchdog.remove(pid);
        if (!this.#isExpectedToEnd)
          this.#report(`${this.#spec.name} ended by itself (${outcome(child)}); its log is ${log}`);
      });
    }
    return child;
  }

  async #whenReady(child: ChildProcess): Promise<void> {
    const deadline = performance.now() + readyTimeoutMs;
    while (!(await this.#spec.isReady().catch(() => false))) {
      if (!isRunning(child)) throw new Error(`${this.#spec.name} ended (${outcome(child)}); ${this.logTail()}`);
      if (performance.now() > deadline)
        throw new Error(`${this.#spec.name} is not ready after ${readyTimeoutMs / 1000} s; ${this.logTail()}`);
      await delay(50);
    }
  }

  /** The end of the log, for error messages. */
  logTail(): string {
    const text = readFileSync(this.log, 'utf8').trimEnd();
    return `the end of ${this.log}:\n${text.split('\n').slice(-logTailLines).join('\n')}`;
  }
}

function outcome(child: ChildProcess): string {
  if (child.pid === undefined) return 'it could not be started';
  return child.signalCode ?? `exit code ${child.exitCode}`;
}

function isRunning(child: ChildProcess | undefined): boolean {
  return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // It ended between our look and the signal.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
