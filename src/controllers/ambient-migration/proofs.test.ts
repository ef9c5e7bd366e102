import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { migration, observed } from '../../../test/support/observed.js';
import { smallObjects, smallPod, smallSettings } from '../../../test/support/small-mesh.js';
import type { Finding } from '../../mesh/findings.js';
import type { ProofInput } from '../../mesh/move-proof.js';
import type { PolicyObject } from '../../mesh/policy-object.js';
import { decide } from './decide.js';
import type { Observed } from './observed.js';
import { snapshotData } from './plan.js';
import { Proofs } from './proofs.js';

const waypoint = { name: 'waypoint', namespace: 'shop' };
const policy = (name: string, spec: object): PolicyObject => ({
  kind: 'AuthorizationPolicy',
  metadata: { name, namespace: 'shop' },
  spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
});
const noHeaders = policy('no-headers', { action: 'DENY', rules: [{ to: [{ operation: { paths: ['/headers'] } }] }] });
const strangers = { from: [{ source: { notPrincipals: ['cluster.local/ns/shop/sa/waypoint'] } }] };

/** Namespace `shop` moves behind a waypoint with these policies, and some are written. */
function input(policies: readonly PolicyObject[], written: readonly PolicyObject[] = []): ProofInput {
  const pods = ['web', 'client'].map((name, index) => smallPod(name, 'sidecar', { ip: `10.0.0.${index + 1}` }));
  const objects = smallObjects({ pods, services: [{ name: 'web', selector: { app: 'web' } }], policies });
  return { objects, settings: smallSettings, move: { namespace: 'shop', waypoint, written } };
}

const { signal } = new AbortController();
const prove = (proofs: Proofs, of: ProofInput, at: Observed = observed()): Promise<readonly Finding[]> =>
  proofs.prove(at, () => of, signal);
const codes = (findings: readonly Finding[]): string[] => [...new Set(findings.map(({ code }) => code))];

describe('the proof of a migration', () => {
  it('blocks the plan by a request that would be let in, and shows it, until that is acknowledged', async () => {
    // The waypoint is told nothing.
    const proven = await prove(new Proofs(), input([noHeaders]));
    expect(codes(proven)).toContain('SST2042');
    const { verdict, current } = decide(observed({ proven }));
    expect(current).toBe('Preflight');
    expect(verdict).toMatchObject({ kind: 'stalled', reason: 'BlockedByFindings' });
    expect(verdict.message).toMatch(/SST2042 step Workloads: GET \/headers \(host web\.shop:80\) of Pod.*is let in/);

    const accepted = migration({ acknowledge: [{ code: 'SST2042', reason: 'nobody minds' }] });
    expect(decide(observed({ proven, migration: accepted })).verdict.kind).toBe('dry-run');
  });

  it('only warns of a request that would be refused', async () => {
    const proven = await prove(new Proofs(), input([], [policy('guard', { action: 'DENY', rules: [strangers] })]));
    expect(codes(proven)).toEqual(['SST2043']);
    const { verdict, plan } = decide(observed({ proven }));
    expect(verdict.kind).toBe('dry-run');
    expect(plan.findings.map(({ code }) => code)).toContain('SST2043');
  });

  it('is part of what is approved, and is kept in the snapshot', async () => {
    const proven = await prove(new Proofs(), input([noHeaders]));
    const hashOf = (of: readonly Finding[]): string => decide(observed({ proven: of })).plan.hash;
    expect(hashOf(proven)).not.toBe(hashOf([]));
    const others = proven.map((finding) => ({ ...finding, message: 'said otherwise' }));
    expect(hashOf(others)).toBe(hashOf(proven));
    // Another gap asks again, and another refusal does not.
    expect(hashOf([...proven, ...proven])).not.toBe(hashOf(proven));
    const refused: Finding = { code: 'SST2043', object: 'Namespace/shop', message: 'refused' };
    expect(hashOf([refused])).not.toBe(hashOf([]));
    expect(hashOf([refused, refused])).toBe(hashOf([refused]));
    const kept = snapshotData(observed({ proven })).findings;
    expect(kept).toEqual(expect.arrayContaining([...proven]));
    const snapshot = {
      name: 'sidestep-before',
      createdAt: '',
      restored: false,
      data: snapshotData(observed({ proven })),
    };
    expect(decide(observed({ snapshot })).plan.hash).toBe(hashOf(proven));
  });

  it('blocks where it fails', async () => {
    const broken = policy('broken', { action: 'DENY' });
    const of = input([
      {
        ...broken,
        get spec(): never {
          throw new Error('too deep');
        },
      },
    ]);
    const objects = { ...of.objects, toJSON: () => '' } as ProofInput['objects'];
    const proven = await prove(new Proofs(), { ...of, objects });
    expect(proven).toEqual([{ code: 'SST2047', object: 'Namespace/shop', message: 'the proof failed: too deep' }]);
    expect(decide(observed({ proven })).verdict).toMatchObject({ reason: 'BlockedByFindings' });
  });

  it('is made once for the same mesh, and again for another', async () => {
    const proofs = new Proofs();
    const first = await prove(proofs, input([noHeaders]));
    expect(await prove(proofs, input([noHeaders]))).toBe(first);
    const other = await prove(proofs, input([policy('no-headers', { action: 'DENY', rules: [{}] })]));
    expect(other).not.toBe(first);
    expect(await prove(proofs, input([noHeaders]))).not.toBe(first);
  });

  it('says the same to two passes that make it together', async () => {
    const proofs = new Proofs(0);
    const of = input([noHeaders]);
    const [one, other] = await Promise.all([prove(proofs, of), prove(proofs, of)]);
    expect(codes(one)).toContain('SST2042');
    expect(other).toEqual(one);
  });

  it('is not made once the migration has begun, nor on the way back', async () => {
    const snapshot = { name: 'sidestep-before', createdAt: '', restored: false, data: {} as never };
    const back = migration({ dataplaneMode: 'Sidecar' });
    for (const at of [observed({ snapshot }), observed({ migration: back }), observed({ supersededBy: 'older' })]) {
      const asked = new Proofs().prove(at, () => expect.unreachable(), signal);
      expect(await asked).toEqual([]);
    }
  });

  it('lets others have their turn, and goes on where it was after a pass that had to end', async () => {
    const many = Array.from({ length: 10 }, (_, index) =>
      policy(`p${index}`, {
        action: 'DENY',
        rules: [{ to: [{ operation: { paths: [`/${index}/*`, `*/${index}`] } }] }],
      }),
    );
    const of = input(many);
    const whole = await prove(new Proofs(), of);
    const proofs = new Proofs(0);
    let turns = 0;
    for (;;) {
      const deadline = new AbortController();
      const pass = proofs.prove(observed(), () => of, deadline.signal);
      await setImmediate();
      deadline.abort();
      const found = await pass.catch(() => undefined);
      turns += 1;
      if (found === undefined) continue;
      expect(found).toEqual(whole);
      break;
    }
    expect(turns).toBeGreaterThan(2);
  });
});
