import type { FieldError } from '../errors.js';
import type { ApiObject } from '../object.js';
import type { BuiltinKind } from './builtin-kind.js';
import { qualifiedName } from '../writes/names.js';
import { duplicate, forbidden, invalid, named } from './field-errors.js';
import { quantityInNano } from '../../quantity.js';
import type { ResourceList } from './pod-spec.js';
import { nameAndCreation } from './table-form.js';
import { specOf } from './workloads.js';

interface LimitRangeItem {
  type: string;
  min?: ResourceList;
  max?: ResourceList;
  default?: ResourceList;
  defaultRequest?: ResourceList;
}

interface LimitRangeSpec {
  limits?: LimitRangeItem[];
}

/** Containers get a default from what else is said about them (`SetDefaults_LimitRangeItem`). */
function defaultItem(item: LimitRangeItem): void {
  if (item.type !== 'Container') return;
  const limit = { ...item.max, ...item.default };
  const request = { ...item.min, ...limit, ...item.defaultRequest };
  if (Object.keys(limit).length > 0) item.default = limit;
  if (Object.keys(request).length > 0) item.defaultRequest = request;
}

const limitTypes = ['Pod', 'Container', 'PersistentVolumeClaim'];

function validateLimitRange(object: ApiObject): FieldError[] {
  const items = specOf<LimitRangeSpec>(object).limits ?? [];
  const types = items.map(({ type }) => type);
  return items.flatMap((item, index) => {
    const path = `spec.limits[${index}]`;
    const { type = '' } = item;
    const known = limitTypes.includes(type) || type.includes('/');
    return [
      ...named(`${path}.type`, type, qualifiedName),
      ...(known || type === ''
        ? []
        : [invalid(`${path}.type`, type, 'must be a standard limit type or fully qualified')]),
      ...(types.indexOf(item.type) === index ? [] : [duplicate(`${path}.type`, type)]),
      ...(type === 'Pod' ? validatePodLimits(item, path) : validateOrder(item, path)),
    ];
  });
}

/** Pods as a whole have no defaults. */
function validatePodLimits(item: LimitRangeItem, path: string): FieldError[] {
  return (['default', 'defaultRequest'] as const)
    .filter((field) => Object.keys(item[field] ?? {}).length > 0)
    .map((field) => forbidden(`${path}.${field}`, "may not be specified when `type` is 'Pod'"));
}

type Bound = 'min' | 'defaultRequest' | 'default' | 'max';

const boundNames: Readonly<Record<Bound, string>> = {
  min: 'min value',
  defaultRequest: 'default request value',
  default: 'default value',
  max: 'max value',
};

/** Bounds that may not be above others; which field is blamed, and whose value is shown, is upstream's choice. */
const order: readonly { blamed: Bound; low: Bound; high: Bound; shown?: Bound }[] = [
  { blamed: 'min', low: 'min', high: 'max' },
  { blamed: 'defaultRequest', low: 'min', high: 'defaultRequest' },
  { blamed: 'defaultRequest', low: 'defaultRequest', high: 'max' },
  { blamed: 'defaultRequest', low: 'defaultRequest', high: 'default' },
  { blamed: 'default', low: 'min', high: 'default', shown: 'min' },
  { blamed: 'default', low: 'default', high: 'max', shown: 'max' },
];

/** Least, default request, default and most follow each other. */
function validateOrder(item: LimitRangeItem, path: string): FieldError[] {
  const names = [...new Set(Object.keys(boundNames).flatMap((bound) => Object.keys(item[bound as Bound] ?? {})))];
  return names.flatMap((name) =>
    order.flatMap(({ blamed, low, high, shown = blamed }) => {
      const [least, most] = [item[low]?.[name], item[high]?.[name]];
      if (least === undefined || most === undefined || quantityInNano(least) <= quantityInNano(most)) return [];
      const detail = `${boundNames[low]} ${least} is greater than ${boundNames[high]} ${most}`;
      return [invalid(`${path}.${blamed}[${name}]`, item[shown]?.[name], detail)];
    }),
  );
}

/** `v1` LimitRange. */
export const limitRanges: BuiltinKind = {
  group: '',
  kind: 'LimitRange',
  shortNames: ['limits'],
  strategy: {
    createOnUpdate: true,
    setDefaults: (object) => specOf<LimitRangeSpec>(object).limits?.forEach(defaultItem),
    validate: validateLimitRange,
    validateUpdate: (object) => validateLimitRange(object),
  },
  table: nameAndCreation,
};
