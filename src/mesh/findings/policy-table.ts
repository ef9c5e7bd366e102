import { type FindingKind, kind } from '../finding-kind.js';

const AUTHORIZATION = 'istio/istio pilot/pkg/serviceregistry/ambient/authorization.go';
const MATRIX = 'istio.io, ambient/migrate/_index, support matrix';
const NETWORK_POLICY = 'istio.io, ambient/usage/networkpolicy';

/** The findings about policies: who may call whom, and how. Those about policies behind a waypoint are in `waypoint-table.ts`. */
export const POLICY_FINDINGS = {
  SST2001: kind(
    'BLOCK',
    'An object, or a field of one, applies to this namespace that Sidestep does not know, so its meaning in ambient mode is not proven.',
    'Remove the object or the field, or acknowledge it after checking by hand that its loss or change is acceptable.',
    'design 5.3, the catch-all',
  ),
  SST2002: kind(
    'BLOCK',
    'A PeerAuthentication asks for plaintext (DISABLE), which ambient mode does not honour.',
    'Use PERMISSIVE, or remove the policy.',
    MATRIX,
  ),
  SST2003: kind(
    'BLOCK',
    'A NetworkPolicy admits traffic to pods of the namespace, and none does on TCP 15008, where mesh traffic arrives in ambient mode.',
    'Add port 15008 (TCP) to the rules that the message names: by it these callers reach every port of ambient pods, so say again which ports are theirs in an AuthorizationPolicy (to.operation.ports). Or acknowledge that the rules are for callers outside the mesh.',
    NETWORK_POLICY,
  ),
  SST2004: kind(
    'BLOCK',
    'The namespace or a Service in it is bound to a waypoint already, so pods would see the identity of the waypoint.',
    'Remove the label istio.io/use-waypoint, or acknowledge when every policy allows the waypoint.',
    'istio/istio pilot/pkg/serviceregistry/ambient/waypoints.go',
  ),
  SST2007: kind(
    'BLOCK',
    'A rule of an ALLOW AuthorizationPolicy asks for more than ztunnel sees (methods, paths, hosts, JWTs, headers): ztunnel leaves the rule out, and refuses what it allows.',
    'Copy the policy for a waypoint (targetRefs instead of the selector; sidestep assess prints it), and leave here only what decides by caller, address and port; or acknowledge the refusals.',
    AUTHORIZATION,
  ),
  SST2008: kind(
    'BLOCK',
    'A rule of a DENY AuthorizationPolicy asks for nothing but what ztunnel does not see (methods, paths, hosts, JWTs, headers): it never matches, and what it denies is let in.',
    'Copy the policy for a waypoint (targetRefs instead of the selector; sidestep assess prints it) and let pods be called by the waypoint only; acknowledge only if nobody needs the denial.',
    `${AUTHORIZATION}; istio/istio issue 61126`,
  ),
  SST2009: kind(
    'BLOCK',
    'A rule of a DENY AuthorizationPolicy asks for more than ztunnel sees, beside ports or callers: ztunnel denies these wholly.',
    'Copy the policy for a waypoint (targetRefs instead of the selector; sidestep assess prints it) and remove it here; or acknowledge the refusals.',
    AUTHORIZATION,
  ),
  SST2010: kind(
    'BLOCK',
    'An AuthorizationPolicy with action CUSTOM leaves the decision to an external authorizer, whom ztunnel does not ask: every request is let in.',
    'Change what the message names, so that Sidestep can write a copy for the waypoint; or write one yourself (targetRefs instead of the selector; sidestep assess prints it) and see that the waypoint reaches the provider; acknowledge only if nobody needs the decision.',
    MATRIX,
  ),
  SST2011: kind(
    'BLOCK',
    'An AuthorizationPolicy with action AUDIT has no effect at ztunnel: requests are no longer marked for the audit.',
    'Acknowledge it: it decides nothing. To go on with the audit, copy the policy for a waypoint before (targetRefs instead of the selector; sidestep assess prints it).',
    MATRIX,
  ),
  SST2012: kind(
    'BLOCK',
    'An AuthorizationPolicy decides by trustDomains, which ztunnel ignores without a word: alone they match nothing, beside other fields everything.',
    'Use principals with the trust domain in front (such as "example.org/*"), or notPrincipals.',
    AUTHORIZATION,
  ),
  SST2013: kind(
    'BLOCK',
    'ztunnel reads a field of an AuthorizationPolicy in another way than a sidecar: an empty entry, a port or address that does not parse, a condition without values, a namespace with a * in its middle, or a principal where the mesh has another trust domain than cluster.local, or aliases.',
    'Write what the message names in full: at least one field in each entry, ports from 1 to 65535, addresses as CIDR, a condition with values, principals with every trust domain.',
    AUTHORIZATION,
  ),
  SST2014: kind(
    'DROP',
    'An AuthorizationPolicy is a dry run (istio.io/dry-run): it decides nothing, and ztunnel does not log what it would decide.',
    'Nothing, if you do not need its logs any more; else attach a copy to a waypoint.',
    AUTHORIZATION,
  ),
  SST2015: kind(
    'WARN',
    'A policy has targetRefs that no waypoint of this migration serves: neither sidecars nor ztunnel enforce it, today as well as afterwards.',
    'Let the migration have a waypoint (spec.waypoint), and target that or Services of this namespace.',
    'istio.io, ambient/usage/waypoint, policy attachment',
  ),
  SST2016: kind(
    'WARN',
    'A policy of the root namespace targets a GatewayClass: the waypoint of this migration enforces it from its binding on, if it is of that class.',
    'Check that it allows what the callers of this namespace do.',
    'istio/istio issue 54696 (from Istio 1.25 on)',
  ),
  SST2017: kind(
    'BLOCK',
    'A RequestAuthentication applies to pods: ztunnel looks at no tokens, so that requests with a bad one are let in.',
    'Copy it for a waypoint (targetRefs instead of the selector; sidestep assess prints it), together with the AuthorizationPolicies that ask for request principals.',
    MATRIX,
  ),
  SST2018: kind(
    'BLOCK',
    'A port of a PeerAuthentication would be STRICT or not in another way than at a sidecar.',
    'Give the mode to the whole workload (mtls.mode, with a selector), or acknowledge the change that the message names.',
    'istio/istio pilot/pkg/serviceregistry/ambient/policies.go',
  ),
  SST2019: kind(
    'KEEP',
    'A policy of the root namespace reaches into this namespace, and means the same at ztunnel as at a sidecar.',
    'Nothing: it keeps its effect. Sidestep never changes it.',
    'istio.io, reference/config/security/authorization-policy, root namespace',
  ),
  SST2020: kind(
    'BLOCK',
    'NetworkPolicies do not admit the kubelet to a port that it probes: in ambient mode probes come from 169.254.7.127, or fd16:9254:7127:1337:ffff:ffff:ffff:ffff by IPv6, and no longer from the node.',
    'Admit the address that the message names (ipBlock, with /32 or /128) to the ports in it, or acknowledge it where your CNI always admits probes.',
    NETWORK_POLICY,
  ),
  SST2021: kind(
    'BLOCK',
    'A NetworkPolicy lets pods of the namespace call others, and none does on TCP 15008, by which they reach pods of the mesh in ambient mode.',
    'Add port 15008 (TCP) to the rules that the message names, or acknowledge that they are for destinations outside the mesh.',
    NETWORK_POLICY,
  ),
  SST2022: kind(
    'BLOCK',
    'A NetworkPolicy admits callers on TCP 15008 whom no rule admits to a port of the application: by 15008 they reach every port of ambient pods.',
    'Give the rules that the message names the callers (from) of the other rules, or let an AuthorizationPolicy say who may call, then acknowledge.',
    NETWORK_POLICY,
  ),
  SST2023: kind(
    'BLOCK',
    'A NetworkPolicy tells callers apart, and pods behind a waypoint see its address instead: they refuse the waypoint, or take everybody whom it lets in.',
    'Admit the pods of the waypoint on TCP 15008, let an AuthorizationPolicy with targetRefs say who may call, then acknowledge.',
    'istio-ambient facts 6.3',
  ),
  SST2024: kind(
    'WARN',
    'A policy of another namespace targets the Gateway of the waypoint that this namespace is to use: the waypoint enforces it on requests to this one, too.',
    'Check that it allows what the callers of this namespace do.',
    'istio.io, ambient/usage/waypoint, policy attachment',
  ),
  SST2025: kind(
    'BLOCK',
    'A policy has targetRefs that a waypoint enforces today, and the changed spec.waypoint takes the namespace away from it: what the policy denies would be let in.',
    'Target the new waypoint as well, or set spec.waypoint back; acknowledge only if nobody needs the policy.',
    'istio.io, ambient/usage/waypoint, policy attachment',
  ),
  SST2026: kind(
    'BLOCK',
    'A NetworkPolicy of another namespace of the mesh lets its pods call this one, and none does on TCP 15008, by which they reach ambient pods.',
    'Add port 15008 (TCP) to the rules that the message names, or acknowledge that pods there do not call this namespace.',
    NETWORK_POLICY,
  ),
  SST2027: kind(
    'BLOCK',
    'A NetworkPolicy of another namespace of the mesh admits callers of this one, and none does on TCP 15008, by which ambient pods call sidecars that speak HBONE.',
    'Add port 15008 (TCP) to the rules that the message names, or acknowledge that pods of this namespace do not call those there.',
    NETWORK_POLICY,
  ),
  SST2028: kind(
    'BLOCK',
    'NetworkPolicies select the pods of the waypoint, and keep callers from it, or it from the pods or istiod.',
    'Have a NetworkPolicy for the pods of the waypoint (label gateway.networking.k8s.io/gateway-name) that admits its callers on TCP 15008, and lets it out to the pods on TCP 15008 and to istiod on TCP 15012.',
    NETWORK_POLICY,
  ),
  SST2029: kind(
    'BLOCK',
    'A NetworkPolicy lets pods call this namespace on TCP 15008, and none lets them call its waypoint, through which ambient pods reach its Services.',
    'Admit TCP 15008 to the pods of the waypoint (label gateway.networking.k8s.io/gateway-name), too.',
    NETWORK_POLICY,
  ),
  SST2030: kind(
    'WARN',
    'A NetworkPolicy of another namespace of the mesh opens ports from or to everybody, and not TCP 15008, by which ambient pods call and are called by sidecars that speak HBONE.',
    'Add port 15008 (TCP) to the rules that the message names, if pods there and pods of this namespace call each other.',
    NETWORK_POLICY,
  ),
  SST2031: kind(
    'BLOCK',
    'A policy for a waypoint names a port on which pods listen, and the Service is called by another: a waypoint compares with the port of the Service, where a sidecar and ztunnel compare with that of the pod. An ALLOW refuses, and a DENY lets in.',
    'Write the port that the message names (spec.ports[].port of the Service) in the policy; or acknowledge that the rule is not for that Service.',
    'istio-ambient facts 5.1; istio/istio pilot/pkg/security/authz/model/generator.go (destPortGenerator)',
  ),
} satisfies Record<string, FindingKind>;
