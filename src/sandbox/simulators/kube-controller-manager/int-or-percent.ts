/**
 * The number that `value` stands for: itself, or a percentage of `total`, rounded up or down.
 *
 * @throws {Error} `value` is neither
 */
export function scaledValue(value: number | string, total: number, round: 'up' | 'down'): number {
  if (typeof value === 'number') return value;
  const [, digits] = /^(\d+)%$/.exec(value) ?? [];
  if (digits === undefined) throw new Error(`invalid value for IntOrString: ${JSON.stringify(value)}`);
  const exact = (Number(digits) * total) / 100;
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact);
}
