import { SimulatedClock } from '../../src/sandbox/simulated-clock.js';

/** Time that stands still until a test moves it, for tests of one part by itself. */
export class FakeClock extends SimulatedClock {
  /** @param startMs  milliseconds since the epoch; default: 2026-01-01T00:00:00Z */
  constructor(startMs = Date.UTC(2026, 0, 1)) {
    super({ startMs, quietTurns: 2 });
  }

  /** By how much somebody has set the machine's clock; timers and `uptime` do not care, as with the system's. */
  setByMs = 0;

  override now(): number {
    return super.now() + this.setByMs;
  }
}

/** Lets all promises settle that can, and gives pending input and output two turns. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
}

/**
 * Waits until `condition` holds, for what depends on real input and output over loopback; polls without sleeping.
 *
 * @throws {Error} it did not hold within `patienceMs` of real time
 */
export async function until(condition: () => boolean, what = 'the condition', patienceMs = 2_000): Promise<void> {
  const giveUpAt = Date.now() + patienceMs;
  while (!condition()) {
    if (Date.now() > giveUpAt) throw new Error(`${what} did not come true within ${patienceMs} ms`);
    await settle();
  }
}
