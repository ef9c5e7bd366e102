import { STATUS_FIELD_MANAGER } from '../../api/field-managers.js';
import type { Gateway } from '../../api/gateway-api.js';
import { SERVING } from '../../api/serving.js';
import type { FieldChange } from '../../kube/patch.js';
import type { KubeObject } from '../../kube/resource.js';

/** Fields as `metadata.managedFields` tells them: `f:<field>`, and `k:<keys in JSON>` for an item of a list. */
type Fields = Readonly<Record<string, unknown>>;

/**
 * Takes what is ours out of the status of a Gateway that we do not serve any more. Of class `sidestep-waypoint` everything was; what the
 * controller of another class has judged since is that controller's, for it has set the generation. Without conditions the API server gives
 * those of a Gateway that nobody has seen yet.
 *
 * @param gateway  read with `metadata.managedFields`
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
export function takenBack(gateway: Gateway & KubeObject): FieldChange[] {
  const { conditions = [], addresses = [], listeners = [] } = gateway.status ?? {};
  const ours = statusFieldsOf(gateway);
  const isJudgedByUs = (fields: readonly Fields[], type: string): boolean =>
    at(fields, 'f:conditions', item({ type })).some((condition) => 'f:observedGeneration' in condition);
  const left = conditions.filter(({ type }) => type !== SERVING && !isJudgedByUs(ours, type));
  const others = listeners.filter(({ name }) => !isJudgedByUs(at(ours, 'f:listeners', item({ name })), 'Accepted'));
  const isOurAddress = ours.some((fields) => 'f:addresses' in fields);
  return [
    { path: ['status', 'conditions'], value: filled(left) },
    { path: ['status', 'addresses'], value: isOurAddress ? undefined : filled(addresses) },
    { path: ['status', 'listeners'], value: filled(others) },
  ];
}

const filled = <T>(list: readonly T[]): readonly T[] | undefined => (list.length > 0 ? list : undefined);

const item = (keys: object): string => `k:${JSON.stringify(keys)}`;

/** By each way in which we have written: applies and patches are told apart. */
function statusFieldsOf({ metadata }: KubeObject): Fields[] {
  const entries = (metadata.managedFields ?? []) as readonly { manager?: string; fieldsV1?: Fields }[];
  const ours = entries.filter(({ manager }) => manager === STATUS_FIELD_MANAGER);
  return at(
    ours.map(({ fieldsV1 = {} }) => fieldsV1),
    'f:status',
  );
}

function at(fields: readonly Fields[], ...path: readonly string[]): Fields[] {
  const [key, ...rest] = path;
  if (key === undefined) return [...fields];
  const found = fields.map((each) => each[key] as Fields | undefined).filter((each) => each !== undefined);
  return at(found, ...rest);
}
