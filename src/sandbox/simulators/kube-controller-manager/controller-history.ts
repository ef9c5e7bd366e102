import { isAlreadyExists } from '../../../kube/errors.js';
import type { KubeObject } from '../../../kube/resource.js';
import { CONTROLLER_REVISION, type ControllerRevision, type PodTemplate } from '../../../kube/types.js';
import type { Cluster } from './cluster.js';
import { controllerReference } from './ownership.js';
import { canonicalTemplate, contentName } from './template-hash.js';

/** What a ControllerRevision of a workload holds: a patch that brings the template back. */
interface TemplatePatch {
  spec: { template: PodTemplate & { $patch: 'replace' } };
}

const patchOf = (template: PodTemplate): TemplatePatch => ({ spec: { template: { ...template, $patch: 'replace' } } });

/** The template that a revision holds. */
export function templateOf(revision: ControllerRevision): PodTemplate {
  const { $patch: _, ...template } = (revision.data as TemplatePatch).spec.template;
  return template;
}

/** Whether a revision holds this template. */
export function holds(revision: ControllerRevision, template: PodTemplate): boolean {
  return canonicalTemplate(templateOf(revision)) === canonicalTemplate(template);
}

/** Oldest first; of the same number the one that was made first. */
export function byRevision(a: ControllerRevision, b: ControllerRevision): number {
  const createdAt = ({ metadata }: ControllerRevision): string => metadata.creationTimestamp ?? '';
  if (a.revision !== b.revision) return a.revision - b.revision;
  if (createdAt(a) !== createdAt(b)) return createdAt(a) < createdAt(b) ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

/** The name of a template among the revisions of its owner, such as `7d9c6b5f4`. */
function revisionHash(template: PodTemplate, collisions: number): string {
  return contentName(patchOf(JSON.parse(canonicalTemplate(template)) as PodTemplate), collisions);
}

/** What a new revision is made from. */
export interface NewRevision {
  owner: KubeObject;
  template: PodTemplate;
  revision: number;
  /** Label that carries the hash. */
  hashLabel: string;
  collisions: number;
}

/**
 * Keeps a template as a ControllerRevision `<owner>-<hash>`. A name that another content has already is avoided.
 *
 * @returns the revision, and how many collisions there have been by now
 */
export async function createRevision(
  cluster: Cluster,
  { owner, template, revision, hashLabel, collisions }: NewRevision,
): Promise<{ created: ControllerRevision; collisions: number }> {
  for (let count = collisions; ; count++) {
    const hash = revisionHash(template, count);
    const name = `${owner.metadata.name}-${hash}`;
    const { namespace = '', annotations } = owner.metadata;
    try {
      const created = await cluster.create(CONTROLLER_REVISION, {
        metadata: {
          name,
          namespace,
          labels: { ...template.metadata?.labels, [hashLabel]: hash },
          ...(annotations !== undefined && { annotations }),
          ownerReferences: [controllerReference(owner)],
        },
        data: patchOf(template),
        revision,
      });
      return { created, collisions: count };
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const existing = await cluster.client.get<ControllerRevision>(CONTROLLER_REVISION, { namespace, name });
      if (holds(existing, template)) return { created: existing, collisions: count };
    }
  }
}
