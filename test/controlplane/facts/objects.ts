import { authorizationPolicy, type MeshObject, pod, service } from '../ambient/objects.js';

type Labels = Record<string, string>;

/** Labels of a namespace whose pods are captured, and of a pod that is not. */
export const AMBIENT: Labels = { 'istio.io/dataplane-mode': 'ambient' };
export const UNCAPTURED: Labels = { 'istio.io/dataplane-mode': 'none' };

/** A Service whose port, 80, is not that of its pods, 8080. */
export function web(labels: Labels = {}): MeshObject {
  const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
  return service('web', { selector: { app: 'web' }, ports }, { labels });
}

/** A pod of {@link web}. */
export function webPod(name = 'web', labels: Labels = {}): MeshObject {
  return pod(name, { labels: { app: 'web', ...labels } });
}

/** An AuthorizationPolicy that denies port 8080 to what `scope` says. */
export function denies8080(name: string, scope: object): MeshObject {
  return authorizationPolicy(name, { ...scope, action: 'DENY', rules: [{ to: [{ operation: { ports: ['8080'] } }] }] });
}
