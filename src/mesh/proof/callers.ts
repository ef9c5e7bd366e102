import { parseAddress, parseBlock } from '../ambient-index/ip-address.js';
import { isInside } from '../enforcement/address.js';
import type { MeshPicture, PictureWaypoint, PictureWorkload } from '../picture.js';
import { asRecord, asRecords, asStrings, type PolicyObject } from '../policy-object.js';
import { refKey } from '../use-waypoint.js';
import { LABEL } from '../../api/labels.js';
import { addressWitnesses } from './addresses.js';

/** Who may call. */
export interface Caller {
  /** `Pod/namespace/name`, or what somebody is who is not in the picture. */
  readonly name: string;
  /** `namespace/account`; none of who is outside the mesh. */
  readonly account?: string;
  /** As it is in a picture; the same in all of them if it is no pod of theirs. */
  readonly in: (picture: MeshPicture) => PictureWorkload | undefined;
  /** Callers whom nothing can tell from it, in no picture. */
  readonly others: number;
}

/** Of namespace and account of somebody whom no policy names. */
const NOBODY = 'somebody';

/**
 * One caller of each kind that policies and data planes can tell apart: of the pods in the pictures; of those outside the mesh, one for each
 * way in which addresses lie in the blocks of policies; and of pods that policies name and nobody has seen, and one that nobody names.
 *
 * @param pictures  all of them; the first is that before
 */
export function callersOf(pictures: readonly MeshPicture[]): Caller[] {
  const [before] = pictures as [MeshPicture];
  const policies = [...new Set(pictures.flatMap((picture) => picture.authorizationPolicies))];
  const blocks = blocksOf(policies);
  // Nobody but a waypoint has its identity, and a waypoint begins no calls.
  const waypoints = pictures.flatMap(waypointsIn);
  const known = new Set([...before.workloads, ...waypoints].map(({ namespace, account }) => `${namespace}/${account}`));
  const isAmbient = before.workloads.some(({ mode }) => mode === 'ambient');
  const unseen = [...accountsIn(policies, before), `${NOBODY}/${NOBODY}`].filter((account) => !known.has(account));
  return [
    ...podsOf(pictures, blocks),
    ...addressWitnesses(blocks).map((address) => {
      return stranger(`outside the mesh, at ${address}`, undefined, { mode: 'none', address });
    }),
    ...[...new Set(unseen)].flatMap((account) => [
      stranger(`some pod with a sidecar of ${account}`, account, { mode: 'sidecar' }),
      ...(isAmbient ? [stranger(`some ambient pod of ${account}`, account, { mode: 'ambient' })] : []),
    ]),
  ];
}

function podsOf(pictures: readonly MeshPicture[], blocks: readonly string[]): Caller[] {
  const [before] = pictures as [MeshPicture];
  const byName = new Map(
    pictures.map((picture) => [picture, new Map(picture.workloads.map((one) => [nameOf(one), one]))]),
  );
  const waypoints = new Set(waypointsIn(before).map(refKey));
  const parsed = blocks.map(parseBlock);
  const groups = new Map<string, PictureWorkload[]>();
  for (const workload of before.workloads) {
    const gateway = workload.labels[LABEL.gatewayName];
    // A waypoint begins no calls.
    if (gateway !== undefined && waypoints.has(`${workload.namespace}/${gateway}`)) continue;
    const states = pictures.map((picture) => byName.get(picture)?.get(nameOf(workload)) ?? workload);
    const modes = states.map(({ mode, hbone }) => `${mode}${hbone}`);
    const address = parseAddress(workload.local.workloadIps[0] ?? '');
    const inBlocks = parsed.map((block) => isInside(address, block));
    // Nobody sees the account of a pod that stays outside the mesh.
    const isOutside = !workload.gateway && states.every(({ mode }) => mode === 'none');
    const who = isOutside ? '' : `${workload.namespace}/${workload.account}`;
    const key = [who, workload.gateway, ...modes, ...inBlocks].join(' ');
    groups.set(key, [...(groups.get(key) ?? []), workload]);
  }
  return [...groups.values()].map(([first, ...others]) => ({
    name: nameOf(first!),
    account: `${first!.namespace}/${first!.account}`,
    in: (picture) => byName.get(picture)?.get(nameOf(first!)),
    others: others.length,
  }));
}

/** Without Gateways that bring requests into the mesh. */
const waypointsIn = ({ waypoints }: MeshPicture): PictureWaypoint[] => waypoints.filter(({ isIngress }) => !isIngress);

const nameOf = ({ namespace, name }: PictureWorkload): string => `Pod/${namespace}/${name}`;

function stranger(
  name: string,
  account: string | undefined,
  { mode, address = '203.0.113.2' }: { mode: PictureWorkload['mode']; address?: string },
): Caller {
  const [namespace, serviceAccount] = (account ?? `${NOBODY}/${NOBODY}`).split('/') as [string, string];
  const workload: PictureWorkload = {
    name: NOBODY,
    namespace,
    account: serviceAccount,
    labels: {},
    mode,
    hbone: mode === 'sidecar',
    gateway: false,
    local: { uid: name, name: NOBODY, namespace, workloadIps: [address], services: {} },
  };
  return { name, ...(account !== undefined && { account }), in: () => workload, others: 0 };
}

/** The entries of `from`, and those of `when` in the same form, of all policies. */
function sourcesOf(policies: readonly PolicyObject[]): { policy: PolicyObject; field: string; values: string[] }[] {
  return policies.flatMap((policy) =>
    asRecords(asRecord(policy.spec)['rules']).flatMap((rule) => {
      const of = (field: string, ...lists: unknown[]): { policy: PolicyObject; field: string; values: string[] } => {
        return { policy, field, values: lists.flatMap(asStrings) };
      };
      const fields = asRecords(rule['from']).flatMap(({ source }) =>
        Object.entries(asRecord(source)).map(([field, values]) => of(field.replace(/^not(.)/, lowered), values)),
      );
      const when = asRecords(rule['when']).map(({ key, values, notValues }) =>
        of(WHEN[String(key)] ?? '', values, notValues),
      );
      return [...fields, ...when];
    }),
  );
}

const lowered = (_: string, letter: string): string => letter.toLowerCase();

const WHEN: Readonly<Record<string, string>> = {
  'source.ip': 'ipBlocks',
  'source.principal': 'principals',
  'source.namespace': 'namespaces',
  'source.serviceAccount': 'serviceAccounts',
};

/** Blocks of addresses by which policies tell callers apart. */
export function blocksOf(policies: readonly PolicyObject[]): string[] {
  return [...new Set(sourcesOf(policies).flatMap(({ field, values }) => (field === 'ipBlocks' ? values : [])))];
}

/** `namespace/account` for each value that names callers, with a name in place of a `*`. */
function accountsIn(policies: readonly PolicyObject[], { settings }: MeshPicture): string[] {
  const domains = ['cluster.local', settings.trustDomain, ...(settings.trustDomainAliases ?? [])];
  return sourcesOf(policies).flatMap(({ policy, field, values }) =>
    values.flatMap((value) => {
      const text = value.replaceAll('*', NOBODY);
      if (field === 'namespaces') return [`${text}/${NOBODY}`];
      if (field === 'serviceAccounts')
        return [text.includes('/') ? text : `${policy.metadata.namespace ?? ''}/${text}`];
      if (field !== 'principals') return [];
      // `domain/ns/namespace/sa/account`, of which either the beginning is there or the end.
      const parts = text.split('/');
      if (value.startsWith('*')) return [`${parts.at(-3) ?? NOBODY}/${parts.at(-1)!}`];
      const [domain = '', , namespace = NOBODY, , account = NOBODY] = parts;
      return domains.includes(domain) ? [`${namespace}/${account}`] : [];
    }),
  );
}
