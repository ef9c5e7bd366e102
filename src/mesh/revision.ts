import { LABEL } from '../api/labels.js';

interface Labelled {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
}

/** What says which revisions and tags there are. */
export interface RevisionObjects {
  /** MutatingWebhookConfigurations: one per tag carries the tag and its revision. */
  readonly injectors: readonly Labelled[];
  /** ValidatingWebhookConfigurations: one says which revision is the default. */
  readonly validators: readonly Labelled[];
  /** Services of istiod's namespace: one per tag, as for the injectors. */
  readonly services: readonly Labelled[];
}

const TAG_LABEL = 'istio.io/tag';
const DEFAULT = 'default';

/** @see istio/istio manifests/charts/base/templates/defaultrevision-validatingwebhookconfiguration.yaml */
const DEFAULT_VALIDATOR = 'istiod-default-validator';

/**
 * The revision of istiod behind a label `istio.io/rev`, which may be that of a tag. Without one it is the revision of the tag `default`,
 * else the one that validates for all, else `default`.
 *
 * @param label  of an object, or if it has none of its Namespace; empty is as none
 * @see istio/istio pkg/revisions/tag_watcher.go, IsMine
 */
export function revisionOf(label: string | undefined, { injectors, validators, services }: RevisionObjects): string {
  const sought = label || DEFAULT;
  const tagged = [...injectors, ...services].find(({ metadata }) => metadata.labels?.[TAG_LABEL] === sought);
  const revision = tagged?.metadata.labels?.[LABEL.revision];
  if (revision !== undefined || sought !== DEFAULT) return revision ?? sought;
  const validator = validators.find(({ metadata }) => metadata.name === DEFAULT_VALIDATOR);
  return validator?.metadata.labels?.[LABEL.revision] ?? DEFAULT;
}
