import { isEqual } from '../json.js';
import type { FieldError } from '../errors.js';
import type { ApiObject } from '../object.js';
import type { BuiltinKind } from './builtin-kind.js';
import { amount, atMost100Percent, intOrPercent, invalid, required, unsupported } from './field-errors.js';
import { fill, type IntOrString } from './pod-spec.js';
import { selectorText } from './selector-validation.js';
import { age, ageColumn, column, nameColumn, wideColumn } from './table-form.js';
import {
  containerCells,
  containerColumns,
  counts,
  printedStrategy,
  specOf,
  validateWorkload,
  type WorkloadSpec,
  workloadStrategy,
} from './workloads.js';

interface DaemonSetSpec extends WorkloadSpec {
  updateStrategy: { type?: string; rollingUpdate?: { maxUnavailable?: IntOrString; maxSurge?: IntOrString } };
}

/** Counts the changes of the template; kept as a field in versions of long ago. */
const templateGeneration = 'deprecated.daemonset.template.generation';

function setDefaults(spec: DaemonSetSpec): void {
  fill(spec, { updateStrategy: {}, revisionHistoryLimit: 10 });
  fill(spec.updateStrategy, { type: 'RollingUpdate' });
  if (spec.updateStrategy.type !== 'RollingUpdate') return;
  spec.updateStrategy.rollingUpdate = fill(spec.updateStrategy.rollingUpdate ?? {}, { maxUnavailable: 1, maxSurge: 0 });
}

function validateUpdateStrategy({ type, rollingUpdate = {} }: DaemonSetSpec['updateStrategy']): FieldError[] {
  const path = 'spec.updateStrategy';
  if (type === 'OnDelete') return [];
  if (type !== 'RollingUpdate')
    return [unsupported(path, printedStrategy({ type: type ?? '' }), ['RollingUpdate', 'OnDelete'])];
  const { maxUnavailable, maxSurge } = rollingUpdate;
  const [unavailable, surge] = [`${path}.rollingUpdate.maxUnavailable`, `${path}.rollingUpdate.maxSurge`];
  const some = [amount(maxUnavailable) !== 0, amount(maxSurge) !== 0];
  return [
    ...intOrPercent(unavailable, maxUnavailable),
    ...intOrPercent(surge, maxSurge),
    ...atMost100Percent(unavailable, maxUnavailable),
    ...atMost100Percent(surge, maxSurge),
    ...(some.every(Boolean) ? [invalid(surge, maxSurge, 'may not be set when maxUnavailable is non-zero')] : []),
    ...(some.some(Boolean) ? [] : [required(unavailable, 'cannot be 0 when maxSurge is 0')]),
  ];
}

function setTemplateGeneration({ metadata }: ApiObject, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [templateGeneration]: String(generation) };
}

/** `apps/v1` DaemonSet. */
export const daemonSets: BuiltinKind = {
  group: 'apps',
  kind: 'DaemonSet',
  shortNames: ['ds'],
  categories: ['all'],
  subresources: ['status'],
  strategy: workloadStrategy<DaemonSetSpec>({
    setDefaults,
    changeFirst: true,
    validate: (spec) => [
      ...validateWorkload(spec, { kind: 'DaemonSet', emptyFor: 'daemonset', malformed: undefined, required: false }),
      ...validateUpdateStrategy(spec.updateStrategy),
    ],
    more: {
      prepareForCreate: (object) => setTemplateGeneration(object, 1),
      prepareForUpdate: (object, old, { subresource }) => {
        if (subresource !== '') return;
        const before = Number(old.metadata.annotations?.[templateGeneration] ?? 0);
        const changed = !isEqual(specOf<DaemonSetSpec>(object).template, specOf<DaemonSetSpec>(old).template);
        setTemplateGeneration(object, changed ? before + 1 : before);
      },
    },
  }),
  table: {
    columns: [
      nameColumn,
      column('Desired', 'The total number of nodes that should be running the daemon pod.', 'integer'),
      column(
        'Current',
        'The number of nodes that are running at least 1 daemon pod and are supposed to run the daemon pod.',
        'integer',
      ),
      column(
        'Ready',
        'The number of nodes that should be running the daemon pod and have one or more of the daemon pod running with a Ready Condition.',
        'integer',
      ),
      column('Up-to-date', 'The total number of nodes that are running updated daemon pod', 'integer'),
      column(
        'Available',
        'The number of nodes that should be running the daemon pod and have one or more of the daemon pod running and available.',
        'integer',
      ),
      column('Node Selector', 'NodeSelector is a selector which must be true for the pod to fit on a node.'),
      ageColumn,
      ...containerColumns,
      wideColumn('Selector', 'A label query over pods that are managed by the daemon set.'),
    ],
    cells: (object, now) => {
      const spec = specOf<DaemonSetSpec & { template: { spec: { nodeSelector?: Record<string, string> } } }>(object);
      const count = counts(object);
      return [
        object.metadata.name,
        count.desiredNumberScheduled,
        count.currentNumberScheduled,
        count.numberReady,
        count.updatedNumberScheduled,
        count.numberAvailable,
        selectorText({ matchLabels: spec.template?.spec?.nodeSelector ?? {} }),
        age(object.metadata.creationTimestamp, now),
        ...containerCells(spec.template),
        selectorText(spec.selector),
      ];
    },
  },
};
