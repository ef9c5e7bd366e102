import { isQuantity, quantityInNano } from '../../quantity.js';
import type { Declarations } from './overloads.js';
import { CelEvaluationError } from './syntax.js';
import { Opaque } from './values.js';

/** Billionths, as in quantities of the API. */
type Quantity = Opaque<bigint>;

const unit = 10n ** 9n;
const quantity = (nanos: bigint): Quantity => new Opaque('kubernetes.Quantity', String(nanos), nanos);

function parsed(text: string): Quantity {
  if (!isQuantity(text)) {
    throw new CelEvaluationError(
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
  }
  return quantity(quantityInNano(text));
}

/** Quantities of Kubernetes (`100m`, `1Gi`). */
export const quantities: Declarations = {
  'quantity(string) -> kubernetes.Quantity': parsed,
  'isQuantity(string) -> bool': isQuantity,
  'sign(kubernetes.Quantity) -> int': ({ data }: Quantity) => (data > 0n ? 1n : data < 0n ? -1n : 0n),
  'kubernetes.Quantity!isGreaterThan(kubernetes.Quantity) -> bool': (a: Quantity, b: Quantity) => a.data > b.data,
  'kubernetes.Quantity!isLessThan(kubernetes.Quantity) -> bool': (a: Quantity, b: Quantity) => a.data < b.data,
  'kubernetes.Quantity!compareTo(kubernetes.Quantity) -> int': (a: Quantity, b: Quantity) =>
    a.data > b.data ? 1n : a.data < b.data ? -1n : 0n,
  'kubernetes.Quantity!asApproximateFloat() -> double': ({ data }: Quantity) => Number(data) / 1e9,
  'kubernetes.Quantity!asInteger() -> int': ({ data }: Quantity) => {
    if (data % unit !== 0n) throw new CelEvaluationError('cannot convert value to integer');
    return data / unit;
  },
  'kubernetes.Quantity!isInteger() -> bool': ({ data }: Quantity) => data % unit === 0n,
  'kubernetes.Quantity!add(kubernetes.Quantity) -> kubernetes.Quantity': (a: Quantity, b: Quantity) =>
    quantity(a.data + b.data),
  'kubernetes.Quantity!add(int) -> kubernetes.Quantity': (a: Quantity, b: bigint) => quantity(a.data + b * unit),
  'kubernetes.Quantity!sub(kubernetes.Quantity) -> kubernetes.Quantity': (a: Quantity, b: Quantity) =>
    quantity(a.data - b.data),
  'kubernetes.Quantity!sub(int) -> kubernetes.Quantity': (a: Quantity, b: bigint) => quantity(a.data - b * unit),
};
