import { askedWaypoint } from '../mesh/asked-waypoint.js';
import type { Move } from '../mesh/moments.js';
import { movingNamespaces } from '../mesh/moving-namespaces.js';
import type { Labels } from '../mesh/policy-object.js';
import { isClosed } from '../mesh/translation/ways-around.js';
import type { DeclaredMesh } from './declared-mesh.js';

/** What a migration of a namespace would do, as its manifests ask for it. */
export function declaredMove({ manifests, settings, meshSettings }: DeclaredMesh, namespace: string): Move {
  const mesh = { objects: manifests, settings: meshSettings, rootNamespace: settings.rootNamespace };
  const [moving] = movingNamespaces(mesh, [namespace]);
  const waypoint = moving?.waypoint ?? askedWaypoint(manifests, namespace);
  if (!waypoint.isWanted) return { namespace, waypoint: undefined, written: [] };
  const { forms = [] } = moving?.translation.forms ?? {};
  return {
    namespace,
    waypoint,
    written: forms.flatMap(({ objects }) => objects),
    ...(forms.some(({ isLayer7 }) => isLayer7) && { closed: (labels: Labels) => isClosed(forms, labels) }),
  };
}
