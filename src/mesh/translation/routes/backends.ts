import { type PolicyObject, asRecord, asRecords, stringAt } from '../../policy-object.js';
import { headerFilters } from './filters.js';
import type { Remarks } from './remarks.js';
import { objectAt, type RoutePort, type RouteScope } from './scope.js';
import { subsetObjects } from './subset-services.js';

type Fields = Readonly<Record<string, unknown>>;

/** Most backends of a rule. */
const MAX_BACKENDS = 16;
const MAX_WEIGHT = 1_000_000;

/** Where the rules of an HTTPRoute send requests. */
export class Backends {
  /** Objects that the backends need, by what they are. */
  readonly #needed = new Map<string, PolicyObject>();

  /** @param route  the name of the VirtualService */
  constructor(
    readonly scope: RouteScope,
    readonly route: string,
    readonly remarks: Remarks,
  ) {}

  get needed(): PolicyObject[] {
    return [...this.#needed.values()];
  }

  /** Whether it takes the port of the request: it names none, and its Service has several. */
  dependsOnPort(destination: Fields): boolean {
    const service = this.#serviceOf(destination);
    return portOf(destination) === undefined && service !== undefined && portsOf(service).length !== 1;
  }

  /**
   * Destinations of a rule as `backendRefs`.
   *
   * @param port  on which the requests come; undefined: whichever, and no destination depends on it
   */
  weighted(routes: readonly Fields[], port: number | undefined, at: string): Fields[] {
    if (routes.length > MAX_BACKENDS) this.remarks.refuse(at, `has more than ${MAX_BACKENDS} destinations`);
    const weights = routes.map(({ weight }) => (typeof weight === 'number' ? weight : 0));
    if (routes.length > 1 && weights.every((weight) => weight === 0)) this.remarks.refuse(at, 'has no weights');
    return routes.flatMap((route, index) => {
      const path = `${at}[${index}]`;
      this.remarks.refuseOthers(route, path, ['destination', 'weight', 'headers']);
      const weight = weights[index]!;
      if (weight < 0 || weight > MAX_WEIGHT) this.remarks.refuse(`${path}.weight`, 'is none of an HTTPRoute');
      const filters = headerFilters(route['headers'], `${path}.headers`, this.remarks);
      const ref = this.backend(asRecord(route['destination']), port, `${path}.destination`);
      // A VirtualService does not look at the weight of its only destination.
      const share = routes.length > 1 ? { weight } : {};
      return ref ? [{ ...ref, ...share, ...(filters.length > 0 && { filters }) }] : [];
    });
  }

  /** A destination as a `backendRef`; undefined, and refused, if there is none that means the same. */
  backend(destination: Fields, port: number | undefined, at: string): Fields | undefined {
    this.remarks.refuseOthers(destination, at, ['host', 'port', 'subset']);
    const service = this.#serviceOf(destination);
    if (!service)
      return this.remarks.refuse(`${at}.host`, `${String(destination['host'])} is no Service that is known`);
    const { name, namespace = '' } = service.metadata;
    const number = portOf(destination) ?? this.#filledPort(service, port);
    if (number === undefined || !portsOf(service).some((one) => one.port === number))
      return this.remarks.refuse(`${at}.port`, `Service ${name} has no port ${number ?? 'that requests would go to'}`);
    const subset = stringAt(destination, 'subset') ?? '';
    if (namespace !== this.scope.namespace) {
      if (subset !== '') return this.remarks.refuse(`${at}.subset`, 'is of a Service of another namespace');
      this.#grant(name, namespace);
      return { name, namespace, port: number };
    }
    if (subset === '') return { name, port: number };
    const stand = subsetObjects(service, subset, this.scope, `${at}.subset`, this.remarks);
    for (const object of stand?.objects ?? []) this.#needed.set(`${object.kind}/${object.metadata.name}`, object);
    return stand && { name: stand.name, port: number };
  }

  #filledPort(service: PolicyObject, port: number | undefined): number | undefined {
    const [only, ...others] = portsOf(service);
    return others.length === 0 ? only?.port : port;
  }

  /** A short name is of the namespace of the VirtualService. */
  #serviceOf(destination: Fields): PolicyObject | undefined {
    const host = stringAt(destination, 'host') ?? '';
    const [, name, namespace] = /^([^.]+)\.([^.]+)\.svc(?:\.|$)/.exec(host) ?? [];
    if (name !== undefined) return objectAt(this.scope, 'Service', namespace!, name);
    return host.includes('.') ? undefined : objectAt(this.scope, 'Service', this.scope.namespace, host);
  }

  /** A route may name Services of another namespace only if that says so. */
  #grant(service: string, namespace: string): void {
    const key = `ReferenceGrant/${namespace}`;
    const { namespace: from } = this.scope;
    const already = asRecords(asRecord(this.#needed.get(key)?.spec)['to']).filter(({ name }) => name !== service);
    this.#needed.set(key, {
      apiVersion: 'gateway.networking.k8s.io/v1beta1',
      kind: 'ReferenceGrant',
      metadata: { name: `${from}-${this.route}`, namespace },
      spec: {
        from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: from }],
        to: [...already, { group: '', kind: 'Service', name: service }],
      },
    });
  }
}

const portOf = (destination: Fields): number | undefined => {
  const { number } = asRecord(destination['port']);
  return typeof number === 'number' && number > 0 ? number : undefined;
};

const portsOf = ({ spec }: PolicyObject): readonly RoutePort[] =>
  asRecords(asRecord(spec)['ports']) as unknown as readonly RoutePort[];
