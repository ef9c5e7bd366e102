import { definitionStrategy } from '../custom/definition.js';
import { builtinSchemas, publishedOpenApi } from '../../data/index.js';
import type { ServedResource } from '../resource.js';
import { validatingAdmissionPolicies, validatingAdmissionPolicyBindings } from './admission-policies.js';
import { type BuiltinKind, createOnly, serve } from './builtin-kind.js';
import { CanonicalForms } from './canonical-form.js';
import { configMaps } from './config-maps.js';
import { controllerRevisions } from './controller-revisions.js';
import { cronJobs } from './cron-jobs.js';
import { daemonSets } from './daemon-sets.js';
import { deployments } from './deployments.js';
import { endpoints, endpointSlices } from './endpoints.js';
import { coreEvents, events } from './events.js';
import { horizontalPodAutoscalers } from './horizontal-pod-autoscalers.js';
import { jobs } from './jobs.js';
import { leases } from './leases.js';
import { limitRanges } from './limit-ranges.js';
import { namespaces } from './namespaces.js';
import { networkPolicies } from './network-policies.js';
import { nodes } from './nodes.js';
import { persistentVolumeClaims } from './persistent-volume-claims.js';
import { podDisruptionBudgets } from './pod-disruption-budgets.js';
import { pods } from './pods.js';
import { priorityClasses } from './priority-classes.js';
import { rbac } from './rbac.js';
import { replicaSets } from './replica-sets.js';
import { resourceQuotas } from './resource-quotas.js';
import { secrets } from './secrets.js';
import { serviceAccounts } from './service-accounts.js';
import { services } from './services.js';
import { statefulSets } from './stateful-sets.js';
import { nameAndCreation } from './table-form.js';
import { mutatingWebhookConfigurations, validatingWebhookConfigurations } from './webhook-configurations.js';

/** Kinds that are only asked; `auth/reviews.ts` gives them their `answer`. */
function review(group: string, kind: string, namespaced = false): BuiltinKind {
  return { group, kind, namespaced, verbs: createOnly };
}

const customResourceDefinitions: BuiltinKind = {
  group: 'apiextensions.k8s.io',
  kind: 'CustomResourceDefinition',
  shortNames: ['crd', 'crds'],
  namespaced: false,
  categories: ['api-extensions'],
  subresources: ['status'],
  strategy: definitionStrategy,
  table: nameAndCreation,
};

/** All built-in kinds, in the order in which groups are discovered. */
const kinds: readonly BuiltinKind[] = [
  configMaps,
  endpoints,
  coreEvents,
  limitRanges,
  namespaces,
  nodes,
  persistentVolumeClaims,
  pods,
  resourceQuotas,
  secrets,
  serviceAccounts,
  services,
  controllerRevisions,
  daemonSets,
  deployments,
  replicaSets,
  statefulSets,
  events,
  review('authentication.k8s.io', 'SelfSubjectReview'),
  review('authentication.k8s.io', 'TokenReview'),
  review('authorization.k8s.io', 'LocalSubjectAccessReview', true),
  review('authorization.k8s.io', 'SelfSubjectAccessReview'),
  review('authorization.k8s.io', 'SelfSubjectRulesReview'),
  review('authorization.k8s.io', 'SubjectAccessReview'),
  horizontalPodAutoscalers,
  cronJobs,
  jobs,
  networkPolicies,
  podDisruptionBudgets,
  ...rbac,
  mutatingWebhookConfigurations,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
  validatingWebhookConfigurations,
  customResourceDefinitions,
  priorityClasses,
  leases,
  endpointSlices,
];

/** Every built-in kind that the sandbox holds. */
export function builtinResources(): ServedResource[] {
  const published = publishedOpenApi();
  const [schemas, forms] = [builtinSchemas(published), new CanonicalForms(published.definitions)];
  return kinds.map((kind) => serve(kind, schemas, forms));
}
