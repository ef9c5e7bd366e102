import { type LabelSelector, matchesSelector } from '../../../kube/selectors.js';
import { isEmptySelector } from '../builtin/selector-validation.js';
import type { AdmissionAttributes } from './admission-chain.js';
import type { ClusterView } from '../storage/cluster-view.js';
import { type StatusError, notFound } from '../errors.js';
import type { Registry } from '../registry.js';
import type { ServedResource } from '../resource.js';
import type { Draft } from './plugin.js';
import { type RequestRule, type RequestedResource, ruleMatches } from './request-rules.js';

/** What webhooks, policies and bindings say about the requests they are about. */
export interface MatchCriteria {
  /** None: all. */
  rules?: readonly RequestRule[] | undefined;
  excludedRules?: readonly RequestRule[] | undefined;
  /** Default: `Equivalent`. */
  matchPolicy?: string | undefined;
  namespaceSelector?: LabelSelector | undefined;
  objectSelector?: LabelSelector | undefined;
}

const namespaces = { group: '', plural: 'namespaces' };

/** Finds out whether a request is meant, and in which version of its resource. */
export class RequestMatcher {
  constructor(
    private readonly cluster: ClusterView,
    private readonly registry: Registry,
  ) {}

  /**
   * The resource in the version that the criteria name, or undefined if they do not mean the request.
   *
   * @throws {StatusError} 404: the namespace that a selector asks about is not there
   */
  match(attributes: Draft | AdmissionAttributes, criteria: MatchCriteria): ServedResource | undefined {
    const inNamespace = this.#isInNamespace(attributes, criteria.namespaceSelector);
    if (inNamespace === false || !isLabelled(attributes, criteria.objectSelector)) return undefined;
    if (this.#byRules(attributes, criteria.excludedRules ?? [], criteria.matchPolicy)) return undefined;
    const found = criteria.rules?.length
      ? this.#byRules(attributes, criteria.rules, criteria.matchPolicy)
      : attributes.resource;
    // Only now: a missing namespace does not concern those who do not ask about the request anyway.
    if (found && typeof inNamespace !== 'boolean') throw inNamespace;
    return found;
  }

  /** The namespace of a request, unless it is about something else than an object in a namespace. */
  namespaceOf({ resource, namespace = '' }: Draft | AdmissionAttributes): ReturnType<ClusterView['get']> {
    if (namespace === '' || isNamespaces(resource)) return undefined;
    return this.cluster.get(namespaces, { name: namespace });
  }

  #isInNamespace(attributes: Draft | AdmissionAttributes, selector: LabelSelector = {}): boolean | StatusError {
    const { resource, namespace = '', operation, subresource, object } = attributes;
    if (isEmptySelector(selector) || (namespace === '' && !isNamespaces(resource))) return true;
    // A namespace is asked for the labels that it is going to have.
    if (isNamespaces(resource) && subresource === '' && object && operation !== 'DELETE') {
      return matchesSelector(selector, object.metadata.labels ?? {});
    }
    const name = namespace || attributes.name;
    const found = this.cluster.get(namespaces, { name });
    return found ? matchesSelector(selector, found.metadata.labels ?? {}) : notFound(namespaces, name);
  }

  #byRules(
    attributes: Draft | AdmissionAttributes,
    rules: readonly RequestRule[],
    matchPolicy = 'Equivalent',
  ): ServedResource | undefined {
    const { resource } = attributes;
    const matches = (rule: RequestRule, as: ServedResource): boolean => ruleMatches(rule, requested(attributes, as));
    if (rules.some((rule) => matches(rule, resource))) return resource;
    if (matchPolicy !== 'Equivalent') return undefined;
    const others = this.registry
      .all()
      .filter((other) => other !== resource && other.storageKey === resource.storageKey);
    for (const rule of rules) {
      const found = others.find((other) => matches(rule, other));
      if (found) return found;
    }
    return undefined;
  }
}

function isNamespaces({ group, plural }: ServedResource): boolean {
  return group === '' && plural === 'namespaces';
}

function isLabelled({ object, oldObject }: Draft | AdmissionAttributes, selector: LabelSelector = {}): boolean {
  if (isEmptySelector(selector)) return true;
  return [object, oldObject].some((one) => one !== undefined && matchesSelector(selector, one.metadata?.labels ?? {}));
}

function requested(
  { operation, subresource, namespace = '', name }: Draft | AdmissionAttributes,
  { group, version, plural }: ServedResource,
): RequestedResource {
  return { operation, group, version, plural, subresource, namespace, name };
}
