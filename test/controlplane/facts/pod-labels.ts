import { describe, expect, test } from 'vitest';
import { eventually } from '../../conformance/server.js';
import type { Json } from '../../simulators/istiod-objects.js';
import { AMBIENT, denies8080, UNCAPTURED, web, webPod } from './objects.js';
import { enforces, type Stage } from './stage.js';

/** What the injector's labels do to pods: §5.6, §5.1 as far as sidecars go, and §6.1. */
export function podLabels(stage: () => Stage): void {
  const injected = { 'istio-injection': 'enabled' };
  const tlsMode = { 'security.istio.io/tlsMode': 'istio' };
  const tunnel = { 'networking.istio.io/tunnel': 'http' };

  describe('§5.6: a selector with security.istio.io/tlsMode: istio', () => {
    const split = denies8080('split', { selector: { matchLabels: { app: 'web', ...tlsMode } } });
    const both = denies8080('both', { selector: { matchLabels: { app: 'web' } } });

    test('selects pods with a sidecar and no pod of the same template without', async () => {
      const withoutSidecar = webPod('captured', { 'sidecar.istio.io/inject': 'false' });
      const namespace = await stage().open({ ...injected, ...AMBIENT }, split, both, webPod('sidecar'), withoutSidecar);
      await stage().captured(namespace, 'captured');
      const [forBoth, forSidecars] = [`${namespace}/both`, `${namespace}/split`];
      const policies = await eventually('policies of both pods', async () => {
        const { workloads } = await stage().ambientIndex();
        const own = workloads.filter((each) => each.namespace === namespace);
        const attached = own.map(({ name, authorizationPolicies = [] }) => [name, [...authorizationPolicies].sort()]);
        const all = own.flatMap(({ authorizationPolicies = [] }) => authorizationPolicies);
        const areSeen = all.includes(forSidecars) && all.filter((each) => each === forBoth).length === 2;
        return areSeen ? attached : undefined;
      });
      expect(policies).toEqual([
        ['captured', [forBoth]],
        ['sidecar', [forBoth, forSidecars]],
      ]);
      const sidecar = await stage().proxy('sidecar', namespace, 'sidecar');
      await sidecar.listener('virtualInbound', (each) => enforces(each, 'both') && enforces(each, 'split'));
    });
  });

  describe('§5.1: the port of a policy', () => {
    test('is that of the pod at a sidecar, whose filter chain is for the same port', async () => {
      const policy = denies8080('port', { selector: { matchLabels: { app: 'web' } } });
      const namespace = await stage().open(injected, web(), policy, webPod());
      const sidecar = await stage().proxy('sidecar', namespace, 'web');
      const chains = ({ filterChains }: Json): Json[] =>
        filterChains.filter(({ filterChainMatch }: Json) => filterChainMatch?.destinationPort === 8080);
      const inbound = await sidecar.listener('virtualInbound', (each) => enforces(chains(each), 'port'));
      for (const { filters } of chains(inbound)) expect(JSON.stringify(filters)).toContain('"destinationPort":8080');
    });
  });

  describe("§6.1: the injector's labels on a pod without a sidecar", () => {
    /** How a sidecar reaches pods: what chooses TLS or the tunnel, and whether it goes into the tunnel. */
    async function ways(labels: Record<string, Record<string, string>>): Promise<Record<string, Json>> {
      const pods = Object.entries(labels).map(([name, own]) => webPod(name, own));
      const namespace = await stage().open(AMBIENT, web(), ...pods);
      const clients = await stage().open(injected, webPod('client'));
      const client = await stage().proxy('sidecar', clients, 'client');
      const wayOf = ({ metadata, endpoint }: Json): readonly [string, Json] => [
        (metadata.filterMetadata.istio.workload as string).split(';')[0]!,
        {
          tunnelled: endpoint.address.envoyInternalAddress?.serverListenerName === 'connect_originate',
          match: metadata.filterMetadata['envoy.transport_socket_match'],
        },
      ];
      const cluster = `outbound|80||web.${namespace}.svc.cluster.local`;
      const captured = Object.keys(labels).filter((name) => !('istio.io/dataplane-mode' in labels[name]!));
      for (const name of captured) await stage().captured(namespace, name);
      const endpoints = await client.endpoints(
        cluster,
        (all) =>
          all.length === pods.length && all.map(wayOf).some(([name, way]) => name === 'captured' && way.tunnelled),
      );
      return Object.fromEntries(endpoints.map(wayOf));
    }

    const hbone = { tunnelled: true, match: { tunnel: 'http' } };
    const mutualTls = { tunnelled: false, match: { tlsMode: 'istio' } };
    const plaintext = { tunnelled: false };

    test('tlsMode makes sidecars speak the mutual TLS of sidecars to it, be it captured or not', async () => {
      expect(
        await ways({ captured: {}, 'captured-tls': tlsMode, plain: UNCAPTURED, tls: { ...UNCAPTURED, ...tlsMode } }),
      ).toEqual({ captured: hbone, 'captured-tls': mutualTls, plain: plaintext, tls: mutualTls });
    });

    test('tunnel makes sidecars speak HBONE to it, though nobody there does', async () => {
      expect(await ways({ captured: {}, tunnel: { ...UNCAPTURED, ...tunnel } })).toEqual({
        captured: hbone,
        tunnel: hbone,
      });
    });
  });
}
