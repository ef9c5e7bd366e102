import { describe, expect, it } from 'vitest';
import type { Gateway } from '../src/api/gateway-api.js';
import { type WaypointInputs, waypointInputs } from '../src/mesh/waypoint-inputs.js';
import { waypoint } from './waypoint.js';
import type { Parameters } from './waypoint-parameters.js';
import { sizedParameters, type SizingOptions, sizingPatches } from './waypoint-sizing.js';

type Data = Parameters['data'];
type Said = Partial<Record<'defaults' | 'own', Data>> &
  Pick<SizingOptions, 'asked'> & {
    inputs?: Partial<WaypointInputs>;
  };

const gateway: Gateway = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: { name: 'w', namespace: 'app', uid: 'u' },
  spec: { gatewayClassName: 'istio', listeners: [{ name: 'mesh', port: 15008, protocol: 'HBONE' }] },
};
const inputs = waypointInputs(
  {},
  {
    global: {
      istioNamespace: 'istio-system',
      pilotCertProvider: 'istiod',
      hub: 'example.com',
      tag: '1',
      logging: { level: 'default:info' },
      proxy: { image: 'proxyv2', clusterDomain: 'cluster.local', logLevel: 'warning' },
    },
  },
);

const parametersOf = (data: Data | undefined): Parameters[] => (data ? [{ source: 'a test', data }] : []);
const inputsOf = ({ inputs: more }: Said): WaypointInputs => ({ ...inputs, ...more });
const optionsOf = ({ asked, defaults, own, ...said }: Said): SizingOptions => ({
  gateway: 'w',
  asked,
  inputs: inputsOf(said),
  defaults: parametersOf(defaults),
  own: parametersOf(own),
});

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- looks into all kinds
type Specs = Record<string, any>;

function specsOf(said: Said, parameters: readonly Parameters[]): Specs {
  return Object.fromEntries(
    waypoint({ gateway, inputs: inputsOf(said), parameters }).map(({ kind, spec }) => [kind, spec]),
  );
}

/** What we deploy. */
const deployed = (said: Said): Specs => specsOf(said, sizedParameters(optionsOf(said)));

/** What istiod deploys: it applies our ConfigMap after the defaults of the class. */
const sized = (said: Omit<Said, 'own'>): Specs =>
  specsOf(said, [...parametersOf(said.defaults), ...parametersOf(sizingPatches(optionsOf(said)))]);

const autoscaler = (spec: object): Data => ({ horizontalPodAutoscaler: { spec } });
const budget = (spec: object): Data => ({ podDisruptionBudget: { spec } });
const asked = { replicas: { min: 4, max: 8 }, resources: {} };

function boundsOf({ HorizontalPodAutoscaler: { minReplicas, maxReplicas } }: Specs): unknown[] {
  return [minReplicas, maxReplicas];
}

/** A budget as it is deployed, without its selector. */
function budgetOf({ PodDisruptionBudget: { selector: _, ...rest } }: Specs): unknown {
  return rest;
}

it('is a HorizontalPodAutoscaler, a PodDisruptionBudget, spread, and resources', () => {
  const resources = { requests: { cpu: '200m' } };
  for (const specs of [deployed, sized].map((render) =>
    render({ asked: { replicas: { min: 2, max: 5 }, resources } }),
  )) {
    expect(specs['HorizontalPodAutoscaler']).toMatchObject({ scaleTargetRef: { name: 'w' }, metrics: [{}] });
    expect(boundsOf(specs)).toEqual([2, 5]);
    expect(budgetOf(specs)).toEqual({ maxUnavailable: 1 });
    const { containers, topologySpreadConstraints } = specs['Deployment'].template.spec;
    expect(containers[0].resources).toEqual(resources);
    expect(topologySpreadConstraints).toHaveLength(2);
  }
});

describe('a budget of somebody else', () => {
  it.each([{ minAvailable: 1 }, { maxUnavailable: '50%' }])('%j stands alone: the API server refuses both', (said) => {
    expect(budgetOf(deployed({ own: budget(said) }))).toEqual(said);
    expect(budgetOf(deployed({ defaults: budget(said), asked }))).toEqual(said);
    expect(budgetOf(sized({ defaults: budget(said) }))).toEqual(said);
    expect(budgetOf(sized({ defaults: budget(said), asked }))).toEqual(said);
  });

  it('that says something else leaves ours', () => {
    const said = budget({ unhealthyPodEvictionPolicy: 'AlwaysAllow' });
    const both = { unhealthyPodEvictionPolicy: 'AlwaysAllow', maxUnavailable: 1 };
    expect(budgetOf(deployed({ own: said }))).toEqual(both);
    expect(budgetOf(sized({ defaults: said }))).toEqual(both);
  });
});

describe('bounds of an autoscaler', () => {
  it.each<[string, Data, number[]]>([
    ['a largest number below our least', autoscaler({ maxReplicas: 1 }), [1, 1]],
    ['a least number above our largest', autoscaler({ minReplicas: 9 }), [9, 9]],
    ['a number of replicas', { deployment: { spec: { replicas: 7 } } }, [7, 7]],
    [
      'a number above the largest',
      { deployment: { spec: { replicas: 7 } }, ...autoscaler({ maxReplicas: 3 }) },
      [3, 3],
    ],
    ['both', autoscaler({ minReplicas: 3, maxReplicas: 20 }), [3, 20]],
    ['neither', autoscaler({ behavior: {} }), [2, 5]],
    ['no map', { horizontalPodAutoscaler: null }, [2, 5]],
  ])('fit %s', (_, said, expected) => {
    expect(boundsOf(deployed({ own: said }))).toEqual(expected);
    expect(boundsOf(deployed({ defaults: said }))).toEqual(expected);
    expect(boundsOf(sized({ defaults: said }))).toEqual(expected);
  });

  it('of the annotation fit those of parametersRef', () => {
    expect(boundsOf(deployed({ asked, own: autoscaler({ maxReplicas: 2 }) }))).toEqual([2, 2]);
    expect(boundsOf(deployed({ asked, own: autoscaler({ minReplicas: 12 }) }))).toEqual([12, 12]);
  });
});

describe('who counts: our default, then the class, then the annotation, then parametersRef', () => {
  const defaults = autoscaler({ minReplicas: 3, maxReplicas: 20 });
  const nothing = { resources: {} };

  it.each<[string, Omit<Said, 'own'>, number[]]>([
    ['our default', {}, [2, 5]],
    ['the class', { defaults }, [3, 20]],
    ['the class, where the annotation asks for no replicas', { defaults, asked: nothing }, [3, 20]],
    ['the annotation', { defaults, asked }, [4, 8]],
    [
      'the annotation, not replicas of the class',
      { defaults: { deployment: { spec: { replicas: 9 } } }, asked },
      [4, 8],
    ],
  ])('%s, whoever deploys', (_, said, expected) => {
    expect(boundsOf(deployed(said))).toEqual(expected);
    expect(boundsOf(sized(said))).toEqual(expected);
  });

  it('parametersRef', () => {
    const own = autoscaler({ minReplicas: 6, maxReplicas: 7 });
    expect(boundsOf(deployed({ defaults, asked, own }))).toEqual([6, 7]);
  });
});

it('leaves metrics to who says some', () => {
  const metrics = [{ type: 'Resource', resource: { name: 'memory' } }];
  for (const render of [deployed, sized]) {
    expect(render({ defaults: autoscaler({ metrics }) })['HorizontalPodAutoscaler'].metrics).toEqual(metrics);
  }
});

describe('spread over zones and nodes', () => {
  const ZONE = 'topology.kubernetes.io/zone';
  const NODE = 'kubernetes.io/hostname';
  const strict = (topologyKey: string): object => ({
    topologyKey,
    maxSkew: 2,
    whenUnsatisfiable: 'DoNotSchedule',
    labelSelector: { matchLabels: { app: 'w' } },
  });
  const said = (...keys: string[]): Data => ({
    deployment: { spec: { template: { spec: { topologySpreadConstraints: keys.map(strict) } } } },
  });
  const constraintsOf = ({ Deployment }: Specs): unknown[] =>
    Deployment.template.spec.topologySpreadConstraints as unknown[];

  it.each<[string, Omit<Said, 'own'>]>([
    ['the mesh', { inputs: { topologySpreadConstraints: [strict(ZONE)] } }],
    ['the class', { defaults: said(ZONE) }],
  ])('is left to %s where it says something', (_, given) => {
    for (const render of [deployed, sized]) {
      const constraints = constraintsOf(render(given));
      expect(constraints).toHaveLength(2);
      expect(constraints).toContainEqual(strict(ZONE));
      expect(constraints).toContainEqual(
        expect.objectContaining({ topologyKey: NODE, whenUnsatisfiable: 'ScheduleAnyway' }),
      );
    }
  });

  it('is left to parametersRef', () => {
    expect(constraintsOf(deployed({ own: said(ZONE, NODE) }))).toEqual([strict(ZONE), strict(NODE)]);
  });
});
