import { type FieldError, badRequest, invalid } from '../errors.js';
import type { ApiObject } from '../object.js';
import type { ServedResource, User, WriteContext } from '../resource.js';
import type { PolicyRule } from './policy-rule.js';
import { RbacAuthorizer } from './rbac.js';

/** What is asked about, in the `spec` of the reviews. */
interface ReviewSpec {
  resourceAttributes?: {
    namespace?: string;
    verb?: string;
    group?: string;
    version?: string;
    resource?: string;
    subresource?: string;
    name?: string;
  };
  nonResourceAttributes?: { path?: string; verb?: string };
  user?: string;
  uid?: string;
  groups?: string[];
  extra?: Record<string, string[]>;
}

type Answer = NonNullable<ServedResource['answer']>;

/** Answers of the kinds of `authorization.k8s.io`, by kind. @see pkg/registry/authorization */
export const accessReviews: Readonly<Record<string, Answer>> = {
  SubjectAccessReview: (review, context) => {
    const spec = specOf(review);
    refuse([...aboutOneThing(spec), ...aboutSomebody(spec), ...emptyMeta(review, 'must be empty')]);
    return decided(review, context, spec, subject(spec));
  },
  LocalSubjectAccessReview: (review, context) => {
    const spec = specOf(review);
    const { namespace } = review.metadata;
    const { resourceAttributes: about, nonResourceAttributes } = spec;
    const elsewhere: FieldError = {
      type: 'Invalid value',
      field: 'spec.resourceAttributes.namespace',
      value: about?.namespace ?? '',
      detail: 'must match metadata.namespace',
    };
    const path: FieldError = {
      type: 'Invalid value',
      field: 'spec.nonResourceAttributes',
      value: nonResourceAttributes && shown(nonResourceAttributes),
      detail: 'disallowed on this kind of request',
    };
    refuse([
      ...aboutOneThing(spec),
      ...aboutSomebody(spec),
      ...emptyMeta(review, 'must be empty except for namespace', ['namespace']),
      ...(about && about.namespace !== namespace ? [elsewhere] : []),
      ...(nonResourceAttributes ? [path] : []),
    ]);
    return decided(review, context, spec, subject(spec));
  },
  SelfSubjectAccessReview: (review, context) => {
    const spec = specOf(review);
    refuse([...aboutOneThing(spec), ...emptyMeta(review, 'must be empty')]);
    return decided(review, context, spec, context.user);
  },
  SelfSubjectRulesReview: (review, context) => {
    const { namespace } = (review['spec'] ?? {}) as { namespace?: string };
    if (!namespace) throw badRequest('no namespace on request');
    return { ...review, spec: {}, status: rulesFor(context, namespace) };
  },
};

function specOf(review: ApiObject): ReviewSpec {
  return review['spec'] ?? {};
}

/** The real handlers have lost the kind by then. */
function refuse(errors: FieldError[]): void {
  if (errors.length > 0) throw invalid({ group: 'authorization.k8s.io', kind: '' }, '', errors);
}

function aboutOneThing({ resourceAttributes, nonResourceAttributes }: ReviewSpec): FieldError[] {
  const type = 'Invalid value';
  if (resourceAttributes && nonResourceAttributes) {
    const detail = 'cannot be specified in combination with resourceAttributes';
    return [{ type, field: 'spec.nonResourceAttributes', value: shown(nonResourceAttributes), detail }];
  }
  if (resourceAttributes ?? nonResourceAttributes) return [];
  const detail = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
  return [{ type, field: 'spec.resourceAttributes', value: null, detail }];
}

/** As Go prints the struct. */
function shown({ path = '', verb = '' }: NonNullable<ReviewSpec['nonResourceAttributes']>): object {
  return { Path: path, Verb: verb };
}

function aboutSomebody({ user, groups }: ReviewSpec): FieldError[] {
  if (user || groups?.length) return [];
  const detail = 'at least one of user or group must be specified';
  return [{ type: 'Invalid value', field: 'spec.user', value: '', detail }];
}

/** A review is not an object that one could name. */
function emptyMeta({ metadata }: ApiObject, detail: string, but: string[] = []): FieldError[] {
  const ignored = new Set(['managedFields', ...but]);
  const filled = Object.entries(metadata).some(
    ([field, value]) => !ignored.has(field) && value !== '' && value !== null,
  );
  return filled ? [{ type: 'Invalid value', field: 'metadata', value: metadata, detail }] : [];
}

function subject({ user = '', uid, groups = [], extra }: ReviewSpec): User {
  return { name: user, ...(uid && { uid }), groups, ...(extra && { extra }) };
}

function decided(review: ApiObject, context: WriteContext, spec: ReviewSpec, user: User): ApiObject {
  const resource = spec.resourceAttributes;
  const { allowed, reason } = authorizer(context).authorize(user, {
    verb: resource?.verb ?? spec.nonResourceAttributes?.verb ?? '',
    group: resource?.group ?? '',
    version: resource?.version ?? '*',
    resource: resource?.resource ?? '',
    subresource: resource?.subresource ?? '',
    namespace: resource?.namespace ?? '',
    name: resource?.name ?? '',
    path: spec.nonResourceAttributes?.path ?? '',
  });
  return { ...review, status: { allowed, ...(reason !== '' && { reason }) } };
}

function rulesFor(context: WriteContext, namespace: string): object {
  const grants = [...authorizer(context).grants(context.user, namespace)];
  const rules = grants.flatMap((grant) => ('rule' in grant ? [grant.rule] : []));
  const problems = grants.flatMap((grant) => ('problem' in grant ? [grant.problem] : []));
  return {
    resourceRules: rules.filter(({ resources }) => resources?.length).map(resourceRule),
    nonResourceRules: rules
      .filter(({ nonResourceURLs }) => nonResourceURLs?.length)
      .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    incomplete: false,
    ...(problems.length > 0 && { evaluationError: problems.length > 1 ? `[${problems.join(', ')}]` : problems[0] }),
  };
}

function resourceRule({ verbs, apiGroups, resources, resourceNames }: PolicyRule): PolicyRule {
  return {
    verbs,
    ...(apiGroups?.length && { apiGroups }),
    ...(resources && { resources }),
    ...(resourceNames?.length && { resourceNames }),
  };
}

function authorizer(context: WriteContext): RbacAuthorizer {
  return new RbacAuthorizer(context.cluster);
}
