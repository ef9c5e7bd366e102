import { asRecord, asRecords, asStrings } from '../policy-object.js';
import type { Difference } from './selection.js';
import type { ServicePorts } from './service-ports.js';

type Fields = Readonly<Record<string, unknown>>;

/** A rule, or an entry of one, as the waypoint must have it; `never` if nothing that comes through the Service matches it. */
type Translated = Fields | 'never';

/**
 * Keys of `when` that a waypoint sees otherwise than a sidecar.
 *
 * @see istio/istio pilot/pkg/networking/core/listener_waypoint.go (SANITIZE), listener_inbound.go (APPEND_FORWARD)
 */
const SEEN_OTHERWISE = /^(destination\.ip|connection\.sni|experimental\..*)$/;

/** The header in which proxies hand on certificates: a sidecar writes it before it looks at policies, a waypoint takes it away. */
const OF_CERTIFICATE = /^request\.(regex\.)?headers\[x-forwarded-client-cert\]$/i;

/** What in the rules of an AuthorizationPolicy cannot be said of a waypoint. */
export function ruleDifferences(rules: readonly Fields[]): Difference[] {
  return rules.flatMap((rule, index) => [
    ...asRecords(rule['when']).flatMap(({ key }, at): Difference[] => {
      const name = String(key);
      if (!SEEN_OTHERWISE.test(name) && !OF_CERTIFICATE.test(name)) return [];
      const message = `a waypoint sees another ${name} than a sidecar`;
      return [{ reason: 'Field', at: `spec.rules[${index}].when[${at}].key`, message }];
    }),
    ...portLists(rule).flatMap(({ path, values }): Difference[] => {
      const odd = values.filter((value) => !/^[1-9][0-9]*$/.test(value) || Number(value) > 65_535);
      if (odd.length === 0) return [];
      return [{ reason: 'Port', at: `spec.rules[${index}].${path}`, message: `${odd.join(', ')} is no port` }];
    }),
  ]);
}

/** Whether the rules say anything of ports. */
export const sayPorts = (rules: readonly Fields[]): boolean => rules.some((rule) => portLists(rule).length > 0);

/**
 * The rules with ports of a Service in place of those of its pods. What none of its requests matches is left out.
 *
 * @param rules  without any of their {@link ruleDifferences}
 */
export function rulesOfService(rules: readonly Fields[], ports: ServicePorts): Fields[] {
  return rules.map((rule) => ruleOfService(rule, ports)).filter((rule): rule is Fields => rule !== 'never');
}

function ruleOfService(rule: Fields, ports: ServicePorts): Translated {
  const to = asRecords(rule['to']).map(({ operation }) => inPortsOf(asRecord(operation), ['ports', 'notPorts'], ports));
  const when = asRecords(rule['when']).map((condition) =>
    condition['key'] === 'destination.port' ? inPortsOf(condition, ['values', 'notValues'], ports) : condition,
  );
  const operations = to.filter((operation): operation is Fields => operation !== 'never');
  const conditions = when.filter((condition): condition is Fields => condition !== 'never');
  if ((to.length > 0 && operations.length === 0) || conditions.length < when.length) return 'never';
  // An operation that asks for nothing any more matches everything, and with it the whole list.
  const isOpen = operations.some((operation) => Object.keys(operation).length === 0);
  const asked = conditions.filter(({ values, notValues }) => values !== undefined || notValues !== undefined);
  return Object.fromEntries(
    Object.entries(rule).flatMap(([field, value]): [string, unknown][] => {
      if (field === 'to') return isOpen ? [] : [[field, operations.map((operation) => ({ operation }))]];
      if (field === 'when') return asked.length === 0 ? [] : [[field, asked]];
      return [[field, value]];
    }),
  );
}

/** An entry with the ports of two of its lists translated: one that asks for a port, and one that asks for none of some. */
function inPortsOf(entry: Fields, [wanted, unwanted]: [string, string], ports: ServicePorts): Translated {
  const lists = new Map([wanted, unwanted].map((list) => [list, servicePortsOf(asStrings(entry[list]), ports)]));
  if (asStrings(entry[wanted]).length > 0 && lists.get(wanted)?.length === 0) return 'never';
  return Object.fromEntries(
    Object.entries(entry).flatMap(([field, value]): [string, unknown][] => {
      const translated = lists.get(field);
      if (translated === undefined) return [[field, value]];
      return translated.length === 0 ? [] : [[field, translated]];
    }),
  );
}

/** A port to which none of the Service leads stays, unless the Service has another by its number. */
const servicePortsOf = (values: readonly string[], { own, leadingTo }: ServicePorts): string[] => [
  ...new Set(values.flatMap((value) => leadingTo.get(value) ?? (own.has(value) ? [] : [value]))),
];

function portLists(rule: Fields): { path: string; values: readonly string[] }[] {
  const lists = [
    ...asRecords(rule['to']).flatMap(({ operation }, index) =>
      ['ports', 'notPorts'].map((field) => ({
        path: `to[${index}].operation.${field}`,
        values: asStrings(asRecord(operation)[field]),
      })),
    ),
    ...asRecords(rule['when']).flatMap((condition, index) =>
      condition['key'] === 'destination.port'
        ? ['values', 'notValues'].map((field) => ({
            path: `when[${index}].${field}`,
            values: asStrings(condition[field]),
          }))
        : [],
    ),
  ];
  return lists.filter(({ values }) => values.length > 0);
}

/** The rules with accounts by their full names, for a copy in another namespace: a name alone is one of the policy's own. */
export function withQualifiedAccounts(rules: readonly Fields[], namespace: string): Fields[] {
  const qualified = (values: unknown): string[] =>
    asStrings(values).map((account) => (account.includes('/') ? account : `${namespace}/${account}`));
  const inLists = (entry: Fields, lists: readonly string[]): Fields =>
    Object.fromEntries(
      Object.entries(entry).map(([field, values]) => [field, lists.includes(field) ? qualified(values) : values]),
    );
  return rules.map((rule) => ({
    ...rule,
    ...(rule['from'] !== undefined && {
      from: asRecords(rule['from']).map(({ source }) => ({
        source: inLists(asRecord(source), ['serviceAccounts', 'notServiceAccounts']),
      })),
    }),
    ...(rule['when'] !== undefined && {
      when: asRecords(rule['when']).map((condition) =>
        condition['key'] === 'source.serviceAccount' ? inLists(condition, ['values', 'notValues']) : condition,
      ),
    }),
  }));
}
