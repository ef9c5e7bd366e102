import type { FieldError } from '../errors.js';
import type { ApiObject } from '../object.js';
import type { BuiltinKind } from './builtin-kind.js';
import { forbidden, invalid, nonNegative } from './field-errors.js';
import { age, ageColumn, column, nameColumn } from './table-form.js';
import { specOf } from './workloads.js';

interface LeaseSpec {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  leaseTransitions?: number;
  preferredHolder?: string;
  strategy?: string;
}

function validate(lease: ApiObject): FieldError[] {
  const { leaseDurationSeconds: duration, leaseTransitions, preferredHolder, strategy } = specOf<LeaseSpec>(lease);
  return [
    ...(duration !== undefined && duration <= 0
      ? [invalid('spec.leaseDurationSeconds', duration, 'must be greater than 0')]
      : []),
    ...nonNegative('spec.leaseTransitions', leaseTransitions),
    ...(preferredHolder && !strategy
      ? [forbidden('spec.preferredHolder', 'may only be specified if `strategy` is defined')]
      : []),
  ];
}

/** `coordination.k8s.io/v1` Lease. */
export const leases: BuiltinKind = {
  group: 'coordination.k8s.io',
  kind: 'Lease',
  strategy: {
    createOnUpdate: true,
    unconditionalUpdate: false,
    validate,
    validateUpdate: (lease) => validate(lease),
  },
  table: {
    columns: [nameColumn, column('Holder', 'The identity of the holder of a current lease.'), ageColumn],
    cells: (lease, now) => [
      lease.metadata.name,
      specOf<LeaseSpec>(lease).holderIdentity ?? '',
      age(lease.metadata.creationTimestamp, now),
    ],
  },
};
