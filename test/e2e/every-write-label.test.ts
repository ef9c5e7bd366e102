import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, GATEWAY } from '../../src/api/gateway-api.js';
import { isNotFound } from '../../src/kube/errors.js';
import { NAMESPACE, SERVICE_ACCOUNT } from '../../src/kube/types.js';
import { changesOf } from '../support/audit.js';
import { namespace, yaml } from '../support/fixtures.js';
import { Campaign, forEachWrite } from './campaign.js';
import type { Moment } from './strike.js';

/*
 * The operator is killed at each of its writes for a waypoint that a label asks for, while it comes and while it goes. The end is always
 * the same: made once, remembered, and taken away with what was remembered; and a second pass writes nothing.
 */

const USE = 'istio.io/use-waypoint';
const CREATED = 'sidestep.dev/waypoint-created';
const NAME = 'waypoint';

/** Longer than the 30 s after which a waypoint is made, and the 5 min after which it goes, twice: a crash may start them anew. */
const PATIENCE_MS = 700_000;

type Kind = 'Namespace' | 'ServiceAccount';

describe.each<Kind>(['Namespace', 'ServiceAccount'])('a crash at every write for the label of a %s', (kind) => {
  let campaign: Campaign;

  beforeAll(async () => {
    campaign = await Campaign.start();
  });

  afterAll(async () => {
    await campaign?.stop();
  });

  it.each<Moment>(['before', 'after'])('%s it is carried out ends as if nothing had happened', async (moment) => {
    await forEachWrite(async (nth) => {
      const name = `label-${moment}-${nth}`;
      const since = campaign.cluster.audit().length;
      const comes = await crash(name, nth, moment, () => campaign.cluster.apply(yaml(...labelled(name))), isMade);
      // Its autoscaler is first looked at after 15 s; then its size is told.
      await campaign.cluster.time.sleep(30_000);
      await campaign.expectQuiet({ name });
      const goes = await crash(name, nth, moment, () => unlabel(name), isForgotten);
      await campaign.expectQuiet({ name });
      const made = changesOf(campaign.cluster.audit().slice(since)).filter(
        ({ verb, objectRef, responseStatus }) =>
          objectRef?.resource === 'gateways' &&
          objectRef.namespace === name &&
          verb === 'create' &&
          responseStatus?.code === 201,
      );
      expect(made).toHaveLength(1);
      await campaign.end({ name });
      return comes || goes;
    }, 4);
  });

  it('never makes one again that a person has deleted', async () => {
    const name = 'label-deleted';
    await campaign.cluster.apply(yaml(...labelled(name)));
    await campaign.cluster.until('it is made', async () => (await isMade(name)) || undefined, { timeoutMs: 60_000 });
    await campaign.cluster.client.delete(GATEWAY, { namespace: name, name: NAME });
    await campaign.restart();
    await campaign.cluster.time.sleep(PATIENCE_MS);
    expect(await findGateway(name)).toBeUndefined();
    await campaign.end({ name });
  });

  function labelled(name: string): object[] {
    const labels = { [USE]: NAME };
    const ambient = namespace(name, { 'istio.io/dataplane-mode': 'ambient', ...(kind === 'Namespace' && labels) });
    const account = { apiVersion: 'v1', kind, metadata: { name: 'web', namespace: name, labels } };
    return kind === 'Namespace' ? [ambient] : [ambient, account];
  }

  async function unlabel(name: string): Promise<void> {
    const operations = [{ op: 'remove' as const, path: '/metadata/labels/istio.io~1use-waypoint' }];
    const { client } = campaign.cluster;
    if (kind === 'Namespace') await client.jsonPatch(NAMESPACE, { name }, operations, { fieldManager: 'test' });
    else {
      const ref = { namespace: name, name: 'web' };
      await client.jsonPatch(SERVICE_ACCOUNT, ref, operations, { fieldManager: 'test' });
    }
  }

  async function remembered(name: string): Promise<string | undefined> {
    const { client } = campaign.cluster;
    const { metadata } =
      kind === 'Namespace'
        ? await client.get(NAMESPACE, { name })
        : await client.get(SERVICE_ACCOUNT, { namespace: name, name: 'web' });
    return metadata.annotations?.[CREATED];
  }

  function findGateway(name: string): Promise<Gateway | undefined> {
    return campaign.cluster.client.get<Gateway>(GATEWAY, { namespace: name, name: NAME }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
      return undefined;
    });
  }

  async function isMade(name: string): Promise<boolean> {
    return (await findGateway(name)) !== undefined && (await remembered(name)) === NAME;
  }

  async function isForgotten(name: string): Promise<boolean> {
    return (await findGateway(name)) === undefined && (await remembered(name)) === undefined;
  }

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
    const options = { timeoutMs: PATIENCE_MS };
    await cluster.until(
      `write ${nth} in ${name}`,
      async () => armed.write() ?? ((await isOver(name)) || undefined),
      options,
    );
    armed.disarm();
    const isReached = armed.write() !== undefined;
    if (isReached) await campaign.restart();
    await cluster.until(`the end in ${name}`, async () => (await isOver(name)) || undefined, options);
    return isReached;
  }
});
