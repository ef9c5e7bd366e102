import { expect } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { ambientMigration } from '../../src/api/ambient-migration.js';
import { manifests } from '../../src/install.js';
import { withResource } from './definitions.js';
import { uniqueName } from './server.js';
import { conformance } from './suite.js';

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
}

const collection = '/apis/sidestep.dev/v1alpha1/namespaces/default/ambientmigrations';

const install = (namespace: string, istioNamespace: string): Manifest[] =>
  parseAllDocuments(manifests({ image: 'sidestep:test', namespace, istioNamespace })).map(
    (document) => document.toJS() as Manifest,
  );

const plurals: Readonly<Record<string, string>> = {
  ValidatingAdmissionPolicy: 'validatingadmissionpolicies',
};

function pathOf({ apiVersion, kind, metadata }: Manifest): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  return `${root}${scope}/${plurals[kind] ?? `${kind.toLowerCase()}s`}/${metadata.name}`;
}

conformance('operator install', (test) => {
  test('everything that the install consists of is accepted by server-side apply', async (server) => {
    const [own, istio] = [await server.namespace(), await server.namespace()];
    const objects = install(own, istio);
    expect(objects.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['CustomResourceDefinition', 'ValidatingAdmissionPolicy', 'ClusterRole', 'Deployment']),
    );
    for (const object of objects) {
      const answer = await server.apply(pathOf(object), object, 'tester', { dryRun: 'All', force: true });
      expect([object.kind, answer.status < 300, answer.body.message]).toEqual([object.kind, true, undefined]);
    }
  });

  test('an AmbientMigration gets the defaults of its definition', async (server) => {
    await withResource(server, ambientMigration, async () => {
      const body = {
        apiVersion: 'sidestep.dev/v1alpha1',
        kind: 'AmbientMigration',
        metadata: { name: uniqueName('m') },
        spec: { rollout: {} },
      };
      const answer = await server.post(collection, body, { query: { dryRun: 'All' } });
      expect([answer.status, answer.body.spec]).toEqual([
        201,
        {
          acknowledge: [],
          approval: 'Automatic',
          dataplaneMode: 'Ambient',
          paused: false,
          policies: { translation: 'Auto' },
          rollout: {
            enrolment: 'Auto',
            maxConcurrent: 1,
            order: 'CallersFirst',
            progressDeadline: '10m',
            soak: '0s',
            workloads: [],
          },
          waypoint: { className: 'istio-waypoint', name: 'waypoint', provision: 'Auto', scope: 'Namespace' },
        },
      ]);
    });
  });

  test('wrong AmbientMigrations are refused with the field and the fix', async (server) => {
    await withResource(server, ambientMigration, async () => {
      const unchecked =
        '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
      const cases: [object, string][] = [
        [
          { dataplaneMode: 'ambient' },
          `[spec.dataplaneMode: Unsupported value: "ambient": supported values: "Ambient", "Sidecar", ${unchecked}]`,
        ],
        [
          { rollout: { maxConcurrent: -1 } },
          'spec.rollout.maxConcurrent: Invalid value: -1: spec.rollout.maxConcurrent in body should be greater than or equal to 1',
        ],
        [
          { rollout: { soak: '5 minutes' } },
          'spec.rollout.soak: Invalid value: "5 minutes": must be a duration such as 30s, 10m or 1h30m (units: h, m, s, ms)',
        ],
        [
          { rollout: { progressDeadline: '1s' } },
          'spec.rollout.progressDeadline: Invalid value: "1s": must be at least 5s: a shorter deadline would stall before a pod could start',
        ],
        [
          { approvedPlan: '0123456789ab' },
          'spec.approvedPlan: Forbidden: is used with approval Manual only: set spec.approval to Manual, or remove spec.approvedPlan',
        ],
        [
          { rollout: { workloads: [{ kind: 'Deployment', name: 'web' }] } },
          'spec.rollout.workloads: Forbidden: is used with order Listed only: set spec.rollout.order to Listed, or remove spec.rollout.workloads',
        ],
        [
          { acknowledge: [{ code: 'all', reason: 'x' }] },
          'spec.acknowledge[0].code: Invalid value: "all": must be the code of a finding, such as SST2001',
        ],
        [{ acknowledge: [{ code: 'SST2001' }] }, `[spec.acknowledge[0].reason: Required value, ${unchecked}]`],
      ];
      for (const [spec, message] of cases) {
        const body = { apiVersion: 'sidestep.dev/v1alpha1', kind: 'AmbientMigration', metadata: { name: 'm' }, spec };
        const answer = await server.post(collection, body, { query: { dryRun: 'All' } });
        expect([answer.status, answer.body.message]).toEqual([
          422,
          `AmbientMigration.sidestep.dev "m" is invalid: ${message}`,
        ]);
      }
    });
  });
});
