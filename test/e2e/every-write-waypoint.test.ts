import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changesOf, OPERATOR_USER } from '../support/audit.js';
import { Campaign, forEachWrite } from './campaign.js';
import { interrupt, type Interruption, type Request } from './interruption.js';
import { gatewayState, WAYPOINT_PLOTS } from './waypoint-plots.js';

/*
 * The operator is killed at each of its writes for a waypoint, while the Gateway comes, changes and goes; the one that follows sees the
 * cluster as it is, or as it was before that write, or before the first of them. The end is always the same, and whatever operator
 * follows writes nothing.
 */

/** An autoscaler is first looked at after 15 s; then the size of its waypoint is told. */
const SETTLED_MS = 30_000;

type Kind = Required<Omit<Interruption, 'nth'>>;

const KINDS: readonly Kind[] = [
  { moment: 'before', view: 'of now' },
  { moment: 'after', view: 'of now' },
  { moment: 'after', view: 'of before the first write' },
];

/** Of one plot only: how old a view is matters for what Sidestep deploys itself. */
const ONCE: Kind = { moment: 'after', view: 'of before that write' };

const cases = WAYPOINT_PLOTS.flatMap((plot, index) =>
  [...KINDS, ...(index === 0 ? [ONCE] : [])].map((kind, n) => ({ ...plot, ...kind, prefix: `waypoint-${index}${n}` })),
);

describe('a crash at every write for a waypoint', () => {
  let campaign: Campaign;

  beforeAll(async () => {
    campaign = await Campaign.start();
  });

  afterAll(async () => {
    await campaign?.stop();
  });

  it.each(cases)(
    '$title, $moment it is carried out, with a view $view, ends as if nothing had happened',
    async (of) => {
      const names = new Map<number, string>();
      const before: Request[] = [];
      for (const request of of.requests(() => campaign.cluster)) {
        const ends = new Map<string, { state: unknown; audited: number }>();
        await forEachWrite(async (nth) => {
          const name = names.get(nth) ?? (await prepared(`${of.prefix}-${nth}`, before));
          names.set(nth, name);
          const isReached = await interrupt(campaign, { name, disturbed: of.disturbed }, { ...of, nth }, request);
          await campaign.cluster.time.sleep(SETTLED_MS);
          ends.set(name, { state: await stateOf(name), audited: campaign.cluster.audit().length });
          return isReached;
        }, of.atLeast);
        // A request with fewer writes than one before did not reach all of them.
        for (const name of names.values()) if (!ends.has(name)) await carryOut(name, request);
        const undisturbed = [...ends.values()].at(-1)?.state;
        await campaign.expectQuiet({ name: of.prefix });
        for (const [name, { state, audited }] of ends) {
          expect(state, `end of ${name}`).toEqual(undisturbed);
          expect(writesTo(name, audited), `later writes to ${name}`).toEqual([]);
        }
        before.push(request);
      }
      for (const name of names.values()) await campaign.end({ name });
    },
  );

  /** A namespace in which this was asked for without a disturbance. */
  async function prepared(name: string, requests: readonly Request[]): Promise<string> {
    for (const request of requests) await carryOut(name, request);
    return name;
  }

  async function carryOut(name: string, { ask, isOver }: Request): Promise<void> {
    await ask(name);
    await campaign.cluster.until(`the end in ${name}`, async () => (await isOver(name)) || undefined);
  }

  async function stateOf(name: string): Promise<unknown> {
    const gateway = campaign.anonymous(await gatewayState(campaign.cluster, name), { name });
    return { gateway, namespace: await campaign.state({ name }) };
  }

  function writesTo(name: string, since: number): string[] {
    return changesOf(campaign.cluster.audit().slice(since))
      .filter(({ user, objectRef }) => user.username === OPERATOR_USER && objectRef?.namespace === name)
      .map(({ verb, requestURI }) => `${verb} ${requestURI}`);
  }
});
