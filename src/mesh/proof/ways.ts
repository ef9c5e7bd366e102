import { policiesOfSidecar, policiesOfWaypoint } from '../enforcement/attachment.js';
import {
  addressOf,
  type Checkpoint,
  type Destination,
  type Endpoint,
  guardOf,
  policiesOfZtunnel,
  principalOf,
  serviceByAddress,
  speaksHttp,
  waypointOn,
} from '../enforcement/checkpoint.js';
import { sidecarMutualTls } from '../enforcement/mutual-tls.js';
import { type Connection, decideAtZtunnel } from '../enforcement/ztunnel-authorization.js';
import { type MeshPicture, type PictureWaypoint, type PictureWorkload, waypointAt } from '../picture.js';
import type { PolicyObject } from '../policy-object.js';
import type { LocalPolicy } from '../ztunnel-config.js';
import type { Caller } from './callers.js';
import { type Gate, ProxyPolicies, remembered } from './gates.js';
import type { Way } from './solve.js';
import type { Target } from './targets.js';

/** Finds ways through pictures of one mesh. What many of them share is worked out once. */
export class Ways {
  readonly #proxies = new Map<string, ProxyPolicies>();
  readonly #ids = new Map<PolicyObject, number>();
  readonly #all = new Map<MeshPicture, readonly PolicyObject[]>();
  readonly #sidecars = new Map<PictureWorkload, BothProxies>();
  readonly #waypoints = new Map<PictureWaypoint, Map<unknown, ProxyPolicies>>();
  readonly #ztunnels = new Map<PictureWorkload, ZtunnelPolicies>();
  readonly #ztunnelsIn = new Map<MeshPicture, Map<string, ZtunnelPolicies>>();
  readonly #texts = new Map<string, number>();
  readonly #verdicts = new Map<string, boolean>();
  readonly #modes = new Map<MeshPicture, string[]>();
  readonly #sources = new Map<MeshPicture, Required<Connection['source']>[]>();
  /** Of a proxy or ztunnel: what it can tell of each caller. */
  readonly #lists = new Map<string, string[]>();

  /** The way to one pod of a destination. */
  way(from: PictureWorkload, to: Destination, endpoint: Endpoint, picture: MeshPicture): Way {
    const waypoint = waypointOn(from, to, endpoint, picture);
    const gates: Gate[] = [];
    for (const checkpoint of [waypoint, guardOf(from, to, waypoint, endpoint, picture)]) {
      const gate = checkpoint ? this.#gate(checkpoint, picture) : true;
      if (gate === false) return CLOSED;
      if (gate !== true) gates.push(gate);
    }
    return { key: gates.map(({ key }) => key).join(' '), isClosed: false, gates };
  }

  /** What tells a pod from others: the same for pods before which the same is enforced. */
  kindOf({ workload, port }: Endpoint, picture: MeshPicture): string {
    const { mode, hbone, local } = workload;
    const sidecar = this.#sidecar(workload, true, picture);
    const address = addressOf(workload);
    const destination = { address, port };
    const waypoint = local.waypoint && waypointAt(picture, local.waypoint);
    return [
      mode,
      hbone,
      mode === 'sidecar' ? sidecarMutualTls(workload, port, picture) : '',
      mode === 'ambient' ? this.#ztunnel(workload, picture).key(destination) : '',
      sidecar.id,
      sidecar.destinationKey({ destination }),
      waypoint &&
        this.#waypoint({ waypoint, service: undefined, readsHttp: true }, picture).destinationKey({ destination }),
      local.waypoint?.destination,
    ].join(' ');
  }

  /**
   * Callers by what can tell them apart on their way to a pod, in any of the pictures.
   *
   * @param callers  always the same
   */
  groupsOf(callers: readonly Caller[], target: Target, backend: Target['backends'][number]): Caller[][] {
    const kinds = [...backend].flatMap(([picture, endpoint]) => {
      const to = target.in(picture);
      const modes = remembered(this.#modes, picture, () => callers.map((caller) => modeOf(caller.in(picture)!)));
      return [modes, ...this.#listsOf(callers, to, endpoint, picture)];
    });
    const lists = [...new Set(kinds)];
    const groups = new Map<string, Caller[]>();
    callers.forEach((caller, index) => {
      const key = lists.map((list) => list[index]).join(' ');
      remembered(groups, key, () => []).push(caller);
    });
    return [...groups.values()];
  }

  /** For each of those who may enforce something: what they can tell of each caller. */
  #listsOf(callers: readonly Caller[], to: Destination, endpoint: Endpoint, picture: MeshPicture): string[][] {
    const { workload, port } = endpoint;
    const sources = remembered(this.#sources, picture, () =>
      callers.map((caller) => {
        const from = caller.in(picture)!;
        return { principal: principalOf(from, picture), address: addressOf(from) };
      }),
    );
    const ofProxy = (proxy: ProxyPolicies): string[] =>
      remembered(this.#lists, proxy.id, () =>
        sources.map(({ principal, address }) => proxy.sourceKind(principal, address)),
      );
    const local = serviceByAddress(to)?.local.waypoint ?? workload.local.waypoint;
    const waypoint = local && waypointAt(picture, local);
    const [service, readsHttp] = [serviceByAddress(to), speaksHttp(to)];
    const proxies = [
      ...(waypoint ? [this.#waypoint({ waypoint, service, readsHttp: !service || readsHttp }, picture)] : []),
      ...(workload.mode === 'sidecar' ? [this.#sidecar(workload, readsHttp, picture)] : []),
    ];
    if (workload.mode !== 'ambient') return proxies.map(ofProxy);
    const destination = { address: addressOf(workload), port };
    const ztunnel = this.#ztunnel(workload, picture);
    const verdicts = remembered(this.#lists, ztunnel.key(destination), () =>
      sources.map(({ principal, address }) =>
        [{ principal, address }, { address }].map((source) => this.#verdict(ztunnel, { source, destination })).join(),
      ),
    );
    return [...proxies.map(ofProxy), verdicts];
  }

  #verdict({ key, policies, seesAddress }: ZtunnelPolicies, connection: Connection): boolean {
    const { source, destination } = connection;
    const of = `${key(destination)} ${source.principal ?? ''} ${seesAddress ? source.address : ''}`;
    return remembered(this.#verdicts, of, () => decideAtZtunnel(policies, connection).allowed);
  }

  /** True if it lets everything pass, false if nothing. */
  #gate(checkpoint: Checkpoint, picture: MeshPicture): Gate | boolean {
    switch (checkpoint.hop) {
      case 'Any':
        return checkpoint.allowed;
      case 'Ztunnel':
        return this.#verdict(this.#ztunnel(checkpoint.workload, picture), checkpoint.connection);
      case 'Waypoint':
        return this.#waypoint(checkpoint, picture).gate(checkpoint.request) ?? true;
      case 'Sidecar':
        return this.#sidecar(checkpoint.workload, checkpoint.readsHttp, picture).gate(checkpoint.request) ?? true;
    }
  }

  #sidecar(workload: PictureWorkload, readsHttp: boolean, picture: MeshPicture): ProxyPolicies {
    const known = remembered(this.#sidecars, workload, (): BothProxies => ({}));
    return (known[readsHttp ? 'http' : 'tcp'] ??= this.#proxy(
      'Sidecar',
      policiesOfSidecar(this.#allOf(picture), workload, picture),
      readsHttp,
      picture,
    ));
  }

  #waypoint(
    {
      waypoint,
      service,
      readsHttp,
    }: Pick<Extract<Checkpoint, { hop: 'Waypoint' }>, 'waypoint' | 'service' | 'readsHttp'>,
    picture: MeshPicture,
  ): ProxyPolicies {
    const ofWaypoint = remembered(this.#waypoints, waypoint, () => new Map<unknown, ProxyPolicies>());
    return remembered(ofWaypoint, service && `${service.key} ${readsHttp}`, () =>
      this.#proxy('Waypoint', policiesOfWaypoint(this.#allOf(picture), waypoint, service, picture), readsHttp, picture),
    );
  }

  #proxy(
    hop: 'Sidecar' | 'Waypoint',
    policies: readonly PolicyObject[],
    readsHttp: boolean,
    { settings }: MeshPicture,
  ): ProxyPolicies {
    const ids = policies.map((policy) => remembered(this.#ids, policy, () => this.#ids.size));
    const id = `${hop}${readsHttp ? '' : ' tcp'} ${ids.join(',')}`;
    return remembered(this.#proxies, id, () => new ProxyPolicies(id, policies, settings, { hop, readsHttp }));
  }

  #ztunnel(workload: PictureWorkload, picture: MeshPicture): ZtunnelPolicies {
    return remembered(this.#ztunnels, workload, () => {
      const ofPicture = remembered(this.#ztunnelsIn, picture, () => new Map<string, ZtunnelPolicies>());
      const attached = `${workload.namespace} ${(workload.local.authorizationPolicies ?? []).join(' ')}`;
      return remembered(ofPicture, attached, () => {
        const policies = policiesOfZtunnel(workload, picture);
        const text = JSON.stringify(policies);
        // Pictures may differ in policies of the same names.
        const id = remembered(this.#texts, text, () => this.#texts.size);
        return ztunnelPolicies(policies, text, `ztunnel ${id}`);
      });
    });
  }

  #allOf(picture: MeshPicture): readonly PolicyObject[] {
    return remembered(this.#all, picture, () => [...picture.authorizationPolicies, ...picture.requestAuthentications]);
  }
}

const modeOf = ({ mode, hbone, gateway }: PictureWorkload): string => `${mode} ${hbone} ${gateway}`;

const CLOSED: Way = { key: 'closed', isClosed: true, gates: [] };

/** A sidecar, where it reads requests and where it does not. */
interface BothProxies {
  http?: ProxyPolicies;
  tcp?: ProxyPolicies;
}

interface ZtunnelPolicies {
  readonly policies: readonly LocalPolicy[];
  readonly seesAddress: boolean;
  /** What they can tell of where a connection goes. */
  readonly key: (destination: { readonly address: string; readonly port: number }) => string;
}

function ztunnelPolicies(policies: readonly LocalPolicy[], text: string, of: string): ZtunnelPolicies {
  const [seesSource, seesDestination, seesPort] = ['ourceIps"', 'estinationIps"', 'estinationPorts"'].map((field) =>
    text.includes(field),
  );
  return {
    policies,
    seesAddress: seesSource === true,
    key: ({ address, port }) => `${of} ${seesDestination ? address : ''} ${seesPort ? port : ''}`,
  };
}
