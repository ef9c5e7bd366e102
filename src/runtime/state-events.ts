import type { Clock } from '../clock.js';
import type { EmittedEvent, EventRecorder } from '../kube/events.js';

/** Something that holds at the moment, and that is worth an Event if it lasts. */
export interface State {
  /** What it is, whatever its note says now; unique among the states of a key. */
  readonly id: string;
  /** How long it must have lasted before it is told, ms. */
  readonly afterMs: number;
  readonly event: EmittedEvent;
}

interface Lasting {
  readonly sinceMs: number;
  readonly told: string | undefined;
}

/**
 * Events about states: told once when a state has lasted, and again if what there is to say about it changes, or if it ended and is
 * back. A pass that finds nothing new tells nothing.
 *
 * In memory, for no decision hangs on it: a new process tells once more what still holds.
 */
export class StateEvents {
  readonly #byKey = new Map<string, ReadonlyMap<string, Lasting>>();

  /**
   * Tells what is to be told.
   *
   * @param key     of the pass; states of other keys are not touched
   * @param states  everything that holds now: what is not among them has ended
   * @returns       in how many ms the next one has lasted; undefined if all are told
   */
  tell(
    key: string,
    states: readonly State[],
    { events, clock }: { events: Pick<EventRecorder, 'emit'>; clock: Pick<Clock, 'now'> },
  ): number | undefined {
    const before = this.#byKey.get(key);
    const now = new Map<string, Lasting>();
    const waits: number[] = [];
    for (const { id, afterMs, event } of states) {
      const { sinceMs, told } = before?.get(id) ?? { sinceMs: clock.now(), told: undefined };
      const waitMs = sinceMs + afterMs - clock.now();
      const isDue = waitMs <= 0;
      if (isDue && told !== event.note) events.emit(event);
      if (!isDue) waits.push(waitMs);
      now.set(id, { sinceMs, told: isDue ? event.note : told });
    }
    if (now.size > 0) this.#byKey.set(key, now);
    else this.#byKey.delete(key);
    return waits.length > 0 ? Math.min(...waits) : undefined;
  }
}
