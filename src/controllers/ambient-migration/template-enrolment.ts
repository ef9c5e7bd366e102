import { LABEL } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import type { FieldChange } from '../../kube/patch.js';
import type { PodTemplate } from '../../kube/types.js';

/** What a migration sets on a pod template that it enrols by itself: the CNI agent captures its pods, and the injector leaves them alone. */
const ENROLLED: Labels = { [LABEL.dataplaneMode]: 'ambient', [LABEL.inject]: 'false' };

type Labels = Readonly<Record<string, string>>;

/** The labels of a pod template that a migration has set, with their values of before; `null` if there was none. */
export type TemplateEnrolment = Readonly<Record<string, string | null>>;

interface Enrolled {
  readonly template: PodTemplate;
  readonly enrolment: TemplateEnrolment | undefined;
}

/** Reads our mark on a workload; undefined if it carries none of ours. */
export function readTemplateEnrolment(annotations: Labels | undefined): TemplateEnrolment | undefined {
  const text = annotations?.[OWN_ANNOTATION.enrolledTemplate];
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const entries = Object.entries(value).filter(
      ([key, one]) => key in ENROLLED && (typeof one === 'string' || one === null),
    );
    return Object.fromEntries(entries);
  } catch {
    return undefined;
  }
}

/** Whether a pod, or a template, carries what a migration sets on one. */
export function isEnrolledByTemplate(labels: Labels): boolean {
  return Object.entries(ENROLLED).every(([key, value]) => labels[key] === value);
}

/** Labels as they would be without a migration; a label that somebody has changed meanwhile stays. */
export function labelsBefore(labels: Labels, enrolment: TemplateEnrolment | undefined): Labels {
  if (!enrolment) return labels;
  const kept = Object.entries(labels).filter(([key, value]) => !(key in enrolment && ENROLLED[key] === value));
  const restored = Object.entries(enrolment).flatMap(([key, value]) =>
    value !== null && labels[key] === ENROLLED[key] ? [[key, value] as const] : [],
  );
  return Object.fromEntries([...kept, ...restored]);
}

/** The template with which pods come up ambient. */
export function enrolledTemplate({ template }: Enrolled): PodTemplate {
  return { ...template, metadata: { ...template.metadata, labels: { ...template.metadata?.labels, ...ENROLLED } } };
}

/** The template as it would be without a migration. */
export function restoredTemplate({ template, enrolment }: Enrolled): PodTemplate {
  return {
    ...template,
    metadata: { ...template.metadata, labels: labelsBefore(template.metadata?.labels ?? {}, enrolment) },
  };
}

/** The changes that enrol the pods of a workload, and remember what was there; of what somebody has reverted, what he wanted. */
export function enrolTemplateChanges({ template, enrolment = {} }: Enrolled): FieldChange[] {
  const labels = template.metadata?.labels ?? {};
  const before = Object.entries(ENROLLED).map(([key, value]) => {
    const isOurs = key in enrolment && labels[key] === value;
    return [key, isOurs ? enrolment[key] : (labels[key] ?? null)] as const;
  });
  return [...templateChanges(ENROLLED), mark(JSON.stringify(Object.fromEntries(before)))];
}

/** The changes that undo it. */
export function leaveTemplateChanges(workload: Enrolled): FieldChange[] {
  const { template, enrolment } = workload;
  if (!enrolment) return [];
  const before = restoredTemplate(workload).metadata?.labels ?? {};
  const changed = Object.keys(enrolment).filter((key) => template.metadata?.labels?.[key] !== before[key]);
  return [...templateChanges(Object.fromEntries(changed.map((key) => [key, before[key]]))), mark(undefined)];
}

function templateChanges(labels: Readonly<Record<string, string | undefined>>): FieldChange[] {
  return Object.entries(labels).map(([key, value]) => ({
    path: ['spec', 'template', 'metadata', 'labels', key],
    value,
  }));
}

const mark = (value: string | undefined): FieldChange => ({
  path: ['metadata', 'annotations', OWN_ANNOTATION.enrolledTemplate],
  value,
});
