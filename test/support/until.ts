import { setTimeout as delay } from 'node:timers/promises';

/**
 * Polls the real world until it is as expected; for tests against real programs only.
 *
 * @param look  returns the value when it is there, undefined (or throws) while it is not
 * @throws {Error} after `timeoutMs`, naming `what` and what was seen last
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined>,
  options: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const deadline = performance.now() + (options.timeoutMs ?? 30_000);
  let last: unknown;
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined) return found;
      last = 'not there';
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) throw new Error(`timed out: ${what}; last: ${String(last)}`);
    await delay(options.everyMs ?? 100);
  }
}
