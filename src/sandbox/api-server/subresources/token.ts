import { invalid as invalidField } from '../builtin/field-errors.js';
import { podSpec } from '../builtin/pod-spec.js';
import { badRequest, conflict, invalid } from '../errors.js';
import type { ApiObject } from '../object.js';
import { timestamp } from '../writes/object-meta.js';
import type { Action, ActionRequest } from '../subresource.js';
import type { SubresourceOptions } from './index.js';

const kind = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' } as const;

const defaultSeconds = 3600;
const leastSeconds = 600;

interface BoundObject {
  kind?: string;
  apiVersion?: string;
  name?: string;
  uid?: string;
}

interface TokenRequestSpec {
  audiences?: string[] | null;
  expirationSeconds?: number;
  boundObjectRef?: BoundObject | null;
}

interface Identified {
  name: string;
  uid: string;
}

const identify = ({ metadata: { name, uid } }: ApiObject): Identified => ({ name, uid });

/** The pod or secret that the token dies with. */
function boundTo(
  ref: BoundObject,
  { namespace, name, operations }: ActionRequest,
): { pod?: Identified; secret?: Identified } {
  const plural = ref.apiVersion === 'v1' ? { Pod: 'pods', Secret: 'secrets' }[ref.kind ?? ''] : undefined;
  if (plural === undefined) {
    const [version = '', group = ''] = (ref.apiVersion ?? '').split('/').reverse();
    throw badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${ref.kind ?? ''}`);
  }
  const object = operations.get(operations.find('', plural)!, { namespace, name: ref.name ?? '' });
  if (plural === 'pods' && podSpec(object).serviceAccountName !== name) {
    const account = JSON.stringify(name);
    throw badRequest(
      `cannot bind token for serviceaccount ${account} to pod running with different serviceaccount name.`,
    );
  }
  if (ref.uid && ref.uid !== object.metadata.uid) {
    const why = `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw conflict({ group: '', plural: ref.kind! }, ref.name!, why);
  }
  return plural === 'pods' ? { pod: identify(object) } : { secret: identify(object) };
}

function validate({ body, name, namespace }: ActionRequest, seconds: number): void {
  const wrong = (field: string, value: unknown, detail: string, about = name): Error =>
    invalid(kind, about, [invalidField(field, value, detail)]);
  const { metadata } = body;
  if (metadata.name && metadata.name !== name) {
    throw wrong('metadata.name', metadata.name, 'must match the service account name if specified');
  }
  if (metadata.namespace && metadata.namespace !== namespace) {
    throw wrong('metadata.namespace', metadata.namespace, 'must match the service account namespace if specified');
  }
  if (seconds < leastSeconds) {
    throw wrong('spec.expirationSeconds', seconds, 'may not specify a duration less than 10 minutes', '');
  }
  if (seconds > 2 ** 32) {
    throw wrong('spec.expirationSeconds', seconds, 'may not specify a duration larger than 2^32 seconds', '');
  }
}

function request(options: SubresourceOptions, action: ActionRequest): object {
  const { resource, namespace, name, body, now, operations } = action;
  const spec = (body.spec ?? {}) as TokenRequestSpec;
  const { expirationSeconds = defaultSeconds, boundObjectRef } = spec;
  const account = operations.get(resource, { namespace, name });
  validate(action, expirationSeconds);
  const { uid } = account.metadata;
  const audiences = spec.audiences?.length ? spec.audiences : [...options.tokens.audiences];
  const token = options.tokens.sign({
    namespace,
    serviceAccount: identify(account),
    ...(boundObjectRef && boundTo(boundObjectRef, action)),
    audiences,
    expirationSeconds,
    id: options.uid(),
    now,
  });
  return {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { ...body.metadata, name, namespace, uid, creationTimestamp: timestamp(now) },
    spec: { audiences, expirationSeconds, boundObjectRef: boundObjectRef ?? null },
    status: { token, expirationTimestamp: timestamp(now + expirationSeconds * 1000) },
  };
}

/** Makes a token of a ServiceAccount: `kubectl create token`, kubelets. */
export function token(options: SubresourceOptions): Action {
  return { type: 'action', kind, create: async (action) => ({ body: request(options, action) }) };
}
