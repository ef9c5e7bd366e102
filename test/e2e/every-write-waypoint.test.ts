import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, GATEWAY } from '../../src/api/gateway-api.js';
import { findCondition } from '../../src/kube/conditions.js';
import { isNotFound } from '../../src/kube/errors.js';
import { SERVING } from '../../src/api/serving.js';
import { yaml } from '../support/fixtures.js';
import { Campaign, forEachWrite, type Moment } from './campaign.js';
import { article, deployed, NAME, waypointsOf } from './waypoint-gateways.js';

/*
 * The operator is killed at each of its writes for a waypoint, while the Gateway comes and while it goes; the one that follows
 * sees the cluster as it is, or as it was before that write, or before the first of them. The end is always the same, and a
 * second pass writes nothing.
 */

/** How many objects Sidestep deploys for a Gateway. */
const OURS = 5;

/** What the operator that follows a crash is shown first. */
type View = 'of now' | 'of before that write' | 'of before the first write';

describe('a crash at every write for a waypoint', () => {
  let campaign: Campaign;

  beforeAll(async () => {
    campaign = await Campaign.start();
  });

  afterAll(async () => {
    await campaign?.stop();
  });

  it.each<{ moment: Moment; view: View }>([
    { moment: 'before', view: 'of now' },
    { moment: 'after', view: 'of now' },
    { moment: 'after', view: 'of before that write' },
    { moment: 'after', view: 'of before the first write' },
  ])('$moment it is carried out, with a view $view, ends as if nothing had happened', async ({ moment, view }) => {
    await forEachWrite(async (nth) => {
      const name = `waypoint-${moment}-${view.replaceAll(' ', '-')}-${nth}`;
      const at = { nth, moment, view };
      const comes = await crash(name, at, () => campaign.cluster.apply(yaml(...article(name))), isServed);
      const { addresses, finalizers } = await seen(name);
      expect(addresses).toEqual([`${NAME}.${name}.svc.cluster.local`]);
      expect(finalizers).toEqual(['sidestep.dev/waypoint']);
      await campaign.expectQuiet({ name });
      const ref = { namespace: name, name: NAME };
      const goes = await crash(name, at, () => campaign.cluster.client.delete(GATEWAY, ref), isGone);
      expect(await waypointsOf(campaign.cluster, name)).toEqual({ web: undefined });
      await campaign.end({ name });
      return comes || goes;
    });
  });

  /** Kills the operator at the `nth` write after `ask`, and waits for the end all the same; false if there are fewer writes. */
  async function crash(
    name: string,
    { nth, moment, view }: { nth: number; moment: Moment; view: View },
    ask: () => Promise<void>,
    isOver: (name: string) => Promise<boolean>,
  ): Promise<boolean> {
    const revisions = campaign.revisionsAtWrites({ name });
    const armed = campaign.at(nth, moment, { name }, () => campaign.backend.operator.crash());
    await ask();
    const { cluster } = campaign;
    await cluster.until(`write ${nth} in ${name}`, async () => armed.reached || (await isOver(name)) || undefined);
    armed.disarm();
    revisions.end();
    const old = view === 'of before the first write' ? revisions.noted[0] : revisions.noted.at(-1);
    if (armed.reached) await (view === 'of now' ? campaign.restart() : campaign.restartWithOldView(old!));
    await cluster.until(`the end in ${name}`, async () => (await isOver(name)) || undefined, { timeoutMs: 120_000 });
    return armed.reached;
  }

  async function seen(name: string): Promise<{ addresses: unknown[]; finalizers: string[] }> {
    const { metadata, spec } = await gatewayOf(name);
    return { addresses: spec.addresses?.map(({ value }) => value) ?? [], finalizers: metadata.finalizers ?? [] };
  }

  const gatewayOf = (name: string): Promise<Gateway> =>
    campaign.cluster.client.get<Gateway>(GATEWAY, { namespace: name, name: NAME });

  async function isServed(name: string): Promise<boolean> {
    const { status } = await gatewayOf(name);
    const isServing = findCondition(status?.conditions, SERVING)?.status === 'True';
    const isBound = (await waypointsOf(campaign.cluster, name))['web'] === NAME;
    // What istiod has deployed by mistake may show in an old view late, and goes then.
    return isServing && isBound && (await deployed(campaign.cluster, name)).length === OURS;
  }

  async function isGone(name: string): Promise<boolean> {
    const isThere = await gatewayOf(name).then(
      () => true,
      (error: unknown) => !isNotFound(error),
    );
    return !isThere && (await deployed(campaign.cluster, name)).length === 0;
  }
});
