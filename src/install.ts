import { stringify } from 'yaml';
import { installManifests } from '../cdk8s/install.js';
import { customResourceDefinitions } from './api/resources.js';
import { controllers } from './controllers/index.js';
import { DRY_RUN_ONLY, accessOf } from './controllers/rbac.js';

/** What differs between installations. */
export interface ManifestOptions {
  readonly image: string;
  readonly namespace: string;
  readonly istioNamespace: string;
  /** Without the Deployment and what serves it: for an operator that runs outside the cluster. */
  readonly withoutDeployment?: boolean;
}

/** Kinds that only the Deployment needs. */
const WORKLOAD_KINDS = ['Deployment', 'Service', 'PodDisruptionBudget'];

/** The manifests in the order in which they must be applied, one YAML document each. */
export function manifests(options: ManifestOptions): string {
  const { image, namespace, istioNamespace } = options;
  const watched = controllers({ istioNamespace }).flatMap(({ primary, watches }) => [primary, ...watches]);
  const access = accessOf(watched, namespace);
  const install = installManifests({ image, namespace, istioNamespace, access, dryRunOnly: DRY_RUN_ONLY });
  const wanted = install.filter(({ kind }) => options.withoutDeployment !== true || !WORKLOAD_KINDS.includes(kind));
  return [...customResourceDefinitions(), ...wanted]
    .map((object) => stringify(object, { lineWidth: 120 }))
    .join('---\n');
}
