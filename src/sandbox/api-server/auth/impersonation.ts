import type { IncomingHttpHeaders } from 'node:http';
import type { AccessAttributes, Authorizer } from './auth-interfaces.js';
import { badRequest } from '../errors.js';
import { accessForbidden } from '../http/forbidden.js';
import type { User } from '../resource.js';
import { serviceAccountGroups } from './tokens.js';

/** One thing that a request wants to be, as the authorizer sees it. */
type Wish = Pick<AccessAttributes, 'group' | 'resource' | 'subresource' | 'namespace' | 'name'>;

const authenticationGroup = 'authentication.k8s.io';
const extraPrefix = 'impersonate-extra-';

/**
 * The user that the `Impersonate-*` headers name, or undefined without them.
 *
 * @param headers  several of one name as a list
 * @throws {import('../errors.js').StatusError} 400 for groups without a user, 403 if the sender may not
 * @see apiserver, pkg/endpoints/filters/impersonation/impersonation.go
 */
export function impersonated(headers: IncomingHttpHeaders, sender: User, authorizer: Authorizer): User | undefined {
  const name = one(headers['impersonate-user']);
  const uid = one(headers['impersonate-uid']);
  const groups = all(headers['impersonate-group']);
  const extra = extras(headers);
  if (name === '') {
    const orphans = references(uid, groups, extra);
    if (orphans.length > 0) throw badRequest(`requested [${orphans.join(' ')}] without impersonating a user`);
    return undefined;
  }
  for (const wish of wishes(name, uid, groups, extra)) {
    const attributes = { verb: 'impersonate', version: '', path: '', ...wish };
    const { allowed, reason } = authorizer.authorize(sender, attributes);
    if (!allowed) throw accessForbidden(sender, attributes, true, reason);
  }
  return {
    name,
    ...(uid !== '' && { uid }),
    groups: allGroups(name, groups),
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}

function wishes(name: string, uid: string, groups: string[], extra: Record<string, string[]>): Wish[] {
  const wish = (resource: string, more: Partial<Wish>): Wish => ({
    group: '',
    resource,
    subresource: '',
    namespace: '',
    name: '',
    ...more,
  });
  const account = serviceAccount(name);
  return [
    account ? wish('serviceaccounts', account) : wish('users', { name }),
    ...groups.map((group) => wish('groups', { name: group })),
    ...Object.entries(extra).flatMap(([subresource, values]) =>
      values.map((value) => wish('userextras', { group: authenticationGroup, subresource, name: value })),
    ),
    ...(uid === '' ? [] : [wish('uids', { group: authenticationGroup, name: uid })]),
  ];
}

/** What is asked for without a user, as Go prints its object references. */
function references(uid: string, groups: string[], extra: Record<string, string[]>): string[] {
  const version = `${authenticationGroup}/v1`;
  return [
    ...groups.map((group) => `{Group  ${group}    }`),
    ...Object.entries(extra).flatMap(([key, values]) =>
      values.map((value) => `{UserExtra  ${value}  ${version}  ${key}}`),
    ),
    ...(uid === '' ? [] : [`{UID  ${uid}  ${version}  }`]),
  ];
}

/** Those of the request, else those of a ServiceAccount; and whether somebody is authenticated is a group too. */
function allGroups(name: string, requested: string[]): string[] {
  const account = serviceAccount(name);
  const groups = requested.length > 0 || !account ? requested : serviceAccountGroups(account.namespace);
  const [authenticated, unauthenticated] = ['system:authenticated', 'system:unauthenticated'];
  if (name === 'system:anonymous') return groups.includes(unauthenticated) ? groups : [...groups, unauthenticated];
  return groups.includes(authenticated) || groups.includes(unauthenticated) ? groups : [...groups, authenticated];
}

function serviceAccount(user: string): { namespace: string; name: string } | undefined {
  const found = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user);
  return found ? { namespace: found[1]!, name: found[2]! } : undefined;
}

function extras(headers: IncomingHttpHeaders): Record<string, string[]> {
  const found = Object.keys(headers).filter((header) => header.startsWith(extraPrefix));
  return Object.fromEntries(
    found.map((header) => [decoded(header.slice(extraPrefix.length)), all(headers[header])] as const),
  );
}

function decoded(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

function one(header: string | string[] | undefined): string {
  return (Array.isArray(header) ? header[0] : header) ?? '';
}

function all(header: string | string[] | undefined): string[] {
  return header === undefined ? [] : [header].flat();
}
