import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AMBIENT_MIGRATION } from '../../src/api/ambient-migration.js';
import type { KubeObject, ResourceType } from '../../src/kube/resource.js';
import { apiVersionOf } from '../../src/kube/resource.js';
import { DEPLOYMENT, NAMESPACE, STATEFUL_SET } from '../../src/kube/types.js';
import { OPERATOR_USER, writesOf, type AuditEntry } from '../support/audit.js';
import { Campaign, type Trial } from './campaign.js';

/*
 * Somebody writes the very objects that a migration writes, each time in between: after the operator has read one, before its patch
 * arrives. Its writes fail as a whole, it tries again at its own pace, and nothing of the other is lost.
 */

const NOTE = 'test.example/note';

let campaign: Campaign;

beforeAll(async () => {
  campaign = await Campaign.start();
});

afterAll(async () => {
  await campaign?.stop();
});

/** On one object. */
interface Note {
  readonly type: ResourceType;
  readonly ref: { readonly name: string; readonly namespace?: string };
  reads: number;
  /** What it says. */
  count: number;
}

/** A hand that writes a note on what the operator reads or reports on. */
class Hand {
  readonly #trial: Trial;
  readonly #types: readonly ResourceType[] = [NAMESPACE, DEPLOYMENT, STATEFUL_SET, AMBIENT_MIGRATION];
  readonly #notes = new Map<string, Note>();
  readonly #forget: () => void;
  readonly #writing: Promise<unknown>[] = [];
  readonly #strikes: (nth: number) => boolean;
  /** @param strikes  after which reads of an object (from 0) it writes */
  constructor(trial: Trial, strikes: (nth: number) => boolean) {
    this.#trial = trial;
    this.#strikes = strikes;
    this.#forget = campaign.backend.sandbox!.apiServer.requests.onEntry((entry) => this.#see(entry));
  }

  /** Lets go of everything, notes included; before that, each must be as it was written last. */
  async leave(): Promise<void> {
    this.#forget();
    await campaign.cluster.time.during('the last notes', Promise.all(this.#writing));
    for (const note of this.#notes.values()) {
      const { type, ref, count } = note;
      const { metadata } = await campaign.cluster.client.get(type, ref);
      expect(metadata.annotations?.[NOTE], `note on ${type.kind} ${ref.name}`).toBe(String(count));
      await this.#apply(note, {});
    }
  }

  /** Before the answer of a read is sent, and after a status was written. */
  #see({ verb, objectRef, user }: AuditEntry): void {
    const type = this.#types.find(
      ({ plural, group }) => plural === objectRef?.resource && group === (objectRef.apiGroup ?? ''),
    );
    const isRead = verb === 'get' || (verb === 'patch' && objectRef?.subresource === 'status');
    const { name = '', namespace } = objectRef ?? {};
    if (user.username !== OPERATOR_USER || !type || !isRead || (namespace ?? name) !== this.#trial.name) return;
    const key = `${type.kind} ${name}`;
    const note: Note = this.#notes.get(key) ?? {
      type,
      ref: { name, ...(namespace && { namespace }) },
      reads: 0,
      count: 0,
    };
    this.#notes.set(key, note);
    if (!this.#strikes(note.reads++)) return;
    note.count += 1;
    this.#writing.push(this.#apply(note, { [NOTE]: String(note.count) }));
  }

  #apply({ type, ref }: Note, annotations: Record<string, string>): Promise<KubeObject> {
    const object = { apiVersion: apiVersionOf(type), kind: type.kind, metadata: { ...ref, annotations } };
    return campaign.cluster.client.apply(type, object, { fieldManager: 'hand' });
  }
}

/** Writes of the operator that met another version. */
function conflicts({ name, since }: Trial): AuditEntry[] {
  return writesOf(campaign.cluster.audit().slice(since)).filter(
    ({ objectRef, responseStatus }) =>
      (objectRef?.namespace ?? objectRef?.name) === name && [409, 422].includes(responseStatus?.code ?? 0),
  );
}

describe('somebody who writes the same objects', () => {
  // An odd number: most writes are tried in a dry run first, with a read of its own, and the hand must not hit every second read only.
  it('after three of five reads only slows a migration down, there and back', async () => {
    const trial = await campaign.trial('storm-of-three');
    const before = await campaign.state(trial);
    const hand = new Hand(trial, (nth) => nth % 5 < 3);
    for (const way of ['there', 'back'] as const) {
      const earlier = conflicts(trial).length;
      await campaign.go(trial, way);
      await campaign.arrived([trial], way);
      expect(conflicts(trial).length - earlier, `conflicts ${way}`).toBeGreaterThanOrEqual(3);
    }
    await hand.leave();
    expect(await campaign.state(trial)).toEqual(before);
    campaign.expectNoBreach(trial);
    await campaign.expectQuiet(trial);
    await campaign.end(trial);
  });

  it('after ten reads of each in a row holds it up as long, at one try for each of them', async () => {
    const trial = await campaign.trial('storm-of-all');
    const hand = new Hand(trial, (nth) => nth < 10);
    await campaign.go(trial, 'there');
    await campaign.arrived([trial], 'there');
    await hand.leave();
    const tries = conflicts(trial).length;
    // The namespace, the Deployment and the StatefulSet, after every second read, for the others are of dry runs; a status is never
    // refused. A Deployment is of a new generation each time, and is not written at all before its controller has seen that.
    expect(tries).toBeGreaterThanOrEqual(10);
    expect(tries).toBeLessThanOrEqual(15);
    await campaign.expectSameEnd([trial], 'there', { anyOrder: true });
    await campaign.end(trial);
  });
});
