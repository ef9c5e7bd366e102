import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, GATEWAY } from '../../src/api/gateway-api.js';
import { findCondition } from '../../src/kube/conditions.js';
import { isNotFound } from '../../src/kube/errors.js';
import { SERVING } from '../../src/api/serving.js';
import { yaml } from '../support/fixtures.js';
import { Campaign, forEachWrite, type Moment } from './campaign.js';
import { article, deployed, NAME, waypointsOf } from './waypoint-gateways.js';

/*
 * The operator is killed at each of its writes for a waypoint, while the Gateway comes and while it goes. The end is always the
 * same, and a second pass writes nothing.
 */

describe('a crash at every write for a waypoint', () => {
  let campaign: Campaign;

  beforeAll(async () => {
    campaign = await Campaign.start();
  });

  afterAll(async () => {
    await campaign?.stop();
  });

  it.each<Moment>(['before', 'after'])('%s it is carried out ends as if nothing had happened', async (moment) => {
    await forEachWrite(async (nth) => {
      const name = `waypoint-${moment}-${nth}`;
      const comes = await crash(name, nth, moment, () => campaign.cluster.apply(yaml(...article(name))), isServed);
      const { addresses, finalizers, objects } = await seen(name);
      expect(addresses).toEqual([`${NAME}.${name}.svc.cluster.local`]);
      expect(finalizers).toEqual(['sidestep.dev/waypoint']);
      expect(objects).toHaveLength(5);
      await campaign.expectQuiet({ name });
      const ref = { namespace: name, name: NAME };
      const goes = await crash(name, nth, moment, () => campaign.cluster.client.delete(GATEWAY, ref), isGone);
      expect(await waypointsOf(campaign.cluster, name)).toEqual({ web: undefined });
      await campaign.end({ name });
      return comes || goes;
    });
  });

  /** Kills the operator at the `nth` write after `ask`, and waits for the end all the same; false if there are fewer writes. */
  async function crash(
    name: string,
    nth: number,
    moment: Moment,
    ask: () => Promise<void>,
    isOver: (name: string) => Promise<boolean>,
  ): Promise<boolean> {
    const armed = campaign.at(nth, moment, { name }, () => campaign.backend.operator.crash());
    await ask();
    const { cluster } = campaign;
    await cluster.until(`write ${nth} in ${name}`, async () => armed.reached || (await isOver(name)) || undefined);
    armed.disarm();
    if (armed.reached) await campaign.restart();
    await cluster.until(`the end in ${name}`, async () => (await isOver(name)) || undefined, { timeoutMs: 120_000 });
    return armed.reached;
  }

  async function seen(name: string): Promise<{ addresses: unknown[]; finalizers: string[]; objects: string[] }> {
    const { metadata, spec } = await gatewayOf(name);
    const addresses = spec.addresses?.map(({ value }) => value) ?? [];
    return { addresses, finalizers: metadata.finalizers ?? [], objects: await deployed(campaign.cluster, name) };
  }

  const gatewayOf = (name: string): Promise<Gateway> =>
    campaign.cluster.client.get<Gateway>(GATEWAY, { namespace: name, name: NAME });

  async function isServed(name: string): Promise<boolean> {
    const { status } = await gatewayOf(name);
    const isServing = findCondition(status?.conditions, SERVING)?.status === 'True';
    return isServing && (await waypointsOf(campaign.cluster, name))['web'] === NAME;
  }

  async function isGone(name: string): Promise<boolean> {
    const isThere = await gatewayOf(name).then(
      () => true,
      (error: unknown) => !isNotFound(error),
    );
    return !isThere && (await deployed(campaign.cluster, name)).length === 0;
  }
});
