import { asRecord, asRecords } from '../../policy-object.js';
import type { Backends } from './backends.js';

type Fields = Readonly<Record<string, unknown>>;

/** A copy of requests that a rule of a VirtualService sends elsewhere. */
interface Mirror {
  readonly at: string;
  readonly destination: Fields;
  /** Where the share stands, and what it is; undefined: all. */
  readonly share?: { readonly at: string; readonly percent: unknown } | undefined;
}

/** The mirrors of a rule of a VirtualService. */
export function mirrorsOf(rule: Fields, at: string): Mirror[] {
  const { mirror, mirrors, mirrorPercentage, mirrorPercent, mirror_percent: old } = rule;
  const share =
    mirrorPercentage !== undefined
      ? { at: `${at}.mirrorPercentage.value`, percent: asRecord(mirrorPercentage)['value'] ?? 0 }
      : { at: `${at}.mirrorPercent`, percent: mirrorPercent ?? old };
  const one = {
    at: `${at}.mirror`,
    destination: asRecord(mirror),
    share: share.percent === undefined ? undefined : share,
  };
  return [
    ...(mirror === undefined || mirror === null ? [] : [one]),
    ...asRecords(mirrors).map(({ destination, percentage }, index) => ({
      at: `${at}.mirrors[${index}].destination`,
      destination: asRecord(destination),
      share:
        percentage === undefined
          ? undefined
          : { at: `${at}.mirrors[${index}].percentage.value`, percent: asRecord(percentage)['value'] ?? 0 },
    })),
  ];
}

/**
 * Mirrors as filters of an HTTPRoute.
 *
 * @param port  see {@link Backends.weighted}
 */
export function mirrorFilters(rule: Fields, at: string, backends: Backends, port: number | undefined): Fields[] {
  const { remarks } = backends;
  const mirrors = mirrorsOf(rule, at);
  asRecords(rule['mirrors']).forEach((mirror, index) =>
    remarks.refuseOthers(mirror, `${at}.mirrors[${index}]`, ['destination', 'percentage']),
  );
  if (mirrors.length === 0)
    for (const field of ['mirrorPercentage', 'mirrorPercent', 'mirror_percent'])
      if (rule[field] !== undefined) remarks.leaveOut(`${at}.${field}`, 'nothing is mirrored');
  return mirrors.flatMap(({ at: path, destination, share }) => {
    const backendRef = backends.backend(destination, port, path);
    const part = share ? shareOf(share.percent) : {};
    if (!part) remarks.refuse(share!.at, 'is no share that an HTTPRoute can say');
    return backendRef ? [{ type: 'RequestMirror', requestMirror: { backendRef, ...part } }] : [];
  });
}

/** Envoy counts in millionths. */
const DENOMINATOR = 1_000_000;

function shareOf(percent: unknown): Fields | undefined {
  if (typeof percent !== 'number' || percent < 0 || percent > 100) return undefined;
  if (percent === 100) return {};
  if (Number.isInteger(percent)) return { percent };
  const numerator = Math.round((percent * DENOMINATOR) / 100);
  const isWhole = Math.abs((percent * DENOMINATOR) / 100 - numerator) < 1e-6;
  return isWhole ? { fraction: { numerator, denominator: DENOMINATOR } } : undefined;
}
