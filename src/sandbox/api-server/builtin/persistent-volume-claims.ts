import type { LabelSelector } from '../../../kube/selectors.js';
import type { FieldError } from '../errors.js';
import type { ApiObject } from '../object.js';
import type { BuiltinKind } from './builtin-kind.js';
import { forbidden, immutable, invalid, required, unsupported } from './field-errors.js';
import { fill, type ResourceList } from './pod-spec.js';
import { quantityInNano } from '../../quantity.js';
import { validateSelector } from './selector-validation.js';
import { age, ageColumn, column, nameColumn, wideColumn } from './table-form.js';
import { specOf } from './workloads.js';

interface ClaimSpec {
  accessModes?: string[];
  resources?: { requests?: ResourceList };
  selector?: LabelSelector;
  storageClassName?: string;
  volumeAttributesClassName?: string;
  volumeMode?: string;
  volumeName?: string;
}

interface ClaimStatus {
  phase?: string;
  accessModes?: string[];
  capacity?: ResourceList;
}

const shortModes: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

/** Fills in what a claim leaves out, also one in the template of a StatefulSet. */
export function defaultClaim(claim: Record<string, unknown>): void {
  claim.spec = fill((claim.spec ?? {}) as ClaimSpec, { volumeMode: 'Filesystem' });
  claim.status = fill((claim.status ?? {}) as ClaimStatus, { phase: 'Pending' });
}

function validate(claim: ApiObject): FieldError[] {
  const { accessModes = [], resources, selector } = specOf<ClaimSpec>(claim);
  const storage = resources?.requests?.storage;
  return [
    ...(accessModes.length === 0 ? [required('spec.accessModes', 'at least 1 access mode is required')] : []),
    ...accessModes
      .filter((mode) => !(mode in shortModes))
      .map((mode) => unsupported('spec.accessModes', mode, Object.keys(shortModes).sort())),
    ...(storage === undefined ? [required('spec.resources[storage]')] : []),
    ...(storage !== undefined && quantityInNano(storage) <= 0n
      ? [invalid('spec.resources[storage]', storage, 'must be greater than zero')]
      : []),
    ...validateSelector(selector, 'spec.selector'),
  ];
}

function validateUpdate(claim: ApiObject, old: ApiObject): FieldError[] {
  const bound = (old.status as ClaimStatus | undefined)?.phase === 'Bound';
  const filled = specOf<ClaimSpec>(old).volumeName === undefined;
  const fixed = (from: ApiObject): object => {
    const spec = { ...specOf<ClaimSpec>(from) };
    if (bound) delete spec.resources;
    if (bound) delete spec.volumeAttributesClassName;
    // Binding a claim fills in the volume.
    if (filled) delete spec.volumeName;
    return spec;
  };
  if (immutable('spec', fixed(claim), fixed(old)).length === 0) return validate(claim);
  const detail =
    'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n';
  return [forbidden('spec', detail)];
}

/** `v1` PersistentVolumeClaim. */
export const persistentVolumeClaims: BuiltinKind = {
  group: '',
  kind: 'PersistentVolumeClaim',
  shortNames: ['pvc'],
  subresources: ['status'],
  strategy: {
    returnsDeleted: true,
    setDefaults: (claim) => defaultClaim(claim),
    prepareForCreate: (claim) => {
      claim.status = { phase: 'Pending' };
      // Of the admission plugin StorageObjectInUseProtection.
      const protection = 'kubernetes.io/pvc-protection';
      const finalizers = claim.metadata.finalizers ?? [];
      if (!finalizers.includes(protection)) claim.metadata.finalizers = [...finalizers, protection];
    },
    validate,
    validateUpdate: (claim, old, { subresource }) => (subresource === 'status' ? [] : validateUpdate(claim, old)),
  },
  table: {
    columns: [
      nameColumn,
      column('Status', 'Phase represents the current phase of PersistentVolumeClaim.'),
      column('Volume', 'Name of the volume that the claim is bound to.'),
      column('Capacity', 'Capacity of the volume.'),
      column('Access Modes', 'Access modes of the volume.'),
      column('StorageClass', 'StorageClass of the pvc'),
      column('VolumeAttributesClass', 'VolumeAttributesClass of the pvc'),
      ageColumn,
      wideColumn('VolumeMode', 'What kind of volume the claim asks for.'),
    ],
    cells: (claim, now) => {
      const spec = specOf<ClaimSpec>(claim);
      const status = (claim.status ?? {}) as ClaimStatus;
      const bound = Boolean(spec.volumeName);
      return [
        claim.metadata.name,
        claim.metadata.deletionTimestamp === undefined ? (status.phase ?? '') : 'Terminating',
        spec.volumeName ?? '',
        bound ? (status.capacity?.storage ?? '0') : '',
        bound ? (status.accessModes ?? []).map((mode) => shortModes[mode] ?? mode).join(',') : '',
        spec.storageClassName ?? '',
        spec.volumeAttributesClassName ?? '<unset>',
        age(claim.metadata.creationTimestamp, now),
        spec.volumeMode ?? '<unset>',
      ];
    },
  },
};
