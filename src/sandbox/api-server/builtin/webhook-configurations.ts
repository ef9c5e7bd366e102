import type { LabelSelector } from '../../../kube/selectors.js';
import { matchConditionErrors } from '../admission/expression-validation.js';
import type { MatchCondition } from '../admission/match-conditions.js';
import type { FieldError } from '../errors.js';
import { label1035Name, subdomainName } from '../writes/names.js';
import type { ApiObject } from '../object.js';
import type { Strategy } from '../resource.js';
import type { BuiltinKind } from './builtin-kind.js';
import { duplicate, invalid, named, required, unsupported } from './field-errors.js';
import { fill } from './pod-spec.js';
import { validateSelector } from './selector-validation.js';
import { age, ageColumn, column, nameColumn, type TableForm } from './table-form.js';

const group = 'admissionregistration.k8s.io';

/** What requests a webhook or policy is for. */
export interface OperationsRule {
  operations?: string[];
  apiGroups?: string[];
  apiVersions?: string[];
  resources?: string[];
  scope?: string;
}

interface Webhook {
  name: string;
  clientConfig?: { url?: string; service?: { namespace?: string; name?: string; port?: number; path?: string } };
  rules?: OperationsRule[];
  failurePolicy?: string;
  matchPolicy?: string;
  sideEffects?: string;
  timeoutSeconds?: number;
  admissionReviewVersions?: string[] | null;
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
  reinvocationPolicy?: string;
  matchConditions?: MatchCondition[];
}

const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const noSideEffects = ['None', 'NoneOnDryRun'];

const webhooksOf = (object: ApiObject): Webhook[] => (object.webhooks ?? []) as Webhook[];

function setDefaults(object: ApiObject, mutating: boolean): void {
  for (const webhook of webhooksOf(object)) {
    fill(webhook, {
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      namespaceSelector: {},
      objectSelector: {},
      timeoutSeconds: 10,
      ...(mutating && { reinvocationPolicy: 'Never' }),
    });
    webhook.rules?.forEach(defaultRule);
    if (webhook.clientConfig?.service) fill(webhook.clientConfig.service, { port: 443 });
  }
}

/** A rule is for resources of both scopes unless it says otherwise. */
export function defaultRule(rule: OperationsRule): void {
  fill(rule, { scope: '*' });
}

/** What is wrong with a rule of a webhook or policy. */
export function validateOperationsRule(rule: OperationsRule, path: string): FieldError[] {
  const list = (name: 'operations' | 'apiGroups' | 'apiVersions', others: string): FieldError[] => {
    const values = rule[name] ?? [];
    if (values.length === 0) return [required(`${path}.${name}`)];
    return values.length > 1 && values.includes('*')
      ? [invalid(`${path}.${name}`, values, `if '*' is present, must not specify other ${others}`)]
      : [];
  };
  return [
    ...list('operations', 'operations'),
    ...(rule.operations ?? []).flatMap((each, index) =>
      operations.includes(each) ? [] : [unsupported(`${path}.operations[${index}]`, each, operations)],
    ),
    ...list('apiGroups', 'API groups'),
    ...list('apiVersions', 'API versions'),
    ...(rule.apiVersions ?? []).flatMap((each, index) => (each ? [] : [required(`${path}.apiVersions[${index}]`)])),
    ...validateResources(rule.resources ?? [], `${path}.resources`),
    ...supported(`${path}.scope`, rule.scope, ['*', 'Cluster', 'Namespaced']),
  ];
}

/** Names of resources, with or without subresources; what a star says already is not said again. */
function validateResources(resources: readonly string[], path: string): FieldError[] {
  if (resources.length === 0) return [required(path)];
  const plain = resources.filter((each) => each !== '' && !each.includes('/'));
  return [
    ...resources.flatMap((each, index) => {
      if (each === '') return [required(`${path}[${index}]`)];
      const [resource, part] = each.split('/', 2);
      if (part === undefined) return [];
      const wider = [`${resource}/*`, `*/${part}`].filter(
        (star) => resources.indexOf(star) < index && resources.includes(star),
      );
      return wider.map((star) =>
        invalid(`${path}[${index}]`, each, `if '${star}' is present, must not specify ${each}`),
      );
    }),
    ...(resources.length > 1 && resources.includes('*/*')
      ? [invalid(path, resources, "if '*/*' is present, must not specify other resources")]
      : []),
    ...(plain.includes('*') && plain.at(-1) !== '*'
      ? [invalid(path, resources, "if '*' is present, must not specify other resources without subresources")]
      : []),
  ];
}

/** An optional field with few values. */
export function supported(field: string, value: string | undefined, values: readonly string[]): FieldError[] {
  return value === undefined || values.includes(value) ? [] : [unsupported(field, value, values)];
}

function validateName(name: string, path: string): FieldError[] {
  if (!name) return [required(path)];
  const wrong = named(path, name, subdomainName);
  if (wrong.length > 0 || name.split('.').length >= 3) return wrong;
  return [invalid(path, name, 'should be a domain with at least three segments separated by dots')];
}

function validateClient({ url, service }: NonNullable<Webhook['clientConfig']>, path: string): FieldError[] {
  if ((url === undefined) === (service === undefined)) {
    return [required(path, 'exactly one of url or service is required')];
  }
  return service ? validateService(service, `${path}.service`) : validateUrl(url!, `${path}.url`);
}

function validateUrl(text: string, path: string): FieldError[] {
  const form = '; desired format: https://host[/path]';
  if (!URL.canParse(text)) return [required(path, `url must be a valid URL${form}`)];
  const url = new URL(text);
  const user = url.password === '' ? url.username : `${url.username}:${url.password}`;
  const wrong: [boolean, string, string][] = [
    [url.protocol !== 'https:', url.protocol.slice(0, -1), `'https' is the only allowed URL scheme${form}`],
    [url.host === '', '', `host must be specified${form}`],
    [user !== '', user, 'user information is not permitted in the URL'],
    [url.hash !== '', url.hash.slice(1), 'fragments are not permitted in the URL'],
    [url.search !== '', url.search.slice(1), 'query parameters are not permitted in the URL'],
  ];
  return wrong.flatMap(([isWrong, value, why]) => (isWrong ? [invalid(path, value, why)] : []));
}

type Service = NonNullable<NonNullable<Webhook['clientConfig']>['service']>;

function validateService({ name, namespace, port = 443, path }: Service, at: string): FieldError[] {
  const steps = (path ?? '').replace(/^[^]/, '').replace(/\/$/, '').split('/');
  return [
    ...(name ? [] : [required(`${at}.name`)]),
    ...(namespace ? [] : [required(`${at}.namespace`)]),
    ...(port >= 1 && port <= 65_535
      ? []
      : [invalid(`${at}.port`, port, 'port is not valid: must be between 1 and 65535, inclusive')]),
    ...(path && !path.startsWith('/') ? [invalid(`${at}.path`, path, "must start with a '/'")] : []),
    ...(path && path !== '/'
      ? steps.flatMap((step, index) => {
          if (step === '') return [invalid(`${at}.path`, path, `segment[${index}] may not be empty`)];
          return subdomainName(step).map((why) => invalid(`${at}.path`, path, `segment[${index}]: ${why}`));
        })
      : []),
  ];
}

function validateWebhook(webhook: Webhook, path: string): FieldError[] {
  const { sideEffects, timeoutSeconds = 10, rules = [], clientConfig = {} } = webhook;
  return [
    ...validateName(webhook.name, `${path}.name`),
    ...rules.flatMap((rule, index) => validateOperationsRule(rule, `${path}.rules[${index}]`)),
    ...supported(`${path}.failurePolicy`, webhook.failurePolicy, ['Fail', 'Ignore']),
    ...supported(`${path}.matchPolicy`, webhook.matchPolicy, ['Equivalent', 'Exact']),
    ...(sideEffects === undefined
      ? [required(`${path}.sideEffects`, `must specify one of ${noSideEffects.join(', ')}`)]
      : supported(`${path}.sideEffects`, sideEffects, noSideEffects)),
    ...(timeoutSeconds < 1 || timeoutSeconds > 30
      ? [invalid(`${path}.timeoutSeconds`, timeoutSeconds, 'the timeout value must be between 1 and 30 seconds')]
      : []),
    ...validateSelector(webhook.namespaceSelector, `${path}.namespaceSelector`),
    ...validateSelector(webhook.objectSelector, `${path}.objectSelector`),
    ...matchConditionErrors(webhook.matchConditions ?? [], `${path}.matchConditions`),
    ...supported(`${path}.reinvocationPolicy`, webhook.reinvocationPolicy, ['IfNeeded', 'Never']),
    ...validateClient(clientConfig, `${path}.clientConfig`),
    ...validateVersions(webhook.admissionReviewVersions ?? [], `${path}.admissionReviewVersions`),
  ];
}

function validateVersions(versions: readonly string[], path: string): FieldError[] {
  const known = ['v1', 'v1beta1'];
  if (versions.length === 0) return [required(path, `must specify one of ${known.join(', ')}`)];
  return [
    ...versions.flatMap((version, index) => {
      if (versions.indexOf(version) < index) return [invalid(`${path}[${index}]`, version, 'duplicate version')];
      return named(`${path}[${index}]`, version, label1035Name);
    }),
    ...(versions.some((version) => known.includes(version))
      ? []
      : [invalid(path, versions, `must include at least one of ${known.join(', ')}`)]),
  ];
}

function validate(object: ApiObject): FieldError[] {
  const names = webhooksOf(object).map(({ name }) => name);
  return webhooksOf(object).flatMap((webhook, index) => [
    ...validateWebhook(webhook, `webhooks[${index}]`),
    ...(names.indexOf(webhook.name) < index ? [duplicate(`webhooks[${index}].name`, webhook.name)] : []),
  ]);
}

const strategy = (mutating: boolean): Strategy => ({
  hasGeneration: true,
  unconditionalUpdate: false,
  setDefaults: (object) => setDefaults(object, mutating),
  validate,
  validateUpdate: (object) => validate(object),
});

const table: TableForm = {
  columns: [
    nameColumn,
    column('Webhooks', 'Webhooks indicates the number of webhooks registered in this configuration', 'integer'),
    ageColumn,
  ],
  cells: (object, now) => [
    object.metadata.name,
    webhooksOf(object).length,
    age(object.metadata.creationTimestamp, now),
  ],
};

const shared = { group, namespaced: false, categories: ['api-extensions'], table } as const;

/** `admissionregistration.k8s.io/v1` MutatingWebhookConfiguration. */
export const mutatingWebhookConfigurations: BuiltinKind = {
  ...shared,
  kind: 'MutatingWebhookConfiguration',
  strategy: strategy(true),
};

/** `admissionregistration.k8s.io/v1` ValidatingWebhookConfiguration. */
export const validatingWebhookConfigurations: BuiltinKind = {
  ...shared,
  kind: 'ValidatingWebhookConfiguration',
  strategy: strategy(false),
};
