import fc from 'fast-check';
import { expect, it } from 'vitest';
import { gateway, migration, observed, pod, tried, waypointView, workload } from '../../../test/support/observed.js';
import { LABEL } from '../../api/labels.js';
import type { FieldChange } from '../../kube/patch.js';
import type { KubeObject } from '../../kube/resource.js';
import type { Namespace, Pod, Service, ServiceAccount } from '../../kube/types.js';
import { bindings } from '../../mesh/waypoint-binding.js';
import { holdersView } from '../../mesh/waypoint-holders.js';
import { bindingChanges } from '../service-account/controller.js';
import { fieldChanges } from './binding.js';
import { type Decision, decide } from './decide.js';
import type { Observed } from './observed.js';
import { snapshotData } from './plan.js';

/*
 * A migration and the controller of accounts beside each other, in any order, each also with a view that is old, while people
 * change scope and name of the waypoint: no Service is ever without one.
 */

const USE = 'istio.io/use-waypoint';
const MARKS = ['sidestep.dev/waypoint-labels', 'sidestep.dev/bound-waypoint'];

interface Spec {
  readonly scope: 'Namespace' | 'ServiceAccount' | 'Service';
  readonly name: string;
}

/** Everything that is written; pods are what they are. */
interface World {
  namespace: Namespace;
  services: Service[];
  accounts: ServiceAccount[];
  gateways: string[];
}

const snapshot = { name: 'sidestep-before', createdAt: '', data: snapshotData(observed()), restored: false };

/** Pods `<app>-<account>`, each of a Deployment. */
const PODS: readonly (readonly [app: string, account: string])[] = [
  ['web', 'web'],
  ['api', 'default'],
];

class Simulation {
  world: World;
  spec: Spec = { scope: 'Namespace', name: 'first' };
  #generation = 1;
  readonly #pods: typeof PODS;
  readonly #past: World[] = [];

  constructor(services: readonly string[] = ['web', 'api'], pods: typeof PODS = PODS) {
    this.#pods = pods;
    const named = (kind: string, name: string): KubeObject => {
      return { apiVersion: 'v1', kind, metadata: { name, namespace: 'shop' } };
    };
    const labels = { [LABEL.dataplaneMode]: 'ambient', [LABEL.injection]: 'disabled' };
    this.world = {
      namespace: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels } },
      services: services.map((app) => ({ ...named('Service', app), spec: { selector: { app } } })),
      accounts: ['default', 'web'].map((name) => named('ServiceAccount', name)),
      gateways: [],
    };
  }

  ask(spec: Spec): void {
    this.spec = spec;
    this.#generation += 1;
  }

  /** A pass of the migration; what it decided on an old view is guarded as the operator guards it. */
  migrate(view = this.world): Decision {
    const decision = decide(this.#observed(view));
    for (const action of decision.verdict.kind === 'act' ? decision.verdict.actions : []) {
      if (action.type === 'bind') this.#write(action.object, fieldChanges(action.change));
      else if (action.type === 'create-gateway')
        this.#set({ gateways: [...new Set([...this.world.gateways, this.spec.name])] });
      else if (action.type === 'delete-gateway')
        this.#set({ gateways: this.world.gateways.filter((name) => name !== action.name) });
    }
    return decision;
  }

  /** A pass of the controller of accounts. */
  bind(view = this.world): number {
    const decided = this.#bindings(view);
    for (const { service, waypoint } of decided) {
      const object = view.services.find(({ metadata }) => metadata.name === service)!;
      this.#write(object, bindingChanges(object, waypoint));
    }
    return decided.length;
  }

  /** What was there some writes ago. */
  past(writes: number): World {
    return this.#past.at(-1 - writes) ?? this.world;
  }

  /** Runs both until neither has anything to do. */
  settle(): Decision {
    for (let pass = 0; pass < 50; pass += 1) {
      const { length } = this.#past;
      const decision = this.migrate();
      this.bind();
      if (this.#past.length === length) return decision;
    }
    throw new Error('it does not end');
  }

  /** The waypoint of each Service, as istiod sees it; undefined also if the Gateway is not there. */
  waypoints(): (string | undefined)[] {
    return this.world.services.map((service) => this.#waypointOf(service, this.world));
  }

  /** `Kind name` of everything that is labelled, and the number of its marks. */
  labelled(): string[] {
    const { namespace, accounts, services } = this.world;
    return [namespace, ...accounts, ...services].flatMap(({ kind, metadata: { name, labels, annotations = {} } }) => {
      const marks = MARKS.filter((mark) => annotations[mark] !== undefined).length;
      return labels?.[USE] === undefined && marks === 0 ? [] : [`${kind} ${name} ${labels?.[USE]} ${marks}`];
    });
  }

  #waypointOf({ metadata }: Service, { namespace, gateways }: World): string | undefined {
    const name = metadata.labels?.[USE] ?? namespace.metadata.labels?.[USE];
    return name !== undefined && gateways.includes(name) ? name : undefined;
  }

  #bindings(view: World): ReturnType<typeof bindings> {
    const pods = this.#pods.map(([app, serviceAccountName]) => {
      return { metadata: { name: app, labels: { app } }, spec: { serviceAccountName } };
    }) as unknown as Pod[];
    return bindings(view.services, pods, view.accounts, { gateways: view.gateways.map(ready) });
  }

  #observed(view: World): Observed {
    const { namespace, accounts, gateways } = view;
    const am = migration({ waypoint: { provision: 'Always', ...this.spec } });
    const services = view.services.map((service) => {
      const waypoint = this.#waypointOf(service, view);
      const message = `Successfully attached to waypoint shop/${waypoint}`;
      const condition = { type: 'istio.io/WaypointBound', status: 'True', message };
      return (waypoint === undefined ? service : { ...service, status: { conditions: [condition] } }) as Service;
    });
    const namersOf = (name: string): string[] =>
      [namespace, ...accounts, ...services]
        .filter((one) => one.metadata.labels?.[USE] === name)
        .map(({ kind }) => kind);
    return observed({
      migration: { ...am, metadata: { ...am.metadata, generation: this.#generation } },
      namespace,
      snapshot,
      dryRuns: { pods: new Map(), istiod: 'alive', undone: tried() },
      workloads: this.#pods.map(([app, serviceAccountName], index) =>
        workload({
          name: `${app}-${index}`,
          template: { metadata: { labels: { app } }, spec: { serviceAccountName, containers: [{ name: 'app' }] } },
          pods: [pod({ labels: { app }, mode: 'ambient' })],
        }),
      ),
      waypoint: waypointView({
        gateway: gateways.includes(this.spec.name) ? ready(this.spec.name) : undefined,
        available: 2,
        gateways: gateways.map(ready),
        namers: new Map(gateways.map((name) => [name, namersOf(name)])),
        services,
        accounts,
        unsettled: this.#bindings(view).map(({ service }) => service),
      }),
    });
  }

  /** Nothing, if the object is no longer as it was seen. */
  #write(seen: KubeObject, changes: readonly FieldChange[]): void {
    const { namespace, accounts, services } = this.world;
    const live = [namespace, ...accounts, ...services].find(
      ({ kind, metadata }) => kind === seen.kind && metadata.name === seen.metadata.name,
    )!;
    if (holdersView(live) !== holdersView(seen)) return;
    const next = structuredClone(live) as KubeObject & { metadata: Record<string, Record<string, unknown>> };
    for (const { path, value } of changes) {
      const [, field = '', key = ''] = path;
      next.metadata[field] = { ...next.metadata[field], [key]: value };
      if (value === undefined) delete next.metadata[field][key];
    }
    const replaced = <T extends KubeObject>(one: T): T => (one === live ? (next as KubeObject as T) : one);
    this.#set({
      namespace: replaced(namespace),
      accounts: accounts.map(replaced),
      services: services.map(replaced),
    });
  }

  #set(changes: Partial<World>): void {
    this.#past.push(this.world);
    this.world = { ...this.world, ...changes };
    for (const onWrite of this.watchers) onWrite();
  }

  readonly watchers: (() => void)[] = [];
}

/** A waypoint of a migration that takes traffic. */
function ready(name: string): ReturnType<typeof gateway> {
  const annotations = {
    'sidestep.dev/created-by': 'shop',
    'sidestep.dev/sizing': '{"resources":{}}',
  };
  const metadata = { name, namespace: 'shop', uid: name, annotations, labels: { [LABEL.managedBy]: 'sidestep' } };
  return gateway({}, { metadata });
}

const SPECS: readonly Spec[] = (['Namespace', 'ServiceAccount', 'Service'] as const).flatMap((scope) =>
  ['first', 'second'].map((name) => ({ scope, name })),
);

/** What is labelled in the end: by whom it is held is the number of marks. */
const LABELLED: Readonly<Record<Spec['scope'], (name: string) => string[]>> = {
  Namespace: (name) => [`Namespace shop ${name} 1`],
  ServiceAccount: (name) =>
    ['ServiceAccount default', 'ServiceAccount web', 'Service web', 'Service api'].map((one) => `${one} ${name} 1`),
  Service: (name) => [`Service web ${name} 1`, `Service api ${name} 1`],
};

it('no Service is without its waypoint while scope and name change', () => {
  const move = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom('migrate' as const, 'bind' as const) },
    { weight: 2, arbitrary: fc.record({ old: fc.constantFrom('migrate' as const, 'bind' as const), by: fc.nat(8) }) },
    { weight: 1, arbitrary: fc.constantFrom(...SPECS) },
  );
  const property = fc.property(
    fc.constantFrom(...SPECS),
    fc.array(move, { maxLength: 40 }),
    fc.constantFrom(...SPECS),
    (from, moves, to) => {
      const simulation = new Simulation();
      simulation.ask(from);
      simulation.settle();
      simulation.watchers.push(() => expect(simulation.waypoints()).not.toContain(undefined));
      for (const one of moves) {
        if (one === 'migrate' || one === 'bind') simulation[one]();
        else if ('old' in one) simulation[one.old](simulation.past(one.by));
        else simulation.ask(one);
      }
      simulation.ask(to);
      const { verdict } = simulation.settle();
      expect(verdict).toMatchObject({ kind: 'done', reason: 'Migrated' });
      expect(simulation.labelled()).toEqual(LABELLED[to.scope](to.name));
      expect(simulation.world.gateways).toEqual([to.name]);
    },
  );
  fc.assert(property, { numRuns: 60, seed: 5 });
});

it('nothing is written that was decided on other labels and marks than those of now', () => {
  const simulation = new Simulation();
  const settleOn = (scope: Spec['scope']): void => {
    simulation.ask({ scope, name: 'first' });
    simulation.settle();
  };
  settleOn('Service');
  simulation.watchers.push(() => expect(simulation.waypoints()).not.toContain(undefined));
  simulation.ask({ scope: 'ServiceAccount', name: 'first' });
  simulation.migrate();
  simulation.bind();
  const heldByBoth = simulation.world;
  settleOn('Service');
  simulation.ask({ scope: 'ServiceAccount', name: 'first' });
  simulation.migrate(heldByBoth);
  settleOn('ServiceAccount');
  expect(simulation.labelled()).toEqual(LABELLED.ServiceAccount('first'));

  simulation.ask({ scope: 'Service', name: 'first' });
  simulation.migrate();
  simulation.migrate();
  const letGoByAccounts = simulation.world;
  settleOn('ServiceAccount');
  simulation.bind(letGoByAccounts);
  expect(simulation.labelled()).toEqual(LABELLED.ServiceAccount('first'));
});

it.each(['Namespace', 'Service'] as const)(
  'a Service that accounts do not reach keeps the label of scope %s',
  (scope) => {
    const simulation = new Simulation(['web', 'api'], [...PODS, ['api', 'web'], ['api', 'other']]);
    simulation.ask({ scope, name: 'first' });
    simulation.settle();
    simulation.watchers.push(() => expect(simulation.waypoints()).not.toContain(undefined));
    simulation.ask({ scope: 'ServiceAccount', name: 'second' });
    expect(simulation.settle().verdict).toMatchObject({ kind: 'stalled', reason: 'ScopeChanged' });
    expect(simulation.settle().verdict.message).toContain('does not reach Services api,');
    expect(simulation.waypoints()).toEqual(['second', 'second']);
    simulation.ask({ scope, name: 'first' });
    expect(simulation.settle().verdict.reason).toBe('Migrated');
  },
);
