import type { IncomingHttpHeaders } from 'node:http';
import type { User } from '../resource.js';

/** Who sent a request. */
export interface Identity {
  /** On whose behalf it is carried out: the impersonated user where there is one. */
  readonly user: User;
  /** Who sent it, where that is somebody else. */
  readonly impersonator?: User;
}

/** What a request wants, as the authorizer sees it. */
export interface AccessAttributes {
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; for other paths the method in lower case. */
  readonly verb: string;
  /** Empty for requests that are not about resources. */
  readonly resource: string;
  readonly group: string;
  readonly version: string;
  readonly subresource: string;
  /** Empty for cluster-scoped resources and all namespaces. */
  readonly namespace: string;
  readonly name: string;
  /** The URL's path. */
  readonly path: string;
}

/** Finds out who asks. */
export interface Authenticator {
  /** @throws {import('../errors.js').StatusError} 401 for credentials that nobody has; 403 for an impersonation that is not allowed */
  authenticate(headers: IncomingHttpHeaders): Identity | Promise<Identity>;
}

/** The authorizer's answer; `reason` is part of the 403 message where it says no (may be empty). */
export interface Decision {
  readonly allowed: boolean;
  readonly reason: string;
}

/** Decides whether a user may do something. */
export interface Authorizer {
  authorize(user: User, attributes: AccessAttributes): Decision;
}
