import { k8s } from 'cdk8s-plus-28';
import { LABEL } from '../src/api/labels.js';
import { FINDINGS, type Finding } from '../src/mesh/findings.js';
import { type Manifest, Objects } from './objects.js';
import { MAX_CONFIG_MAP_BYTES } from './ztunnel-config-maps.js';

/** Name of the ConfigMap with all findings about its namespace. */
export const FINDINGS_CONFIG_MAP = 'sidestep-findings';

/** Keys: the list, how many findings there are, and how many of them stand in the list. */
const LIST_KEY = 'findings.yaml';
const TOTAL_KEY = 'total';
const LISTED_KEY = 'listed';

/** All keys that we write. */
export const FINDINGS_KEYS = [LIST_KEY, TOTAL_KEY, LISTED_KEY] as const;

/** A finding, and whether somebody has accepted it. */
export interface ListedFinding {
  readonly finding: Finding;
  readonly acknowledged: boolean;
}

/** The object that the garbage collector takes the ConfigMap with. */
type Owner = NonNullable<Manifest['metadata']['ownerReferences']>[number];

/** What the ConfigMap holds, by key. */
export type FindingsData = Readonly<Record<(typeof FINDINGS_KEYS)[number], string>>;

/**
 * The findings about a namespace as data of its ConfigMap, in their order. What does not fit is left out from the end, and counted:
 * `total` says how many there are, `listed` how many of them the list has.
 *
 * @param findings  worst first
 * @param maxBytes  of the list
 */
export function findingsData(
  findings: readonly ListedFinding[],
  maxBytes: number = MAX_CONFIG_MAP_BYTES,
): FindingsData {
  const items = fitting(findings.map(item), maxBytes);
  return {
    [LIST_KEY]: items.length === 0 ? '[]\n' : items.join(''),
    [TOTAL_KEY]: String(findings.length),
    [LISTED_KEY]: String(items.length),
  };
}

/** The ConfigMap of a namespace that holds such data. */
export function findingsConfigMap(
  data: FindingsData,
  options: {
    readonly namespace: string;
    readonly owner: Owner;
    readonly annotations?: Readonly<Record<string, string>>;
  },
): Manifest {
  const { namespace, owner, annotations } = options;
  const labels = { [LABEL.managedBy]: 'sidestep' };
  const objects = new Objects().add(k8s.KubeConfigMap, {
    metadata: {
      name: FINDINGS_CONFIG_MAP,
      namespace,
      labels,
      ...(annotations && { annotations }),
      ownerReferences: [owner],
    },
    data,
  });
  return objects.render()[0]!;
}

/** The first items, as many as are not larger together. */
function fitting(items: readonly string[], maxBytes: number): readonly string[] {
  let size = 0;
  const end = items.findIndex((text) => (size += Buffer.byteLength(text)) > maxBytes);
  return end === -1 ? items : items.slice(0, end);
}

/** Text that came from elsewhere stands in quotes: a string of JSON is one of YAML. */
function item({ finding: { code, object, path, message }, acknowledged }: ListedFinding): string {
  const { verdict } = FINDINGS[code];
  const fields: readonly (readonly [string, string] | undefined)[] = [
    ['code', code],
    ['verdict', verdict],
    ['object', JSON.stringify(object)],
    path === undefined ? undefined : ['path', JSON.stringify(path)],
    ['message', JSON.stringify(message)],
    ['acknowledged', String(acknowledged)],
  ];
  const lines = fields.flatMap((field) => (field ? [`${field[0]}: ${field[1]}\n`] : []));
  return `- ${lines.join('  ')}`;
}
