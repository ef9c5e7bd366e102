import type { AdmissionAttributes } from './admission-chain.js';
import type { Authorizer } from '../auth/auth-interfaces.js';
import type { ClusterView } from '../storage/cluster-view.js';
import { StatusError } from '../errors.js';
import type { ApiObject } from '../object.js';
import type { Registry } from '../registry.js';
import type { ServedResource } from '../resource.js';
import { requestValues } from './cel-request.js';
import { type AdmissionPlugin, denied } from './plugin.js';
import { type BoundPolicy, boundPolicies, criteriaOf } from './policy-configuration.js';
import { type Violation, violations } from './policy-evaluation.js';
import { collectParameters } from './policy-parameters.js';
import type { RequestMatcher } from './request-match.js';
import { isExempt } from './webhook-configuration.js';

/** A violation that refuses the request. */
interface Denial {
  policy: string;
  binding?: string;
  violation: Violation;
}

const codes: Readonly<Record<string, number>> = { Forbidden: 403, Unauthorized: 401, RequestEntityTooLarge: 413 };

/**
 * ValidatingAdmissionPolicies and their bindings.
 *
 * @see apiserver, pkg/admission/plugin/policy/validating/dispatcher.go
 */
export class ValidatingPolicies implements AdmissionPlugin {
  constructor(
    private readonly cluster: ClusterView,
    private readonly registry: Registry,
    private readonly matcher: RequestMatcher,
    private readonly authorizer: Authorizer,
  ) {}

  validate(attributes: AdmissionAttributes): void {
    if (isExempt(attributes)) return;
    const denials: Denial[] = [];
    for (const policy of boundPolicies(this.cluster)) {
      const as = this.#about(policy, attributes, denials);
      if (as) this.#evaluate(policy, attributes, as, denials);
    }
    const [first] = denials;
    if (first) throw refusal(attributes, first);
  }

  /** The resource as the policy's rules name it, where it is about the request. */
  #about({ name, spec }: BoundPolicy, attributes: AdmissionAttributes, denials: Denial[]): ServedResource | undefined {
    try {
      return this.matcher.match(attributes, criteriaOf(spec.matchConstraints));
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      const violation = { message: `failed to configure policy: ${error.message}` };
      if (spec.failurePolicy !== 'Ignore') denials.push({ policy: name, violation });
      return undefined;
    }
  }

  #evaluate(policy: BoundPolicy, attributes: AdmissionAttributes, as: ServedResource, denials: Denial[]): void {
    const { name, spec } = policy;
    let values: Record<string, unknown> | undefined;
    for (const binding of policy.bindings) {
      if (!this.matcher.match(attributes, criteriaOf(binding.spec.matchResources))) continue;
      const deny = (violation: Violation): void => {
        denials.push({ policy: name, binding: binding.name, violation });
      };
      const { paramRef } = binding.spec;
      const { cluster, registry } = this;
      const found = collectParameters(cluster, registry, spec.paramKind, paramRef, attributes.namespace ?? '');
      if (typeof found === 'string') {
        if (spec.failurePolicy !== 'Ignore') deny({ message: `failed to configure binding: ${found}` });
        continue;
      }
      values ??= this.#values(attributes, as);
      for (const params of found) {
        for (const violation of violations(spec, { ...values, params })) {
          this.#act(binding, name, attributes, violation, deny);
        }
      }
    }
  }

  #act(
    binding: BoundPolicy['bindings'][number],
    policy: string,
    attributes: AdmissionAttributes,
    violation: Violation,
    deny: (violation: Violation) => void,
  ): void {
    for (const action of binding.spec.validationActions ?? []) {
      if (action === 'Deny') deny(violation);
      if (action === 'Warn') {
        const where = `ValidatingAdmissionPolicy '${policy}' with binding '${binding.name}'`;
        attributes.warn(`Validation failed for ${where}: ${violation.message}`);
      }
    }
  }

  #values(attributes: AdmissionAttributes, as: ServedResource): Record<string, unknown> {
    const namespace = this.matcher.namespaceOf(attributes);
    return {
      ...requestValues(attributes, as, this.authorizer),
      namespaceObject: namespace ? exposed(namespace) : null,
    };
  }
}

/** What expressions see of the namespace. */
function exposed({ metadata, spec, status }: ApiObject): object {
  const { managedFields: _managed, ownerReferences: _owners, ...visible } = metadata;
  return { metadata: visible, spec, status };
}

function refusal(attributes: AdmissionAttributes, { policy, binding, violation }: Denial): StatusError {
  const by = `ValidatingAdmissionPolicy '${policy}'${binding === undefined ? '' : ` with binding '${binding}'`}`;
  const message = `${by} denied request: ${violation.message}`;
  const { message: whole, details } = denied(attributes, message);
  const reason = violation.reason ?? 'Invalid';
  return new StatusError(codes[reason] ?? 422, reason, whole, { ...details, causes: [{ message }] });
}
