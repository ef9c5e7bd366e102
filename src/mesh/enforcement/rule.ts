import { asRecord, asRecords, asStrings } from '../policy-object.js';
import { type Attribute, ATTRIBUTES, attributeOf, type Context, OPERATION, type Test } from './attributes.js';

type Fields = Readonly<Record<string, unknown>>;

/** A question of a rule: whether one of the values is what is seen, or (`isWanted: false`) none of them. */
export interface Question {
  /** A key of `when`, by which the fields of `from` and `ports` go too; or `hosts`, `methods`, `paths`. */
  readonly key: string;
  /** Those that are understood, each with its test. */
  readonly values: readonly { readonly value: string; readonly test: Test }[];
  readonly isWanted: boolean;
}

/** All clauses of a rule: of a clause one entry, of an entry all questions. */
export type Clauses = readonly (readonly (readonly Question[])[])[];

/** What stands in a rule, beside its values and `not` values. */
interface Condition {
  readonly key: string;
  readonly attribute: Attribute;
  readonly values: readonly string[];
  readonly notValues: readonly string[];
}

/** How a rule is read. */
export interface Reading extends Context {
  /** A rule of ALLOW with a value that is not understood is left out; else the value is, and the rule matches more. */
  readonly isAllow: boolean;
  /** Whether there is HTTP to be asked about. */
  readonly isHttp: boolean;
}

/** Fields of `source`, by the keys of `when` that ask the same. */
const SOURCE: Readonly<Record<string, keyof typeof ATTRIBUTES>> = {
  ipBlocks: 'source.ip',
  remoteIpBlocks: 'remote.ip',
  namespaces: 'source.namespace',
  trustDomains: 'source.trustDomain',
  serviceAccounts: 'source.serviceAccount',
  requestPrincipals: 'request.auth.principal',
  principals: 'source.principal',
};
const OPERATIONS = { hosts: 'hosts', methods: 'methods', paths: 'paths', ports: 'destination.port' };
const BY_KEY: Readonly<Record<string, Attribute>> = { ...ATTRIBUTES, ...OPERATION };

/**
 * What a rule asks: one of `from`, one of `to`, and all of `when`. Undefined if the proxy does not get the rule.
 *
 * @see istio/istio pilot/pkg/security/authz/model/model.go
 */
export function readRule(rule: Fields, reading: Reading): Clauses | undefined {
  const when = asRecords(rule['when']).map(({ key, values, notValues }) => ({
    key: String(key),
    attribute: attributeOf(String(key)),
    values: asStrings(values),
    notValues: asStrings(notValues),
  }));
  // A `when` that is unknown leaves the rule out, whatever the action.
  if (!when.every((condition): condition is Condition => condition.attribute !== undefined)) return undefined;
  const from = asRecords(rule['from']).map((entry) => conditionsOf(asRecord(entry['source']), SOURCE));
  const to = asRecords(rule['to']).map((entry) => conditionsOf(asRecord(entry['operation']), OPERATIONS));
  const clauses = [from, to, ...when.map((condition) => [[condition]])]
    .filter((entries) => entries.length > 0)
    .map((entries) => entries.map((conditions) => questionsOf(conditions, reading)));
  const isRead = (entries: (Question[] | undefined)[]): entries is Question[][] => !entries.includes(undefined);
  return clauses.every(isRead) ? clauses : undefined;
}

/** The test of a rule. */
export function testOf(clauses: Clauses): Test {
  return (seen) =>
    clauses.every((entries) =>
      entries.some((questions) =>
        questions.every(({ values, isWanted }) => values.some(({ test }) => test(seen)) === isWanted),
      ),
    );
}

function conditionsOf(entry: Fields, keys: Readonly<Record<string, string>>): Condition[] {
  return Object.entries(keys).flatMap(([field, key]) => {
    const notField = `not${field.charAt(0).toUpperCase()}${field.slice(1)}`;
    if (entry[field] === undefined && entry[notField] === undefined) return [];
    return [{ key, attribute: BY_KEY[key]!, values: asStrings(entry[field]), notValues: asStrings(entry[notField]) }];
  });
}

/** All questions of an entry; undefined if one of them leaves the rule out. */
function questionsOf(conditions: readonly Condition[], reading: Reading): Question[] | undefined {
  const lists = conditions.flatMap(({ key, attribute, values, notValues }) => [
    { key, values: testsOf(attribute, values, reading), isWanted: true },
    { key, values: testsOf(attribute, notValues, reading), isWanted: false },
  ]);
  const isUnderstood = (one: { value: string; test: Test | undefined }): one is { value: string; test: Test } =>
    one.test !== undefined;
  if (reading.isAllow && lists.some(({ values }) => !values.every(isUnderstood))) return undefined;
  return lists
    .map(({ values, ...question }) => ({ ...question, values: values.filter(isUnderstood) }))
    .filter(({ values }) => values.length > 0);
}

function testsOf(
  attribute: Attribute,
  values: readonly string[],
  reading: Reading,
): { value: string; test: Test | undefined }[] {
  const isBlind = attribute.isHttp === true && !reading.isHttp;
  return values.map((value) => ({ value, test: isBlind ? undefined : attribute.test(value, reading) }));
}
