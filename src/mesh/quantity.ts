/** Quantities of Kubernetes by the name of what they measure, such as `cpu`, `memory` or `requests.cpu`. */
export type Quantities = Readonly<Record<string, string>>;

/** The same in billionths, so that sums and comparisons are exact. */
export type Amounts = Readonly<Record<string, bigint>>;

const DECIMAL = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const BILLION = 9;

/**
 * A quantity in billionths, rounded up; 0 for what is none.
 *
 * @see kubernetes/apimachinery pkg/api/resource/quantity.go
 */
export function amountOf(quantity: string): bigint {
  const parsed = /^\+?([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+)|([numkMGTPE]|[KMGTPE]i)?)$/.exec(quantity);
  if (!parsed) return 0n;
  const [, whole = '', fraction = '', exponent, suffix = ''] = parsed;
  const binary = Math.max(0, BINARY.indexOf(suffix));
  const power = exponent === undefined ? 3 * DECIMAL.indexOf(suffix) - BILLION : Number(exponent);
  const shift = (binary > 0 ? 0 : power) + BILLION - fraction.length;
  const digits = BigInt(`${whole}${fraction}` || '0') * 1024n ** BigInt(binary);
  if (shift >= 0) return digits * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  return (digits + divisor - 1n) / divisor;
}

/** Every quantity in billionths. */
export function amountsOf(quantities: Quantities = {}): Amounts {
  return Object.fromEntries(Object.entries(quantities).map(([name, quantity]) => [name, amountOf(quantity)]));
}

/** Both together, or the greater of both, by name. */
export function combined(a: Amounts, b: Amounts, how: (a: bigint, b: bigint) => bigint): Amounts {
  return { ...a, ...Object.fromEntries(Object.entries(b).map(([name, amount]) => [name, how(a[name] ?? 0n, amount)])) };
}

/** So many times as much. */
export function times(amounts: Amounts, factor: number): Amounts {
  return Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, amount * BigInt(factor)]));
}

/** An amount for people: `cpu` in thousandths, bytes in Mi, everything else as a number. Rounded up. */
export function shownAmount(name: string, amount: bigint): string {
  const up = (unit: bigint): bigint => (amount + unit - 1n) / unit;
  if (name.endsWith('cpu')) return `${up(1_000_000n)}m`;
  const isBytes = ['memory', 'storage'].some((end) => name.endsWith(end));
  return isBytes ? `${up(2n ** 20n * 1_000_000_000n)}Mi` : `${up(1_000_000_000n)}`;
}
