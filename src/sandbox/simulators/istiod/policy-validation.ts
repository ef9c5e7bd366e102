import { isIP } from 'node:net';
import type { AuthorizationPolicy, PolicyRule } from './kinds.js';

/** A violation; the real validator wraps those that came as a list in a list again. */
interface Problem {
  text: string;
  isListed?: boolean;
}

const attributes = [
  'source.ip',
  'remote.ip',
  'source.namespace',
  'source.serviceAccount',
  'source.principal',
  'source.trustDomain',
  'request.auth.principal',
  'request.auth.audiences',
  'request.auth.presenter',
  'destination.ip',
  'destination.port',
  'connection.sni',
];
const mapAttributes = ['request.headers', 'request.auth.claims', 'experimental.envoy.filters.'];

/** Lists of a source, and of an operation, in which no value may be empty. */
const sourceLists = ['Principals', 'RequestPrincipals', 'Namespaces', 'IpBlocks', 'RemoteIpBlocks'];
const operationLists = ['Ports', 'Methods', 'Paths', 'Hosts'];

const meaningless = 'without `rules` is meaningless as it will never be triggered';
const instead = 'add an empty rule `{}` if you want it be triggered for every request';

/**
 * What is wrong with an AuthorizationPolicy, in istiod's words; undefined if nothing is. Path templates and what CUSTOM
 * cannot match are not looked at.
 *
 * @see istio/istio pkg/config/validation/validation.go, ValidateAuthorizationPolicy
 */
export function wrongPolicy({ metadata, spec = {} }: AuthorizationPolicy): string | undefined {
  const problems = [...actionProblems(spec), ...(spec.rules ?? []).flatMap(ruleProblems)];
  const [first] = problems;
  if (first === undefined) return undefined;
  const prefixed = problems.map(({ text }) => `invalid policy ${metadata.name}.${metadata.namespace}: ${text}`);
  return problems.length === 1 && !first.isListed ? prefixed[0] : list(prefixed);
}

function list(texts: string[]): string {
  const count = `${texts.length} error${texts.length === 1 ? '' : 's'} occurred:`;
  return `${count}\n${texts.map((text) => `\t* ${text}\n`).join('')}\n`;
}

function actionProblems({ action = 'ALLOW', rules, provider }: NonNullable<AuthorizationPolicy['spec']>): Problem[] {
  const problems: Problem[] = [];
  if (action === 'CUSTOM' && rules === undefined) problems.push({ text: `CUSTOM action ${meaningless}, ${instead}` });
  if (action === 'CUSTOM' && rules !== undefined && !provider?.name) {
    problems.push({ text: '`provider.name` must not be empty' });
  }
  if (action !== 'CUSTOM' && provider !== undefined) {
    problems.push({ text: `\`provider\` must not be with non CUSTOM action, found ${action}` });
  }
  if (action === 'DENY' && rules === undefined) problems.push({ text: `DENY action ${meaningless}, ${instead}` });
  return problems;
}

type Lists = Record<string, string[] | undefined>;

function ruleProblems({ from = [], to = [], when = [] }: PolicyRule, index: number): Problem[] {
  return [
    ...from.flatMap(({ source }) => matchProblems('from.source', source, sourceLists, index)),
    ...to.flatMap(({ operation }) => matchProblems('to.operation', operation, operationLists, index)),
    ...when.flatMap(conditionProblems),
  ];
}

function matchProblems(where: string, lists: Lists | undefined, names: string[], index: number): Problem[] {
  if (lists === undefined) return [{ text: `\`${where}\` must not be nil, found at rule ${index}` }];
  const isEmpty = Object.values(lists).every((values) => (values ?? []).length === 0);
  if (isEmpty) return [{ text: `\`${where}\` must not be empty, found at rule ${index}` }];
  const both = [...names, ...names.map((name) => `Not${name}`)];
  const valuesOf = (name: string): string[] => lists[name[0]!.toLowerCase() + name.slice(1)] ?? [];
  const listed = both.flatMap((name) => {
    const check = name.endsWith('IpBlocks') ? wrongAddresses : name.endsWith('Ports') ? wrongPorts : undefined;
    return (check?.(valuesOf(name)) ?? []).map((text) => ({ text, isListed: true }));
  });
  const empty = both.filter((name) => valuesOf(name).includes(''));
  return [...listed, ...empty.map((name) => ({ text: `empty value not allowed, found in ${name}` }))];
}

function conditionProblems({
  key = '',
  values = [],
  notValues = [],
}: NonNullable<PolicyRule['when']>[number]): Problem[] {
  if (key === '') return [{ text: '`key` must not be empty' }];
  if (values.length + notValues.length === 0) {
    return [{ text: `at least one of \`values\` or \`notValues\` must be set for key ${key}` }];
  }
  const told = (field: string, problem: string | undefined): Problem[] =>
    problem === undefined ? [] : [{ text: `invalid \`${field}\` for \`key\` ${key}: ${problem}` }];
  return [...told('value', wrongAttribute(key, values)), ...told('notValue', wrongAttribute(key, notValues))];
}

function wrongAttribute(key: string, values: string[]): string | undefined {
  if (values.includes('')) return `empty value not allowed, found in ${key}`;
  if (mapAttributes.some((prefix) => key.startsWith(prefix))) {
    return /^[^[]+\[.+\]$/.test(key) ? undefined : `bad key (${key}): should have format a[b]`;
  }
  if (!attributes.includes(key)) return `unknown attribute: ${key}`;
  const problems = key.endsWith('.ip') ? wrongAddresses(values) : key.endsWith('.port') ? wrongPorts(values) : [];
  return problems.length === 0 ? undefined : list(problems);
}

function wrongPorts(ports: string[]): string[] {
  return ports.flatMap((port) => {
    if (!/^\d+$/.test(port))
      return `bad port (${port}): strconv.ParseUint: parsing ${JSON.stringify(port)}: invalid syntax`;
    return Number(port) > 65_535 ? `bad port (${port}): <nil>` : [];
  });
}

function wrongAddresses(addresses: string[]): string[] {
  return addresses.flatMap((address) => {
    const [ip = '', bits] = address.split('/');
    if (bits === undefined) return isIP(ip) === 0 ? `bad IP address (${address})` : [];
    const parsing = `bad CIDR range (${address}): netip.ParsePrefix(${JSON.stringify(address)})`;
    if (isIP(ip) === 0) return `${parsing}: ParseAddr(${JSON.stringify(ip)}): unable to parse IP`;
    return Number(bits) <= (isIP(ip) === 4 ? 32 : 128) ? [] : `${parsing}: prefix length out of range`;
  });
}
