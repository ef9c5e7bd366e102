import { isEqual } from '../json.js';
import { forbidden, immutable, invalid, required, unsupported } from '../builtin/field-errors.js';
import type { FieldError } from '../errors.js';
import { label1035Name, type NameRule, subdomainName } from '../writes/names.js';
import { type Definition, type DefinitionNames, isTrue } from './definition-object.js';
import { child, entry } from './paths.js';
import { sharedErrors, versionErrors } from './version-validation.js';

/**
 * What is wrong with a definition; its metadata have been checked.
 *
 * Source: apiextensions-apiserver, pkg/apis/apiextensions/validation/validation.go
 */
export function validateDefinition(definition: Definition): FieldError[] {
  const { spec, metadata, status } = definition;
  const name = `${spec.names?.plural ?? ''}.${spec.group ?? ''}`;
  return [
    ...(metadata.name === name
      ? []
      : [invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group')]),
    ...specErrors(definition),
    ...namesErrors(status?.acceptedNames, 'status.acceptedNames'),
    ...storedVersionErrors(definition),
    ...approvalErrors(definition),
    ...preserveErrors(definition),
  ];
}

/** As {@link validateDefinition}, for a change. What the schemas have stays unlooked at if the spec has not changed. */
export function validateDefinitionUpdate(definition: Definition, old: Definition): FieldError[] {
  const { spec } = definition;
  if (isEqual(spec, old.spec)) return storedVersionErrors(definition);
  const fixed = isTrue(old, 'Established')
    ? [
        ...immutable('spec.scope', spec.scope, old.spec.scope),
        ...immutable('spec.names.kind', spec.names.kind, old.spec.names.kind),
      ]
    : [];
  return [
    ...specErrors(definition),
    ...fixed,
    ...immutable('spec.group', spec.group, old.spec.group),
    ...immutable('spec.names.plural', spec.names.plural, old.spec.names.plural),
    ...storedVersionErrors(definition),
    ...preserveErrors(definition),
  ];
}

function specErrors({ spec }: Definition): FieldError[] {
  const versions = spec.versions ?? [];
  const names = versions.map(({ name }) => name);
  const errors = [...groupErrors(spec.group), ...scopeErrors(spec.scope)];
  versions.forEach((version, i) => {
    if (version.schema?.openAPIV3Schema) return;
    errors.push(required(`spec.versions[${i}].schema.openAPIV3Schema`));
  });
  versions.forEach((version, i) => errors.push(...versionErrors(version, versions, `spec.versions[${i}]`)));
  const internal = spec.versions ? versions.map(internalForm) : null;
  if (new Set(names).size < names.length)
    errors.push(invalid('spec.versions', internal, 'must contain unique version names'));
  if (versions.filter(({ storage }) => storage).length !== 1) {
    errors.push(invalid('spec.versions', internal, 'must have exactly one version marked as storage version'));
  }
  // The first version has a field of its own, from older times.
  if (names.length > 0) errors.push(...named('spec.version', names[0], label1035Name));
  for (const field of ['plural', 'singular', 'kind', 'listKind'] as const) {
    if (!spec.names?.[field]) errors.push(required(`spec.names.${field}`));
  }
  return [...errors, ...namesErrors(spec.names, 'spec.names'), ...sharedErrors(versions), ...conversionErrors(spec)];
}

function groupErrors(group: string | undefined): FieldError[] {
  if (!group) return [required('spec.group')];
  const errors = named('spec.group', group, subdomainName);
  if (errors.length > 0 || group.includes('.')) return errors;
  return [invalid('spec.group', group, 'should be a domain with at least one dot')];
}

function scopeErrors(scope: string | undefined): FieldError[] {
  if (!scope) return [required('spec.scope')];
  const scopes = ['Cluster', 'Namespaced'];
  return scopes.includes(scope) ? [] : [unsupported('spec.scope', scope, scopes)];
}

function named(field: string, value: string | undefined, rule: NameRule, before = ''): FieldError[] {
  const problems = value ? rule(before === '' ? value : value.toLowerCase()) : [];
  return problems.length === 0 ? [] : [invalid(field, value, `${before}${problems.join(',')}`)];
}

function namesErrors(names: DefinitionNames | undefined, path: string): FieldError[] {
  if (!names) return [];
  const mixed = 'may have mixed case, but should otherwise match: ';
  const same = names.kind && names.kind === names.listKind;
  const lists = (['shortNames', 'categories'] as const).map((field) =>
    (names[field] ?? []).flatMap((name, i) => named(entry(child(path, field), i), name, label1035Name)),
  );
  return [
    ...named(child(path, 'plural'), names.plural, label1035Name),
    ...named(child(path, 'singular'), names.singular, label1035Name),
    ...named(child(path, 'kind'), names.kind, label1035Name, mixed),
    ...named(child(path, 'listKind'), names.listKind, label1035Name, mixed),
    ...lists[0]!,
    ...(same ? [invalid(child(path, 'listKind'), names.listKind, 'kind and listKind may not be the same')] : []),
    ...lists[1]!,
  ];
}

function storedVersionErrors({ spec, status }: Definition): FieldError[] {
  const stored = status?.storedVersions ?? [];
  const at = 'status.storedVersions';
  if (stored.length === 0) return [invalid(at, null, 'must have at least one stored version')];
  const versions = spec.versions ?? [];
  const missing = versions
    .filter(({ name, storage }) => storage && !stored.includes(name))
    .map(({ name }) => invalid(at, stored, `must have the storage version ${name}`));
  const lost = stored.flatMap((name, i) => {
    if (versions.some((version) => version.name === name)) return [];
    const why = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
    return [invalid(entry(at, i), name, why)];
  });
  return [...missing, ...lost];
}

const approval = 'api-approved.kubernetes.io';

function approvalErrors({ spec, metadata }: Definition): FieldError[] {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(spec.group ?? '')) return [];
  const value = metadata.annotations?.[approval];
  const at = entry('metadata.annotations', approval);
  if (!value) {
    const why = `protected groups must have approval annotation "${approval}", see https://github.com/kubernetes/enhancements/pull/1111`;
    return [required(at, why)];
  }
  if (value.startsWith('unapproved') || /^[a-z]+:\/\/[^/]+/.test(value)) return [];
  const why = `protected groups must have approval annotation "${approval}" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111`;
  return [invalid(at, value, why)];
}

function preserveErrors({ spec }: Definition): FieldError[] {
  if (!spec.preserveUnknownFields) return [];
  const why = 'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead';
  return [invalid('spec.preserveUnknownFields', true, why)];
}

/** Versions are converted by renaming only; a webhook is refused where it is incomplete, and otherwise not called. */
function conversionErrors({ conversion }: Definition['spec']): FieldError[] {
  if (!conversion) return [];
  const strategies = ['None', 'Webhook'];
  if (!strategies.includes(conversion.strategy)) {
    return [unsupported('spec.conversion.strategy', conversion.strategy, strategies)];
  }
  const { webhook } = conversion;
  if (conversion.strategy === 'None') {
    if (!webhook) return [];
    return [forbidden('spec.conversion.webhookClientConfig', 'should not be set when strategy is not set to Webhook')];
  }
  const errors: FieldError[] = [];
  if (!webhook?.clientConfig) {
    errors.push(required('spec.conversion.webhookClientConfig', 'required when strategy is set to Webhook'));
  }
  if (!webhook?.conversionReviewVersions?.length) errors.push(required('spec.conversion.conversionReviewVersions'));
  return errors;
}

/** A version as messages show it: with the names of Go's fields. */
function internalForm({
  name,
  served,
  storage,
  deprecated,
  deprecationWarning,
}: Definition['spec']['versions'][number]): object {
  return {
    Name: name,
    Served: served,
    Storage: storage,
    Deprecated: deprecated ?? false,
    DeprecationWarning: deprecationWarning ?? null,
    Schema: null,
    Subresources: null,
    AdditionalPrinterColumns: null,
    SelectableFields: null,
  };
}
