import type { Declarations } from './overloads.js';
import { Opaque } from './values.js';

/** What an expression asks about: a resource or a path. */
export interface AskedAccess {
  readonly path?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
  /** Asks for this account instead of who sends the request. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string };
  readonly verb: string;
}

/** Decides about access. */
export type Decide = (access: AskedAccess) => { readonly allowed: boolean; readonly reason: string };

interface Question {
  readonly decide: Decide;
  readonly asked: Omit<AskedAccess, 'verb'>;
}

type Check = Opaque<Question>;
type Decision = Opaque<ReturnType<Decide>>;

const types = {
  authorizer: 'kubernetes.authorization.Authorizer',
  path: 'kubernetes.authorization.PathCheck',
  group: 'kubernetes.authorization.GroupCheck',
  resource: 'kubernetes.authorization.ResourceCheck',
  decision: 'kubernetes.authorization.Decision',
} as const;

/** The variable `authorizer`. */
export function authorizerValue(decide: Decide): Check {
  return new Opaque(types.authorizer, '', { decide, asked: {} });
}

/** A method that adds to the question. */
function adding(
  from: keyof typeof types,
  method: string,
  to: keyof typeof types,
  field: keyof AskedAccess,
): Declarations {
  return {
    [`${types[from]}!${method}(string) -> ${types[to]}`]: ({ data }: Check, value: string) =>
      new Opaque(types[to], '', { ...data, asked: { ...data.asked, [field]: value } }),
  };
}

const check = ({ data }: Check, verb: string): Decision =>
  new Opaque(types.decision, '', data.decide({ ...data.asked, verb }));

/** Questions about access; only policies and webhooks' conditions have the variable. */
export const authorization: Declarations = {
  ...adding('authorizer', 'path', 'path', 'path'),
  ...adding('authorizer', 'group', 'group', 'group'),
  ...adding('group', 'resource', 'resource', 'resource'),
  ...adding('resource', 'subresource', 'resource', 'subresource'),
  ...adding('resource', 'namespace', 'resource', 'namespace'),
  ...adding('resource', 'name', 'resource', 'name'),
  ...adding('resource', 'fieldSelector', 'resource', 'fieldSelector'),
  ...adding('resource', 'labelSelector', 'resource', 'labelSelector'),
  [`${types.authorizer}!serviceAccount(string, string) -> ${types.authorizer}`]: (
    { data }: Check,
    namespace: string,
    name: string,
  ) => new Opaque(types.authorizer, '', { ...data, asked: { ...data.asked, serviceAccount: { namespace, name } } }),
  [`${types.path}!check(string) -> ${types.decision}`]: check,
  [`${types.resource}!check(string) -> ${types.decision}`]: check,
  [`${types.decision}!allowed() -> bool`]: ({ data }: Decision) => data.allowed,
  [`${types.decision}!reason() -> string`]: ({ data }: Decision) => data.reason,
  [`${types.decision}!errored() -> bool`]: () => false,
  [`${types.decision}!error() -> string`]: () => '',
};
