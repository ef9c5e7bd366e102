import type { ProxySettings } from '../../../src/mesh/enforcement/request.js';
import type { HttpFilter } from './istio-filters.js';

/** Header that says who the caller is, in the place of a certificate. */
export const principalHeader = 'x-test-principal';

/** What filters have noted of every request; policies can ask about it by `experimental.envoy.filters.test`. */
export const notedMetadata = { 'envoy.filters.test': { one: 'x', many: ['x', 'yes'] } };

/** A listener of the test's Envoy, and what it does with requests. */
export interface ListenerSpec {
  name: string;
  filters: readonly HttpFilter[];
  normalization: ProxySettings['pathNormalization'];
  /** Wants TLS, and a certificate of the caller. */
  tls?: { certificate: string; key: string };
}

const type = (name: string): string => `type.googleapis.com/envoy.${name}`;
const loopback = (port: number): object => ({ socket_address: { address: '127.0.0.1', port_value: port } });

/** Ports of `ext-authz.providers.svc.cluster.local`, and what each answers. */
export const providerAnswers = { 8000: 200, 8001: 403 };

/**
 * A static configuration of Envoy. Every listener answers 200 to what passes its filters. Connections begin with a line of the PROXY
 * protocol, which says where they are going.
 *
 * @param providerPorts  where the providers listen, by the port of their cluster
 */
export function bootstrap(listeners: readonly ListenerSpec[], providerPorts: Readonly<Record<number, number>>): object {
  return {
    admin: { address: loopback(0) },
    static_resources: {
      listeners: listeners.map(listener),
      clusters: Object.entries(providerPorts).map(([port, listensOn]) => {
        const name = `outbound|${port}||ext-authz.providers.svc.cluster.local`;
        return {
          name,
          connect_timeout: '5s',
          load_assignment: {
            cluster_name: name,
            endpoints: [{ lb_endpoints: [{ endpoint: { address: loopback(listensOn) } }] }],
          },
        };
      }),
    },
  };
}

function listener({ name, filters, normalization, tls }: ListenerSpec): object {
  return {
    name,
    address: loopback(0),
    listener_filters: [
      {
        name: 'proxy_protocol',
        typed_config: { '@type': type('extensions.filters.listener.proxy_protocol.v3.ProxyProtocol') },
      },
      {
        name: 'tls_inspector',
        typed_config: { '@type': type('extensions.filters.listener.tls_inspector.v3.TlsInspector') },
      },
    ],
    filter_chains: [
      {
        filters: [
          {
            name: 'http',
            typed_config: {
              '@type': type('extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'),
              stat_prefix: name,
              // As istiod sets them: pilot/pkg/networking/core/listener_builder.go
              use_remote_address: false,
              normalize_path: normalization !== 'NONE',
              merge_slashes: normalization?.includes('MERGE_SLASHES') ?? false,
              path_with_escaped_slashes_action:
                normalization === 'DECODE_AND_MERGE_SLASHES' ? 'UNESCAPE_AND_FORWARD' : 'KEEP_UNCHANGED',
              route_config: {
                virtual_hosts: [
                  {
                    name: 'all',
                    domains: ['*'],
                    routes: [
                      { match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: 'ok' } } },
                    ],
                  },
                ],
              },
              http_filters: [setPrincipal, setMetadata, ...filters, router].map(snakeCased),
            },
          },
        ],
        ...(tls && { transport_socket: transportSocket(tls) }),
      },
    ],
  };
}

/** The API takes both cases of names in JSON, but not beside each other. */
const snakeCased = (filter: HttpFilter): object => ({ name: filter.name, typed_config: filter.typedConfig });

const setPrincipal: HttpFilter = {
  name: 'set_filter_state',
  typedConfig: {
    '@type': type('extensions.filters.http.set_filter_state.v3.Config'),
    on_request_headers: [
      {
        object_key: 'io.istio.peer_principal',
        factory_key: 'envoy.string',
        format_string: {
          text_format_source: { inline_string: `%REQ(${principalHeader})%` },
          omit_empty_values: true,
        },
        skip_if_empty: true,
      },
    ],
  },
};

const setMetadata: HttpFilter = {
  name: 'set_metadata',
  typedConfig: {
    '@type': type('extensions.filters.http.set_metadata.v3.Config'),
    metadata: Object.entries(notedMetadata).map(([metadata_namespace, value]) => ({ metadata_namespace, value })),
  },
};

const router: HttpFilter = {
  name: 'router',
  typedConfig: { '@type': type('extensions.filters.http.router.v3.Router') },
};

function transportSocket({ certificate, key }: { certificate: string; key: string }): object {
  return {
    name: 'tls',
    typed_config: {
      '@type': type('extensions.transport_sockets.tls.v3.DownstreamTlsContext'),
      require_client_certificate: true,
      common_tls_context: {
        tls_certificates: [{ certificate_chain: { inline_string: certificate }, private_key: { inline_string: key } }],
        // Who signs the callers' certificates is none of the test's business.
        validation_context: { trust_chain_verification: 'ACCEPT_UNTRUSTED' },
      },
    },
  };
}
