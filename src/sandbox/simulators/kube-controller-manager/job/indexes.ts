import type { Pod } from '../../../../kube/types.js';
import type { Job } from '../kinds.js';

/** Annotation and label: which of the completions of an Indexed Job the pod works on. */
export const indexKey = 'batch.kubernetes.io/job-completion-index';

/** Whether each completion of the Job has a number. */
export const isIndexed = ({ spec }: Job): boolean => spec.completionMode === 'Indexed';

/** The index that the pod works on, if it is one of the Job's. */
export function indexOf({ spec }: Job, pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[indexKey] ?? '';
  if (!/^\d+$/.test(text)) return undefined;
  return Number(text) < (spec.completions ?? 0) ? Number(text) : undefined;
}

/** Numbers as the API writes them: `0,2-4,6,7`. */
export function formatIndexes(indexes: Iterable<number>): string {
  const sorted = [...new Set(indexes)].sort((a, b) => a - b);
  const intervals: { first: number; last: number }[] = [];
  for (const index of sorted) {
    const current = intervals.at(-1);
    if (current?.last === index - 1) current.last = index;
    else intervals.push({ first: index, last: index });
  }
  return intervals
    .map(({ first, last }) => (last > first ? `${first}${last === first + 1 ? ',' : '-'}${last}` : `${first}`))
    .join(',');
}

/** The opposite of {@link formatIndexes}. */
export function parseIndexes(text: string | undefined): number[] {
  return (text ?? '')
    .split(',')
    .filter((part) => part !== '')
    .flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
    });
}
