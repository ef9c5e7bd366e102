import type { Objects } from './objects.js';

/** A kind that the operator may create in a dry run, and never for real. */
export interface DryRunOnly {
  readonly apiGroup: string;
  readonly apiVersion: string;
  /** Plural, as in URLs. */
  readonly resource: string;
  /** Plural, as in sentences. */
  readonly label: string;
}

/**
 * RBAC cannot tell a dry run from a write. This policy can: what the operator may create only to see what admission does
 * with it, it may create with `dryRun=All` and not otherwise. Nobody else is concerned.
 *
 * @see Kubernetes docs, "Validating Admission Policy" (v1 since Kubernetes 1.30)
 */
export function addDryRunPolicy(objects: Objects, name: string, username: string, kinds: readonly DryRunOnly[]): void {
  const labels = kinds.map(({ label }) => label).join(' and ');
  objects.addPlain({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: {
      failurePolicy: 'Fail',
      // Written as the API server would default them: the whole struct has one owner, and a second `kubectl apply
      // --server-side` under another name would conflict over what only defaulting had set.
      matchConstraints: {
        matchPolicy: 'Equivalent',
        namespaceSelector: {},
        objectSelector: {},
        resourceRules: kinds.map(({ apiGroup, apiVersion, resource }) => ({
          apiGroups: [apiGroup],
          apiVersions: [apiVersion],
          operations: ['CREATE'],
          resources: [resource],
          scope: '*',
        })),
      },
      // Before the validations, and so simple that it cannot fail: no request of anybody else depends on this policy.
      matchConditions: [{ name: 'by-the-operator', expression: `request.userInfo.username == '${username}'` }],
      validations: [
        {
          expression: 'has(request.dryRun) && request.dryRun',
          message: `Sidestep creates ${labels} only in dry runs, to see what admission does with them: dryRun=All is missing`,
          reason: 'Forbidden',
        },
      ],
    },
  });
  objects.addPlain({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name },
    spec: { policyName: name, validationActions: ['Deny'] },
  });
}
