import { LABEL } from '../src/api/labels.js';
import { OWN_ANNOTATION } from '../src/api/own-labels.js';
import type { PolicyObject } from '../src/mesh/policy-object.js';
import { type Manifest, Objects } from './objects.js';

/**
 * What an AmbientMigration writes beside a policy or a VirtualService, with our marks. Plain JSON, cheap enough to be compared in every pass;
 * {@link renderPolicy} makes of it what is sent.
 *
 * @param source  the policy or VirtualService that it is for, `Kind/name` or `Kind/namespace/name`
 */
export function ambientPolicy({ apiVersion = '', kind, metadata, spec }: PolicyObject, source: string): Manifest {
  const { name, namespace = '', labels, annotations } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      labels: { ...labels, [LABEL.managedBy]: 'sidestep' },
      annotations: { ...annotations, [OWN_ANNOTATION.translatedFrom]: source },
    },
    spec,
  };
}

/** The manifest as cdk8s renders it. */
export function renderPolicy(policy: Manifest): Manifest {
  const [rendered] = new Objects().addPlain(policy).render();
  if (!rendered) throw new Error('one object was added');
  return rendered;
}
