import { asRecord, asRecords, asStrings } from '../policy-object.js';
import { type Attribute, ATTRIBUTES, attributeOf, type Context, OPERATION, type Test } from './attributes.js';

type Fields = Readonly<Record<string, unknown>>;

/** What stands in a rule, beside its values and `not` values. */
interface Condition {
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

const SOURCE: Readonly<Record<string, Attribute>> = {
  ipBlocks: ATTRIBUTES['source.ip'],
  remoteIpBlocks: ATTRIBUTES['remote.ip'],
  namespaces: ATTRIBUTES['source.namespace'],
  trustDomains: ATTRIBUTES['source.trustDomain'],
  serviceAccounts: ATTRIBUTES['source.serviceAccount'],
  requestPrincipals: ATTRIBUTES['request.auth.principal'],
  principals: ATTRIBUTES['source.principal'],
};
const OPERATIONS: Readonly<Record<string, Attribute>> = { ...OPERATION, ports: ATTRIBUTES['destination.port'] };

/**
 * The test of a rule: one of `from`, one of `to`, and all of `when`. Undefined if the proxy does not get the rule.
 *
 * @see istio/istio pilot/pkg/security/authz/model/model.go
 */
export function ruleTest(rule: Fields, reading: Reading): Test | undefined {
  const when = asRecords(rule['when']).map(({ key, values, notValues }) => ({
    attribute: attributeOf(String(key)),
    values: asStrings(values),
    notValues: asStrings(notValues),
  }));
  // A `when` that is unknown leaves the rule out, whatever the action.
  if (!when.every((condition): condition is Condition => condition.attribute !== undefined)) return undefined;
  const from = asRecords(rule['from']).map((entry) => conditionsOf(asRecord(entry['source']), SOURCE));
  const to = asRecords(rule['to']).map((entry) => conditionsOf(asRecord(entry['operation']), OPERATIONS));
  const clauses = [from, to, when.map((condition) => [condition])];
  const tests = clauses.map((entries) => entries.map((conditions) => allOf(conditions, reading)));
  if (!tests.every((entries): entries is Test[] => !entries.includes(undefined))) return undefined;
  const [sources = [], operations = [], conditions = []] = tests;
  return (seen) =>
    (sources.length === 0 || sources.some((test) => test(seen))) &&
    (operations.length === 0 || operations.some((test) => test(seen))) &&
    conditions.every((test) => test(seen));
}

function conditionsOf(entry: Fields, attributes: Readonly<Record<string, Attribute>>): Condition[] {
  return Object.entries(attributes).map(([field, attribute]) => ({
    attribute,
    values: asStrings(entry[field]),
    notValues: asStrings(entry[`not${field.charAt(0).toUpperCase()}${field.slice(1)}`]),
  }));
}

/** All conditions of an entry; undefined if one of them leaves the rule out. */
function allOf(conditions: readonly Condition[], reading: Reading): Test | undefined {
  const lists = conditions.flatMap(({ attribute, values, notValues }) => [
    { tests: testsOf(attribute, values, reading), wanted: true },
    { tests: testsOf(attribute, notValues, reading), wanted: false },
  ]);
  if (reading.isAllow && lists.some(({ tests }) => tests.includes(undefined))) return undefined;
  const understood = lists
    .map(({ tests, wanted }) => ({ tests: tests.filter((test) => test !== undefined), wanted }))
    .filter(({ tests }) => tests.length > 0);
  return (seen) => understood.every(({ tests, wanted }) => tests.some((test) => test(seen)) === wanted);
}

function testsOf(attribute: Attribute, values: readonly string[], reading: Reading): (Test | undefined)[] {
  const isBlind = attribute.isHttp === true && !reading.isHttp;
  return values.map((value) => (isBlind ? undefined : attribute.test(value, reading)));
}
