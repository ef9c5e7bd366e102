import { type Condition, mayBothHold } from './match.js';
import type { Remarks } from './remarks.js';
import { regexOf, type TextPattern } from './text-pattern.js';

/** A match of an HTTPRoute. */
export interface RouteMatch {
  /** Undefined: any. */
  readonly path?: PathMatch;
  readonly method?: string;
  readonly headers?: readonly ValueMatch[];
  readonly queryParams?: readonly ValueMatch[];
}

interface PathMatch {
  readonly type: 'Exact' | 'PathPrefix' | 'RegularExpression';
  readonly value: string;
}

interface ValueMatch {
  readonly type?: 'RegularExpression';
  readonly name: string;
  readonly value: string;
}

/** What a condition of a VirtualService has become. */
export interface TranslatedMatch {
  readonly condition: Condition;
  readonly match: RouteMatch;
  /** The rule that it is of. */
  readonly rule: number;
}

/** Paths that the API server takes as `Exact`. */
const PLAIN_PATH =
  /^\/(?!.*(?:\/\/|\/\.\/|\/\.\.\/|%2f|\/\.\.$|\/\.$))(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*$/i;

/**
 * Conditions as matches of an HTTPRoute, in their order.
 *
 * A prefix of a VirtualService is one of texts: `/foo` has `/foobar`, which `PathPrefix` has not. So all but `/` become regular
 * expressions. istiod looks at these after every `PathPrefix`; so from the first one on, "any path" is one, too.
 *
 * @param rules  conditions by rule
 * @see istio/istio pilot/pkg/config/kube/gateway/conversion.go, sortHTTPRoutes
 */
export function translatedMatches(rules: readonly (readonly Condition[])[]): TranslatedMatch[] {
  let hasRegex = false;
  return rules.flatMap((conditions, rule) =>
    conditions.map((condition) => {
      const path = pathOf(condition.path, hasRegex);
      hasRegex ||= path?.type === 'RegularExpression';
      return { condition, rule, match: matchOf(condition, path) };
    }),
  );
}

function pathOf(pattern: TextPattern, afterRegex: boolean): PathMatch | undefined {
  const isAny = 'prefix' in pattern && ['', '/'].includes(pattern.prefix);
  if (isAny) return afterRegex ? { type: 'RegularExpression', value: '/.*' } : undefined;
  if ('exact' in pattern && PLAIN_PATH.test(pattern.exact)) return { type: 'Exact', value: pattern.exact };
  return { type: 'RegularExpression', value: regexOf(pattern) };
}

function matchOf({ method, headers, queryParams }: Condition, path: PathMatch | undefined): RouteMatch {
  return {
    ...(path && { path }),
    ...(method !== undefined && { method }),
    ...(headers.size > 0 && { headers: valuesOf(headers) }),
    ...(queryParams.size > 0 && { queryParams: valuesOf(queryParams) }),
  };
}

const valuesOf = (patterns: ReadonlyMap<string, TextPattern>): ValueMatch[] =>
  [...patterns].map(([name, pattern]) =>
    'exact' in pattern ? { name, value: pattern.exact } : { type: 'RegularExpression', name, value: regexOf(pattern) },
  );

/** A rule, as far as its place in the list matters. */
export interface OrderedRule {
  /** What it does with requests. */
  readonly effect: string;
  /** The HTTPRoutes that it comes into. */
  readonly place: string;
}

/**
 * Refuses what istiod would look at before something that stands before it and does something else, if a request may meet both: a
 * VirtualService goes by its list, an HTTPRoute by how much a match says. Of equal matches in two HTTPRoutes the older one's counts,
 * and that is made anew some day.
 *
 * @param rules  by the number that matches have
 */
export function checkOrder(matches: readonly TranslatedMatch[], rules: readonly OrderedRule[], remarks: Remarks): void {
  const ranked = matches.map((one) => ({ ...one, ...rules[one.rule]!, rank: rankOf(one.match) }));
  ranked.forEach((later, index) => {
    const isLost = (earlier: (typeof ranked)[number]): boolean => {
      const order = compared(later.rank, earlier.rank);
      const isBefore = order > 0 || (order === 0 && later.place !== earlier.place);
      return isBefore && earlier.effect !== later.effect && mayBothHold(earlier.condition, later.condition);
    };
    const earlier = ranked.slice(0, index).find(isLost);
    if (earlier === undefined) return;
    const message = `stands behind ${earlier.condition.at}, an HTTPRoute may look at it first, and requests may meet both`;
    remarks.refuse(later.condition.at, message);
  });
}

const FORMS = ['RegularExpression', 'PathPrefix', 'Exact'] as const;

/** The first that is greater decides: form and length of the path, method, number of headers, of query parameters. */
function rankOf({ path = { type: 'PathPrefix', value: '/' }, method, headers, queryParams }: RouteMatch): number[] {
  return [
    FORMS.indexOf(path.type),
    Buffer.byteLength(path.value),
    method === undefined ? 0 : 1,
    headers?.length ?? 0,
    queryParams?.length ?? 0,
  ];
}

const compared = (a: readonly number[], b: readonly number[]): number =>
  a.map((value, index) => value - b[index]!).find((difference) => difference !== 0) ?? 0;
