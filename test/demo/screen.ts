import { styleText } from 'node:util';
import logUpdate from 'log-update';

/** What the demo prints: lines that stay, and on a terminal one live line below them. */
export class Screen {
  readonly #live = process.stdout.isTTY;
  readonly #startedAt = performance.now();
  #status = '';
  #passed = 0;
  #failed = 0;

  /** Checks that failed so far. */
  get failed(): number {
    return this.#failed;
  }

  /** A heading. */
  title(text: string): void {
    this.#print(`\n${this.#style('bold', text)}`);
  }

  /** A line with the time since the start. */
  line(text: string): void {
    const seconds = ((performance.now() - this.#startedAt) / 1000).toFixed(1).padStart(6);
    this.#print(`${this.#style('dim', `${seconds}s`)}  ${text}`);
  }

  /** What is going on now; shown on a terminal only, and replaced by the next. */
  status(text: string): void {
    this.#status = text;
    if (this.#live) logUpdate(this.#style('cyan', text));
  }

  /** A check that looked at the cluster. */
  check(what: string, passed: boolean, seen?: unknown): void {
    if (passed) this.#passed += 1;
    else this.#failed += 1;
    const mark = passed ? this.#style('green', 'ok  ') : this.#style('red', 'FAIL');
    this.#print(`         ${mark} ${what}${passed ? '' : `: ${JSON.stringify(seen)}`}`);
  }

  /** The last line; returns the exit code. */
  summary(): number {
    if (this.#live) logUpdate.clear();
    console.log(`\n${this.#passed} passed, ${this.#failed} failed`);
    return this.#failed === 0 && this.#passed > 0 ? 0 : 1;
  }

  #print(text: string): void {
    if (!this.#live) return console.log(text);
    logUpdate.clear();
    console.log(text);
    if (this.#status) logUpdate(this.#style('cyan', this.#status));
  }

  #style(style: Parameters<typeof styleText>[0], text: string): string {
    return this.#live ? styleText(style, text) : text;
  }
}
