import type { FieldError } from '../errors.js';
import { labelName } from '../writes/names.js';
import type { ApiObject } from '../object.js';
import { type BuiltinKind, withoutDeleteCollection } from './builtin-kind.js';
import { invalid } from './field-errors.js';
import { age, ageColumn, column, nameColumn } from './table-form.js';
import { specOf } from './workloads.js';

interface NamespaceSpec {
  finalizers?: string[];
}

const nameLabel = 'kubernetes.io/metadata.name';

const phaseOf = ({ status }: ApiObject): string => (status as { phase?: string } | undefined)?.phase ?? '';

function setNameLabel({ metadata }: ApiObject): void {
  if (metadata.name) metadata.labels = { ...metadata.labels, [nameLabel]: metadata.name };
}

/** The namespace controller takes it away when everything in the namespace is gone (`namespaces/finalize`). */
function requireFinalizer(namespace: ApiObject): void {
  const spec = specOf<NamespaceSpec>(namespace);
  const finalizers = spec.finalizers ?? [];
  if (!finalizers.includes('kubernetes')) namespace.spec = { ...spec, finalizers: [...finalizers, 'kubernetes'] };
}

function validatePhase(namespace: ApiObject): FieldError[] {
  const deleted = namespace.metadata.deletionTimestamp !== undefined;
  const expected = deleted ? 'Terminating' : 'Active';
  if (phaseOf(namespace) === expected) return [];
  const detail = `may only be '${expected}' if \`deletionTimestamp\` is ${deleted ? 'not ' : ''}empty`;
  return [invalid('status.Phase', phaseOf(namespace), detail)];
}

/** `v1` Namespace. */
export const namespaces: BuiltinKind = {
  group: '',
  kind: 'Namespace',
  shortNames: ['ns'],
  namespaced: false,
  verbs: withoutDeleteCollection,
  subresources: ['finalize', 'status'],
  strategy: {
    nameRule: labelName,
    setDefaults: setNameLabel,
    prepareForCreate: (namespace) => {
      setNameLabel(namespace);
      namespace.status = { phase: 'Active' };
      requireFinalizer(namespace);
    },
    prepareForUpdate: (namespace, old, { subresource }) => {
      if (subresource === 'finalize') return;
      const { finalizers } = specOf<NamespaceSpec>(old);
      namespace.spec = { ...specOf<NamespaceSpec>(namespace), finalizers };
      if (finalizers === undefined) delete (namespace.spec as NamespaceSpec).finalizers;
    },
    validateUpdate: (namespace, _old, { subresource }) => (subresource === 'status' ? validatePhase(namespace) : []),
    beginDeletion: (namespace) => {
      namespace.status = { ...(namespace.status as object | undefined), phase: 'Terminating' };
    },
    blocksDeletion: (namespace) => (specOf<NamespaceSpec>(namespace).finalizers ?? []).length > 0,
    selectableFieldNames: ['status.phase'],
    selectableFields: (namespace) => ({ 'status.phase': phaseOf(namespace) }),
  },
  table: {
    columns: [nameColumn, column('Status', 'The status of the namespace'), ageColumn],
    cells: (namespace, now) => [
      namespace.metadata.name,
      phaseOf(namespace),
      age(namespace.metadata.creationTimestamp, now),
    ],
  },
};
