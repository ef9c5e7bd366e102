/** An amount (`100m`, `1Gi`, `0.5`) as an exact decimal: `digits × 10^exponent`. */
interface Amount {
  readonly digits: bigint;
  readonly exponent: number;
  readonly form: 'decimal' | 'binary' | 'exponent';
}

const decimalSuffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const syntax = /^([+-]?)(\d*)(?:\.(\d*))?([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$/;

/** Reads a resource quantity; undefined for text that is none. */
function parse(text: string): Amount | undefined {
  const found = syntax.exec(text);
  if (found === null) return undefined;
  const [, sign, whole = '', fraction = '', suffix = ''] = found;
  if (whole === '' && fraction === '') return undefined;
  const digits = BigInt(`${sign === '-' ? '-' : ''}${whole}${fraction}` || '0');
  const binary = binarySuffixes.indexOf(suffix);
  if (binary > 0) return { digits: digits * 1024n ** BigInt(binary), exponent: -fraction.length, form: 'binary' };
  if (/^[eE][+-]?\d/.test(suffix)) {
    return { digits, exponent: Number(suffix.slice(1)) - fraction.length, form: 'exponent' };
  }
  return { digits, exponent: (decimalSuffixes.indexOf(suffix) - 3) * 3 - fraction.length, form: 'decimal' };
}

/** Rounded up to billionths, which is the finest that the API keeps. */
function nano({ digits, exponent }: Amount): bigint {
  const shift = exponent + 9;
  if (shift >= 0) return digits * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  const quotient = digits / divisor;
  const rest = digits % divisor;
  if (rest === 0n) return quotient;
  return digits > 0n ? quotient + 1n : quotient - 1n;
}

/** Whether a text is a resource quantity. */
export function isQuantity(value: unknown): boolean {
  return parse(String(value)) !== undefined;
}

/** A quantity in billionths, for comparison and addition; 0 for what is none. */
export function quantityInNano(value: unknown): bigint {
  const amount = parse(String(value));
  return amount === undefined ? 0n : nano(amount);
}

/** A quantity as the API server prints it (`0.5` is `500m`, `1024Mi` is `1Gi`); what is none stays as it is. */
export function canonicalQuantity(value: unknown): unknown {
  if (typeof value !== 'string' && typeof value !== 'number') return value;
  const amount = parse(String(value));
  if (amount === undefined) return value;
  const billionths = nano(amount);
  if (billionths === 0n) return '0';
  return amount.form === 'binary' ? binaryText(billionths) : decimalText(billionths, amount.form);
}

function binaryText(billionths: bigint): string {
  // Below 1024, and for parts of one, decimal is used.
  if (billionths % 10n ** 9n !== 0n || abs(billionths) < 1024n * 10n ** 9n) return decimalText(billionths, 'decimal');
  let units = billionths / 10n ** 9n;
  let power = 0;
  while (units % 1024n === 0n && power < binarySuffixes.length - 1) {
    units /= 1024n;
    power++;
  }
  return `${units}${binarySuffixes[power]}`;
}

function decimalText(billionths: bigint, form: 'decimal' | 'exponent'): string {
  let units = billionths;
  let power = 0;
  while (units % 1000n === 0n && power < decimalSuffixes.length - 1) {
    units /= 1000n;
    power++;
  }
  if (form === 'decimal') return `${units}${decimalSuffixes[power]}`;
  const exponent = (power - 3) * 3;
  return exponent === 0 ? `${units}` : `${units}e${exponent}`;
}

const abs = (value: bigint): bigint => (value < 0n ? -value : value);

/** The sum of quantities, printed in the form of the first. */
export function addQuantities(quantities: readonly unknown[]): string {
  const form = quantities.map((quantity) => parse(String(quantity))?.form).find((found) => found !== undefined);
  const sum = quantities.reduce<bigint>((total, quantity) => total + quantityInNano(quantity), 0n);
  if (sum === 0n) return '0';
  return form === 'binary' ? binaryText(sum) : decimalText(sum, 'decimal');
}
