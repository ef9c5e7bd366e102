import { isIP } from 'node:net';
import type { LabelSelector } from '../../../kube/selectors.js';
import type { FieldError } from '../errors.js';
import type { ApiObject } from '../object.js';
import type { BuiltinKind } from './builtin-kind.js';
import { forbidden, invalid, oneOf, portReference, required, unsupported } from './field-errors.js';
import { fill, type IntOrString } from './pod-spec.js';
import { selectorText, validateSelector } from './selector-validation.js';
import { age, ageColumn, column, nameColumn } from './table-form.js';
import { specOf } from './workloads.js';

interface Peer {
  podSelector?: LabelSelector;
  namespaceSelector?: LabelSelector;
  ipBlock?: { cidr?: string };
}

interface PolicyRule {
  ports?: { protocol?: string; port?: IntOrString }[];
  from?: Peer[];
  to?: Peer[];
}

interface NetworkPolicySpec {
  podSelector?: LabelSelector;
  ingress?: PolicyRule[];
  egress?: PolicyRule[];
  policyTypes?: string[];
}

function setDefaults(spec: NetworkPolicySpec): void {
  const rules = [...(spec.ingress ?? []), ...(spec.egress ?? [])];
  for (const port of rules.flatMap(({ ports }) => ports ?? [])) fill(port, { protocol: 'TCP' });
  fill(spec, { policyTypes: spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'] });
}

function validatePeer({ podSelector, namespaceSelector, ipBlock }: Peer, path: string): FieldError[] {
  if (!podSelector && !namespaceSelector && !ipBlock) return [required(path, 'must specify a peer')];
  return [
    ...validateSelector(podSelector, `${path}.podSelector`),
    ...validateSelector(namespaceSelector, `${path}.namespaceSelector`),
    ...(ipBlock && (podSelector ?? namespaceSelector)
      ? [forbidden(path, 'may not specify both ipBlock and another peer')]
      : []),
    ...(ipBlock && !isCidr(ipBlock.cidr ?? '')
      ? [
          invalid(
            `${path}.ipBlock.cidr`,
            ipBlock.cidr,
            'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
          ),
        ]
      : []),
  ];
}

function isCidr(text: string): boolean {
  const [ip = '', bits = '', ...more] = text.split('/');
  return more.length === 0 && isIP(ip) !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (isIP(ip) === 4 ? 32 : 128);
}

function validateRules(rules: readonly PolicyRule[], path: string, peers: 'from' | 'to'): FieldError[] {
  return rules.flatMap((rule, index) => [
    ...(rule.ports ?? []).flatMap(({ protocol, port }, at) => [
      ...oneOf(`${path}[${index}].ports[${at}].protocol`, protocol, ['TCP', 'UDP', 'SCTP']),
      ...(port === undefined ? [] : portReference(`${path}[${index}].ports[${at}].port`, port)),
    ]),
    ...(rule[peers] ?? []).flatMap((peer, at) => validatePeer(peer, `${path}[${index}].${peers}[${at}]`)),
  ]);
}

function validate(object: ApiObject): FieldError[] {
  const { podSelector, ingress = [], egress = [], policyTypes = [] } = specOf<NetworkPolicySpec>(object);
  const known = ['Ingress', 'Egress'];
  return [
    ...validateSelector(podSelector, 'spec.podSelector'),
    ...validateRules(ingress, 'spec.ingress', 'from'),
    ...validateRules(egress, 'spec.egress', 'to'),
    ...policyTypes.flatMap((type, index) =>
      known.includes(type) ? [] : [unsupported(`spec.policyTypes[${index}]`, type, known)],
    ),
  ];
}

/** `networking.k8s.io/v1` NetworkPolicy. */
export const networkPolicies: BuiltinKind = {
  group: 'networking.k8s.io',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  shortNames: ['netpol'],
  strategy: {
    hasGeneration: true,
    setDefaults: (object) => setDefaults(specOf<NetworkPolicySpec>(object)),
    validate,
    validateUpdate: (object) => validate(object),
  },
  table: {
    columns: [nameColumn, column('Pod-Selector', 'Selects the pods to which this policy applies.'), ageColumn],
    cells: (object, now) => [
      object.metadata.name,
      selectorText(specOf<NetworkPolicySpec>(object).podSelector ?? {}),
      age(object.metadata.creationTimestamp, now),
    ],
  },
};
