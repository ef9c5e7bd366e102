import { type AdmissionPlugin, isAbout } from './plugin.js';
import type { Toleration } from '../builtin/pod-spec.js';
import { podSpec } from './pod.js';

/** How long pods stay on a node that has stopped answering. */
const tolerationSeconds = 300;

const taints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

/** Pods tolerate nodes that are not ready for a while. @see plugin/pkg/admission/defaulttolerationseconds */
export const defaultTolerations: AdmissionPlugin = {
  mutate(draft) {
    if (!isAbout(draft, '', 'pods') || draft.object === undefined) return;
    if (draft.operation !== 'CREATE' && draft.operation !== 'UPDATE') return;
    const spec = podSpec(draft.object);
    const own = spec.tolerations ?? [];
    const missing = taints.filter((taint) => !own.some((toleration) => tolerates(toleration, taint)));
    if (missing.length === 0) return;
    const added = missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds }));
    spec.tolerations = [...own, ...added];
  },
};

function tolerates({ key = '', effect = '' }: Toleration, taint: string): boolean {
  return (key === taint || key === '') && (effect === 'NoExecute' || effect === '');
}
