import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock, settle } from '../../test/support/fake-clock.js';
import type { Clock } from '../clock.js';
import { TransportError } from '../kube/errors.js';
import { LEASE, type Lease } from '../kube/types.js';
import { silentLogger } from '../log.js';
import { LeadershipLostError } from './errors.js';
import { LeaderElector, type Leadership } from './leader.js';
import { MemoryApi, type Call } from './testing/memory-api.js';

const config = { namespace: 'system', name: 'operator', log: silentLogger, fieldManager: 'test' };
const key = 'system/operator';

let clock: FakeClock;
let api: MemoryApi;

beforeEach(() => {
  clock = new FakeClock();
  api = new MemoryApi().serve(LEASE);
});

/** A process that stands for election, with a network that can be cut. */
class Candidate {
  isCut = false;
  /** By how much its machine's clock is off; timers and uptime do not care. */
  skewMs: number;
  leadership: Leadership | undefined;
  readonly stop = new AbortController();
  readonly elector: LeaderElector;

  constructor(
    identity: string,
    options: { skewMs?: number; random?: () => number; network?: (call: Call) => Promise<void> } = {},
  ) {
    this.skewMs = options.skewMs ?? 0;
    const own: Clock = {
      now: () => clock.now() + this.skewMs,
      uptime: () => clock.uptime(),
      schedule: (delayMs, callback) => clock.schedule(delayMs, callback),
    };
    const client = api.client(async (call) => {
      await options.network?.(call);
      if (this.isCut) throw new TransportError('connection refused');
    });
    this.elector = new LeaderElector({ ...config, client, clock: own, identity, random: options.random ?? (() => 0) });
  }

  run(): this {
    this.elector.acquire(this.stop.signal).then(
      (leadership) => (this.leadership = leadership),
      () => {},
    );
    return this;
  }

  /** What the fence of its client says. */
  get mayWrite(): boolean {
    try {
      this.leadership?.assertHeld();
      return this.leadership !== undefined;
    } catch {
      return false;
    }
  }
}

const lease = (): Lease['spec'] => (api.get(LEASE, key) as Lease | undefined)?.spec;

describe('leader election', () => {
  test('the first candidate makes the lease and renews it every two seconds; the second waits', async () => {
    const a = new Candidate('a').run();
    await settle();
    const b = new Candidate('b').run();
    await clock.advance(60_000);
    expect([a.mayWrite, b.mayWrite]).toEqual([true, false]);
    expect(lease()).toEqual({
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:01:00.000000Z',
      leaseTransitions: 0,
    });
    expect(api.writes).toHaveLength(31);
  });

  test('a lease of a holder that died is taken after it was seen unchanged for its whole duration, whatever its clock said', async () => {
    api.put(LEASE, {
      metadata: { namespace: 'system', name: 'operator' },
      spec: {
        holderIdentity: 'dead',
        leaseDurationSeconds: 15,
        renewTime: '2019-01-01T00:00:00.000000Z',
        leaseTransitions: 4,
      },
    });
    const a = new Candidate('a').run();
    await clock.advance(14_999);
    expect(a.mayWrite).toBe(false);
    await clock.advance(4_500);
    expect(a.mayWrite).toBe(true);
    expect(lease()).toMatchObject({ holderIdentity: 'a', leaseTransitions: 5 });
  });

  test('a holder that cannot renew stands down after 10 s, before anybody else can begin', async () => {
    const a = new Candidate('a').run();
    await settle();
    const b = new Candidate('b').run();
    await clock.advance(20_000);
    a.isCut = true;
    await clock.advance(9_999);
    expect(a.mayWrite).toBe(true);
    await clock.advance(1);
    expect([a.mayWrite, b.mayWrite]).toEqual([false, false]);
    expect(a.leadership?.signal.reason).toBeInstanceOf(LeadershipLostError);
    await clock.advance(10_000);
    expect(b.mayWrite).toBe(true);
    a.isCut = false;
    await clock.advance(30_000);
    expect(a.mayWrite).toBe(false);
  });

  test('a process that was stopped for longer than the deadline refuses to write before any timer has fired', async () => {
    const a = new Candidate('a').run();
    await settle();
    const frozen = clock.now();
    const later = { now: () => frozen + 20_000 };
    const now = clock.now.bind(clock);
    clock.now = () => later.now();
    expect(() => a.leadership?.assertHeld()).toThrow(LeadershipLostError);
    expect(a.leadership?.signal.aborted).toBe(true);
    clock.now = now;
  });

  test('a candidate whose clock is set forward does not take the lease of a holder who lives', async () => {
    const a = new Candidate('a').run();
    await settle();
    const b = new Candidate('b').run();
    await clock.advance(10_500);
    b.skewMs = 3_600_000;
    await clock.advance(60_000);
    expect([a.mayWrite, b.mayWrite, lease()?.holderIdentity]).toEqual([true, false, 'a']);
  });

  test('a candidate whose clock is set back waits for a dead holder no longer than others', async () => {
    const a = new Candidate('a').run();
    await settle();
    const b = new Candidate('b').run();
    await clock.advance(20_000);
    a.isCut = true;
    b.skewMs = -3_600_000;
    await clock.advance(20_000);
    expect([a.mayWrite, b.mayWrite]).toEqual([false, true]);
  });

  test('a holder whose clock is set back stands down after 10 s as ever, also if nobody asks', async () => {
    let lateMs = 0;
    const network = (): Promise<void> => new Promise((resolve) => clock.schedule(lateMs, resolve));
    const a = new Candidate('a', { network }).run();
    await clock.advance(10_000);
    lateMs = 1_000;
    await clock.advance(2_500);
    // A renewal is under way.
    a.skewMs = -3_600_000;
    await clock.advance(1_000);
    a.isCut = true;
    await clock.advance(11_000);
    expect(a.leadership?.signal.reason).toBeInstanceOf(LeadershipLostError);
  });

  test('a lease that was taken away is noticed at the next renewal, and not taken back', async () => {
    const a = new Candidate('a').run();
    await clock.advance(5_000);
    api.put(LEASE, {
      metadata: { namespace: 'system', name: 'operator' },
      spec: { holderIdentity: '', leaseDurationSeconds: 15 },
    });
    await clock.advance(4_000);
    expect(a.mayWrite).toBe(false);
    expect(lease()?.holderIdentity).toBe('');
  });

  test('a released lease is free at once', async () => {
    const a = new Candidate('a').run();
    await settle();
    const b = new Candidate('b').run();
    await clock.advance(5_000);
    await a.leadership?.release();
    expect(lease()?.holderIdentity).toBe('');
    expect(a.mayWrite).toBe(false);
    expect(a.leadership?.signal.aborted).toBe(false);
    await clock.advance(2_000);
    expect(b.mayWrite).toBe(true);
  });

  test('a candidate that is stopped leaves no timer', async () => {
    new Candidate('a').run();
    await settle();
    const b = new Candidate('b').run();
    await settle();
    const before = clock.pending;
    b.stop.abort();
    await settle();
    expect(clock.pending).toBe(before - 1);
  });

  test('never two leaders at once, with networks that fail or delay and clocks that disagree', async () => {
    const step = fc.record({
      who: fc.nat(1),
      change: fc.constantFrom('cut', 'heal', 'slow', 'fast', 'release', 'forward', 'back', 'none'),
      ms: fc.integer({ min: 1, max: 12_000 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 25 }),
        fc.integer({ min: -86_400_000, max: 86_400_000 }),
        async (steps, skewMs) => {
          clock = new FakeClock();
          api = new MemoryApi().serve(LEASE);
          const lagMs = [0, 0];
          const candidate = (at: number): Candidate =>
            new Candidate(`c${at}`, {
              skewMs: at * skewMs,
              random: () => ((at * 37) % 10) / 10,
              network: () => new Promise((resolve) => (lagMs[at] ? clock.schedule(lagMs[at], resolve) : resolve())),
            }).run();
          const candidates = [candidate(0), candidate(1)];
          for (const { who, change, ms } of steps) {
            const one = candidates[who] as Candidate;
            if (change === 'cut' || change === 'heal') one.isCut = change === 'cut';
            if (change === 'slow' || change === 'fast') lagMs[who] = change === 'slow' ? 3_000 : 0;
            if (change === 'forward' || change === 'back') one.skewMs += change === 'back' ? -3_600_000 : 3_600_000;
            if (change === 'release') void one.leadership?.release();
            for (let passed = 0; passed < ms; passed += 500) {
              await clock.advance(500);
              expect(candidates.filter(({ mayWrite }) => mayWrite).length).toBeLessThan(2);
            }
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});
