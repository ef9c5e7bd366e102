const binary = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const decimal: Record<string, number> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };

/**
 * The form in which Kubernetes prints an amount: `2000m` is `2`, `1024Mi` is `1Gi`. What is no amount stays as it is.
 *
 * @see k8s.io/apimachinery pkg/api/resource, Quantity
 */
export function canonicalQuantity(text: string): string {
  const [, digits, fraction = '', unit = ''] = /^(\d+)(?:\.(\d+))?([A-Za-z]*)$/.exec(text) ?? [];
  if (digits === undefined) return text;
  if (unit !== '' && binary.includes(unit)) return fraction === '' ? canonicalBinary(BigInt(digits), unit) : text;
  const exponent = decimal[unit];
  return exponent === undefined ? text : canonicalDecimal(BigInt(digits + fraction), exponent - fraction.length);
}

/** The amounts of `requests` and `limits` in their canonical form. */
export function canonicalResources(resources: {
  requests?: Record<string, string>;
  limits?: Record<string, string>;
}): object {
  const canonical = (amounts: Record<string, string>): object =>
    Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, canonicalQuantity(amount)]));
  return {
    ...(resources.limits && { limits: canonical(resources.limits) }),
    ...(resources.requests && { requests: canonical(resources.requests) }),
  };
}

function canonicalBinary(value: bigint, unit: string): string {
  let power = binary.indexOf(unit);
  for (; value > 0n && value % 1024n === 0n && power < binary.length - 1; power++) value /= 1024n;
  return `${value}${binary[power]}`;
}

function canonicalDecimal(value: bigint, exponent: number): string {
  if (value === 0n) return '0';
  for (; value % 10n === 0n; exponent++) value /= 10n;
  for (; exponent % 3 !== 0; exponent--) value *= 10n;
  const unit = Object.keys(decimal).find((name) => decimal[name] === exponent);
  return `${value}${unit ?? `e${exponent}`}`;
}
