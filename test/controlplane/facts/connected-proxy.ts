import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { eventually } from '../../conformance/server.js';

type Json = any; // eslint-disable-line @typescript-eslint/no-explicit-any -- Envoy's configuration

const discovery = '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources';
const types = {
  cds: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  eds: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  lds: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  rds: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
} as const;

/** Which proxy istiod is to think that it talks to. */
export interface ProxyIdentity {
  readonly type: 'sidecar' | 'waypoint' | 'router';
  readonly namespace: string;
  /** The name of its pod. */
  readonly pod: string;
  readonly ip: string;
}

/**
 * A proxy without a proxy: it asks istiod as Envoy does, reads no answer, and then asks the debug port what the answer is,
 * as JSON.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol
 */
export class ConnectedProxy {
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;
  readonly #node: Buffer;
  readonly #id: string;

  /**
   * @param istiod.xdsUrl  where istiod talks to proxies without TLS, and so without asking who they are
   * @param istiod.debugUrl  where istiod shows what it tells them
   */
  constructor(
    readonly istiod: { xdsUrl: string; debugUrl: string },
    { type, namespace, pod, ip }: ProxyIdentity,
  ) {
    this.#id = `${pod}.${namespace}`;
    this.#node = nodeMessage(`${type}~${ip}~${this.#id}~${namespace}.svc.cluster.local`, {
      NAMESPACE: namespace,
      INSTANCE_IPS: ip,
      CLUSTER_ID: 'Kubernetes',
      ISTIO_VERSION: '1.31.0',
      ENABLE_HBONE: 'true',
    });
    this.#session = connect(istiod.xdsUrl);
    const headers = { ':method': 'POST', ':path': discovery, 'content-type': 'application/grpc', te: 'trailers' };
    this.#stream = this.#session.request(headers);
    this.#stream.resume();
    this.#session.on('error', () => undefined);
    this.#stream.on('error', () => undefined);
    this.#ask('cds');
    this.#ask('lds');
  }

  /** The listener of that name, once it is as wanted. */
  listener(name: string, isWanted: (listener: Json) => boolean = () => true): Promise<Json> {
    return eventually(`listener ${name} of ${this.#id}`, async () =>
      (await this.#configs('lds')).find((each: Json) => each.name === name && isWanted(each)),
    );
  }

  /** All names of listeners, once there are any. */
  listeners(): Promise<string[]> {
    return eventually(`listeners of ${this.#id}`, async () => {
      const names = (await this.#configs('lds')).map(({ name }: Json) => name as string);
      return names.length > 0 ? names : undefined;
    });
  }

  /** The route configuration of that name, once it is as wanted. */
  routes(name: string, isWanted: (routes: Json) => boolean): Promise<Json> {
    this.#ask('rds', name);
    return eventually(`routes ${name} of ${this.#id}`, async () =>
      (await this.#configs('rds')).find((each: Json) => each.name === name && isWanted(each)),
    );
  }

  /** The endpoints of a cluster, once they are as wanted. */
  endpoints(cluster: string, isWanted: (endpoints: Json[]) => boolean): Promise<Json[]> {
    this.#ask('eds', cluster);
    return eventually(`endpoints of ${cluster} for ${this.#id}`, async () => {
      const assignment = (await this.#configs('eds')).find(({ clusterName }: Json) => clusterName === cluster);
      const endpoints = (assignment.endpoints ?? []).flatMap(({ lbEndpoints }: Json) => lbEndpoints as Json[]);
      return isWanted(endpoints) ? endpoints : undefined;
    });
  }

  close(): void {
    this.#session.destroy();
  }

  #ask(type: keyof typeof types, ...resources: string[]): void {
    const request = Buffer.concat([
      field(2, this.#node),
      ...resources.map((name) => field(3, name)),
      field(4, types[type]),
    ]);
    const head = Buffer.alloc(5);
    head.writeUInt32BE(request.length, 1);
    this.#stream.write(Buffer.concat([head, request]));
  }

  async #configs(type: keyof typeof types): Promise<Json[]> {
    const answer = await fetch(`${this.istiod.debugUrl}/debug/config_dump?proxyID=${this.#id}&types=${type}`);
    return ((await answer.json()) as Json).configs ?? [];
  }
}

/** A node of Envoy: its id and its metadata, a `google.protobuf.Struct` of strings. */
function nodeMessage(id: string, metadata: Record<string, string>): Buffer {
  const fields = Object.entries(metadata).map(([key, value]) =>
    field(1, Buffer.concat([field(1, key), field(2, field(3, value))])),
  );
  return Buffer.concat([field(1, id), field(3, Buffer.concat(fields))]);
}

/** A field of a protobuf message that has a length: a text or a message. */
function field(number: number, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return Buffer.from([...bytes, value]);
}
