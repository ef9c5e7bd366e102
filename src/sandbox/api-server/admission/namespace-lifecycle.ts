import type { ClusterView } from '../storage/cluster-view.js';
import { StatusError, forbidden, notFound } from '../errors.js';
import { type AdmissionPlugin, type Draft, nameOf } from './plugin.js';

const namespaces = { group: '', plural: 'namespaces' };
const immortal = new Set(['default', 'kube-system', 'kube-public']);

/** Reviews that may be asked about any namespace. */
const accessReviews = new Set(['localsubjectaccessreviews']);

/**
 * Nothing is created in a namespace that is not there or is going away, and some namespaces stay.
 *
 * @see apiserver, pkg/admission/plugin/namespace/lifecycle/admission.go
 */
export function namespaceLifecycle(cluster: ClusterView): AdmissionPlugin {
  return {
    mutate(draft) {
      const { resource, operation, subresource, name, namespace = '' } = draft;
      const isNamespace = resource.group === '' && resource.plural === 'namespaces';
      if (operation === 'DELETE' && isNamespace && immortal.has(name)) {
        throw forbidden(resource, name, 'this namespace may not be deleted');
      }
      if (isNamespace || namespace === '' || operation === 'DELETE') return;
      if (resource.group === 'authorization.k8s.io' && accessReviews.has(resource.plural)) return;
      const found = cluster.get(namespaces, { name: namespace });
      if (found === undefined) throw notFound(namespaces, namespace);
      // What is being torn down may still be changed, evicted and bound.
      if (operation !== 'CREATE' || subresource !== '') return;
      if ((found.status as { phase?: string } | undefined)?.phase !== 'Terminating') return;
      throw terminating(draft, namespace);
    },
  };
}

function terminating(draft: Draft, namespace: string): StatusError {
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const { code, reason, message, details } = forbidden(draft.resource, nameOf(draft), why);
  const cause = {
    reason: 'NamespaceTerminating',
    message: `namespace ${namespace} is being terminated`,
    field: 'metadata.namespace',
  };
  return new StatusError(code, reason, message, { ...details, causes: [cause] });
}
