import { type Amounts, amountOf } from './quantity.js';

/** How the API server says that a ResourceQuota has no room: what was asked of each resource that is short, and what there is. */
export interface QuotaRefusal {
  /** Name of the ResourceQuota. */
  readonly quota: string;
  readonly requested: Amounts;
  readonly used: Amounts;
  readonly limited: Amounts;
}

/**
 * Reads the refusal out of an error message; undefined if it says anything else.
 *
 * @see kubernetes/apiserver pkg/admission/plugin/resourcequota/controller.go, CheckRequest
 */
export function quotaRefusal(message: string): QuotaRefusal | undefined {
  const found = /exceeded quota: ([^,]+), requested: (.+), used: (.+), limited: (.+)$/.exec(message);
  if (!found) return undefined;
  const [, quota = '', requested = '', used = '', limited = ''] = found;
  return { quota, requested: amountsIn(requested), used: amountsIn(used), limited: amountsIn(limited) };
}

/** Whether there is room once something has gone that uses up so much. */
export function hasRoomAfter({ requested, used, limited }: QuotaRefusal, freed: Amounts): boolean {
  return Object.entries(requested).every(
    ([name, amount]) => (used[name] ?? 0n) - (freed[name] ?? 0n) + amount <= (limited[name] ?? 0n),
  );
}

/** `pods=1,requests.cpu=100m` */
function amountsIn(text: string): Amounts {
  return Object.fromEntries(
    text.split(',').map((entry) => {
      const [name = '', quantity = ''] = entry.split('=');
      return [name, amountOf(quantity)];
    }),
  );
}
