import { isChange, isDryRun } from '../support/audit.js';
import type { InProcessOperator } from '../support/in-process-operator.js';
import type { Failure, OutgoingRequest } from '../support/intercepted-connection.js';

/** Before a write reaches the API server, or after it was carried out and before its answer is heard. */
export type Moment = 'before' | 'after';

/** Whose writes count. */
export interface Target {
  /** Of the namespace. */
  readonly name: string;
  /** Plurals of what is disturbed when it is written; everything, if it says nothing. */
  readonly disturbed?: readonly string[] | undefined;
  /** Only writes of this kind, as {@link describeWrite} says it; default: all. */
  readonly kind?: string | undefined;
}

/** What is armed for one write of an operator. */
export interface Armed {
  /** The write at which it struck, as {@link describeWrite} says it; undefined while that has not come. */
  readonly write: () => string | undefined;
  readonly disarm: () => void;
}

const WRITES = new Set(['create', 'update', 'patch', 'delete']);

/**
 * Calls `act` at the `nth` write (from 0) of `operator` to the namespace, or to what is in it, from now on; "before" makes the write
 * fail.
 */
export function strikeAt(
  operator: InProcessOperator,
  nth: number,
  moment: Moment,
  target: Target,
  act: () => void,
  failure: Failure = 'reset',
): Armed {
  let seen = 0;
  let struck: string | undefined;
  const strike = (write: string): void => {
    struck = write;
    act();
  };
  const disarm = operator.intercept((request) => {
    if (!isWriteTo(request, target) || seen++ !== nth) return undefined;
    const write = describeWrite(request);
    if (moment === 'after') return () => strike(write);
    strike(write);
    return failure;
  });
  return { write: () => struck, disarm };
}

/** Whether a request is for writing the namespace, or something in it; Events about it are in it too. */
export function isWriteTo(request: OutgoingRequest, { name, disturbed, kind }: Target): boolean {
  const { verb, resource, namespace, path, query } = request;
  if (namespace !== name || !WRITES.has(verb) || isDryRun({ requestURI: `${path}?${query.toString()}` })) return false;
  return (disturbed?.includes(resource) ?? true) && (kind === undefined || describeWrite(request) === kind);
}

/** Which kind of write it is, such as `patch ambientmigrations/status`. What only follows the state of the cluster is a kind of its own. */
export function describeWrite(request: OutgoingRequest): string {
  const { verb, resource, subresource, body } = request;
  const isFollowing = verb === 'patch' && !isChange({ verb, objectRef: request, requestObject: parsed(body) });
  return `${verb} ${resource}${subresource && `/${subresource}`}${isFollowing ? FOLLOWING : ''}`;
}

/** Ends the description of a write that is none of `changesOf`. */
export const FOLLOWING = ' (following)';

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
