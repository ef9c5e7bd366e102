import { setTimeout as delay } from 'node:timers/promises';

/**
 * Polls the real world until it is as expected; for tests against real programs only.
 *
 * @param look  returns the value when it is there, undefined (or throws) while it is not
 * @param options.everyMs  between two looks; without it 100 at first, and 500 after 8 s
 * @throws {Error} after `timeoutMs`, naming `what` and what was seen last
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined>,
  options: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const start = performance.now();
  const deadline = start + (options.timeoutMs ?? 30_000);
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
    // Dozens of tests wait at the same time: who has waited for long can wait a twentieth longer.
    await delay(options.everyMs ?? Math.min(500, 100 + (performance.now() - start) / 20));
  }
}
