import { basename } from 'node:path';

/** What a document is that is no object, and what to give in its place; undefined: who knows. */
export function otherFile(text: string, file: string): string | undefined {
  const name = basename(file);
  if (text.includes('{{')) return 'a Helm template: give what helm template prints';
  if (/^Chart\.ya?ml$/.test(name)) return 'the description of a Helm chart: give what helm template prints';
  if (/^values.*\.ya?ml$/.test(name)) return 'the values of a Helm chart: give what helm template prints';
  if (/^kustomization\.ya?ml$/.test(name)) return 'for kustomize: give what kubectl kustomize prints';
  return undefined;
}
