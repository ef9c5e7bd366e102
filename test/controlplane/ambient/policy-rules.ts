import type { LocalWorkload } from '../../../src/mesh/ztunnel-config.js';
import { type Count, count, type Json, type PolicyPair, type Seen } from './seen.js';

const allow = ({ sent }: PolicyPair): boolean => sent?.action === 'Allow';
const deny = ({ sent }: PolicyPair): boolean => sent?.action === 'Deny';
const sourcesOf = (rule: Json): Json[] => (rule.from ?? []).map(({ source }: Json) => source);
const operationsOf = (rule: Json): Json[] => (rule.to ?? []).map(({ operation }: Json) => operation);
const has = (record: Json, ...fields: string[]): boolean => fields.some((field) => record[field] !== undefined);
const httpTo = (rule: Json): boolean =>
  operationsOf(rule).some((operation) => has(operation, 'methods', 'notPaths', 'hosts', 'paths'));
const httpFrom = (rule: Json): boolean =>
  sourcesOf(rule).some((source) => has(source, 'requestPrincipals', 'remoteIpBlocks'));
const l4Conditions = ['source.ip', 'source.namespace', 'source.principal', 'destination.ip', 'destination.port'];
const httpWhen = (rule: Json): boolean => (rule.when ?? []).some(({ key }: Json) => !l4Conditions.includes(key));
const isHttp = (rule: Json): boolean => httpTo(rule) || httpFrom(rule) || httpWhen(rule);
const clausesOf = ({ sent }: PolicyPair): number =>
  (sent?.rules ?? []).flat().filter((clause) => clause.every((match) => Object.keys(match).length === 0)).length;
const inRules =
  (is: (rule: Json) => unknown, of: (pair: PolicyPair) => boolean = ({ sent }) => sent !== undefined): Count =>
  ({ policies }) =>
    count(
      policies.filter(of).flatMap(({ rules }) => rules),
      is,
    );
const inText =
  (pattern: RegExp): Count =>
  ({ policies }) =>
    count(policies, ({ sent }) => pattern.test(JSON.stringify(sent?.rules ?? [])));
const written =
  (pattern: RegExp): Count =>
  ({ policies }) =>
    count(
      policies.filter(({ sent }) => sent),
      ({ object }) => pattern.test(JSON.stringify(object.spec)),
    );

/** AuthorizationPolicies: the algorithm of istiod, step by step. */
export const policyRules: Record<string, Count> = {
  'a dry run is not sent': ({ policies }) =>
    count(
      policies,
      ({ object, sent }) => !sent && /^(true|1)$/.test(object.metadata.annotations?.['istio.io/dry-run'] ?? ''),
    ),
  'a false dry run is sent': ({ policies }) =>
    count(policies, ({ object, sent }) => sent && object.metadata.annotations?.['istio.io/dry-run'] === 'false'),
  'what has a target is not sent': ({ policies }) =>
    count(policies, ({ object, sent }) => !sent && object.spec.targetRefs),
  'AUDIT is not sent': ({ policies }) => count(policies, ({ object, sent }) => !sent && object.spec.action === 'AUDIT'),
  'CUSTOM is not sent': ({ policies }) =>
    count(policies, ({ object, sent }) => !sent && object.spec.action === 'CUSTOM'),
  'scope of the mesh': ({ policies }) => count(policies, ({ sent }) => sent?.scope === 'Global'),
  'scope of a namespace': ({ policies }) => count(policies, ({ sent }) => sent?.scope === 'Namespace'),
  'scope of a selector': ({ policies }) => count(policies, ({ sent }) => sent?.scope === 'WorkloadSelector'),
  'no action is ALLOW': ({ policies }) =>
    count(policies, ({ object, sent }) => sent?.action === 'Allow' && (object.spec.action ?? 'ALLOW') === 'ALLOW'),
  'clauses of to, from and when': inRules((rule) => rule.to && rule.from && rule.when),
  'HTTP in to': inRules(httpTo),
  'HTTP in from': inRules(httpFrom),
  'HTTP in when': inRules(httpWhen),
  'ALLOW loses a rule': ({ policies }) =>
    count(policies.filter(allow), ({ rules, sent }) => sent!.rules.length < rules.length),
  'ALLOW loses all rules': ({ policies }) =>
    count(policies.filter(allow), ({ rules, sent }) => rules.length > 0 && sent!.rules.length === 0),
  'DENY keeps a rule with HTTP': inRules(isHttp, deny),
  'DENY has an empty clause: a no-op': ({ policies }) => count(policies.filter(deny), clausesOf),
  'DENY denies a whole port': inRules(
    (rule) =>
      operationsOf(rule).some(
        (operation) => has(operation, 'ports') && has(operation, 'methods', 'notPaths', 'hosts', 'paths'),
      ),
    deny,
  ),
  'ALLOW has an empty clause': ({ policies }) => count(policies.filter(allow), clausesOf),
  'what is no port is dropped': written(/"(http|70000)"/),
  'what is no address is dropped': written(/"(10\.0\.0\.0\/33|10\.0\.0\.300|x)"/),
  'trust domains are dropped': inRules((rule) => sourcesOf(rule).some((source) => has(source, 'trustDomains'))),
  'an account of the own namespace': inText(/"serviceAccount":"a"/),
  'an account of another namespace': inText(/"namespace":"other"/),
  any: inText(/Presence/),
  'an end': inText(/Suffix/),
  'a beginning': inText(/Prefix/),
  'a whole name': inText(/Exact/),
  'a rule of nothing': ({ policies }) =>
    count(policies, ({ sent }) => sent?.rules.some((clauses) => clauses.length === 0)),
  'no rules': ({ policies }) => count(policies, ({ sent, rules }) => sent && rules.length === 0),
  'an empty selector attaches to none': ({ policies }) =>
    count(policies, ({ object, sent }) => sent && object.spec.selector && !object.spec.selector.matchLabels),
  'a selector without labels attaches to all': ({ policies }) =>
    count(policies, ({ object, sent }) => sent && JSON.stringify(object.spec.selector) === '{"matchLabels":{}}'),
  'a selector attaches': ({ workloads }) =>
    count(workloads, ({ sent }) => sent.authorizationPolicies?.some((name) => /\/policy-/.test(name))),
  'a selector of the root namespace attaches': ({ workloads }) =>
    count(workloads, ({ sent }) => sent.authorizationPolicies?.some((name) => /\/root-/.test(name))),
};

const attaches = (sent: LocalWorkload, pattern: RegExp): boolean =>
  sent.authorizationPolicies?.some((name) => pattern.test(name)) === true;
const ownPeer = /\/converted_peer_authentication_/;
const strict = /\/istio_converted_static_strict$/;
const isSent = (name: string, { index }: Seen): boolean =>
  index.policies.some((policy) => `${policy.namespace}/${policy.name}` === name);
const ownOf = ({ authorizationPolicies = [] }: LocalWorkload): string[] =>
  authorizationPolicies.filter((name) => ownPeer.test(name));

/** PeerAuthentications. */
export const peerRules: Record<string, Count> = {
  'STRICT attaches': ({ workloads }) => count(workloads, ({ sent }) => attaches(sent, strict)),
  'ports of their own attach': (seen) =>
    count(seen.workloads, ({ sent }) => ownOf(sent).some((name) => isSent(name, seen))),
  'ports of their own attach what is not there': (seen) =>
    count(seen.workloads, ({ sent }) => ownOf(sent).some((name) => !isSent(name, seen))),
  'a STRICT port is a rule': ({ peers }) =>
    count(peers, ({ sent }) => /destinationPorts/.test(JSON.stringify(sent ?? ''))),
  'an open port is an exception': ({ peers }) =>
    count(peers, ({ sent }) => /notDestinationPorts/.test(JSON.stringify(sent ?? ''))),
  'ports of their own change nothing': ({ peers }) =>
    count(
      peers,
      ({ object, sent }) => !sent && object.spec.portLevelMtls && object.metadata.namespace !== 'istio-system',
    ),
};
