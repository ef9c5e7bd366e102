import { describe, expect, it } from 'vitest';
import { migration, observed, waypointView, workload } from '../../../test/support/observed.js';
import type { Service, ServiceAccount } from '../../kube/types.js';
import type { PolicyObject } from '../../mesh/policy-object.js';
import type { Observed } from './observed.js';
import { moveOf } from './proof-input.js';

const noHeaders: PolicyObject = {
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name: 'p', namespace: 'shop' },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    action: 'DENY',
    rules: [{ to: [{ operation: { paths: ['/headers'] } }] }],
  },
};
const service = (name: string, labels: Record<string, string> = {}): Service =>
  ({
    metadata: { name, namespace: 'shop', labels },
    spec: { clusterIP: '10.96.0.1', selector: { app: name }, ports: [{ port: 80 }] },
  }) as unknown as Service;
const account = (name: string): ServiceAccount =>
  ({ metadata: { name, namespace: 'shop' } }) as unknown as ServiceAccount;
const deployment = (name: string, serviceAccountName: string): Observed['workloads'][number] =>
  workload({
    name,
    template: { metadata: { labels: { app: name } }, spec: { serviceAccountName, containers: [{ name: 'app' }] } },
  });

/** `web`, which only a waypoint can protect, and `api`. */
function given(spec: object = {}, overrides: Partial<Observed> = {}): Observed {
  return observed({
    migration: migration(spec),
    policies: [noHeaders],
    workloads: [deployment('web', 'web'), deployment('api', 'api')],
    waypoint: waypointView({ services: [service('web'), service('api')], accounts: [account('web'), account('api')] }),
    ...overrides,
  });
}

const bound = (of: Observed): string[] =>
  (moveOf(of).bound ?? []).map(({ kind, name, labels }) => `${kind}/${name} ${Object.keys(labels).join(' ')}`);

const [WAYPOINT, INGRESS] = ['istio.io/use-waypoint', 'istio.io/ingress-use-waypoint'];

describe('what a migration is going to do, as its proof takes it', () => {
  it('is nothing but the restarts where no waypoint is wanted', () => {
    expect(moveOf(observed())).toMatchObject({ waypoint: undefined, written: [], bound: [], isPerWorkload: false });
    expect(moveOf(observed()).closed).toBeUndefined();
  });

  it('is what it writes, and the labels that it sets', () => {
    const { waypoint, written, isPerWorkload, closed } = moveOf(given());
    expect(waypoint).toEqual({ name: 'waypoint', namespace: 'shop' });
    expect(written?.map(({ metadata }) => metadata.name)).toEqual(['p-wp', 'p-guard']);
    expect(isPerWorkload).toBe(true);
    expect([closed?.({ app: 'web' }), closed?.({ app: 'api' })]).toEqual([true, false]);
    expect(bound(given())).toEqual([`Namespace/shop ${WAYPOINT}`, `Service/web ${INGRESS}`, `Service/api ${INGRESS}`]);
  });

  it('labels what the spec says, and not what somebody has chosen otherwise for', () => {
    expect(bound(given({ waypoint: { scope: 'Service' } }))).toEqual([
      `Service/web ${WAYPOINT} ${INGRESS}`,
      `Service/api ${WAYPOINT} ${INGRESS}`,
    ]);
    expect(bound(given({ waypoint: { scope: 'ServiceAccount' } }))).toEqual([
      `Service/web ${WAYPOINT} ${INGRESS}`,
      `Service/api ${WAYPOINT} ${INGRESS}`,
    ]);
    const services = [service('web', { 'istio.io/use-waypoint': 'none' }), service('api')];
    expect(bound(given({}, { waypoint: waypointView({ services }) }))).toEqual([
      `Namespace/shop ${WAYPOINT}`,
      `Service/api ${INGRESS}`,
    ]);
  });

  it('has no order of workloads where the spec asks for none', () => {
    const move = moveOf(given({ rollout: { order: 'Parallel' } }));
    expect(move.isPerWorkload).toBe(true);
    expect(move.closed).toBeUndefined();
  });
});
