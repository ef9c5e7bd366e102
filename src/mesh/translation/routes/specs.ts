import type { Condition } from './match.js';
import { checkOrder, translatedMatches } from './order.js';
import type { Remarks } from './remarks.js';

type Fields = Readonly<Record<string, unknown>>;

/** A rule of a VirtualService, as far as it is translated. */
export interface Rule {
  readonly at: string;
  /** As it is given. */
  readonly name: unknown;
  /** At least one. */
  readonly conditions: readonly Condition[];
  /** Filters, timeouts and backends. */
  readonly content: Fields;
}

/** Most rules of an HTTPRoute, matches of a rule, matches of an HTTPRoute, and HTTPRoutes that keep the order of their names. */
const MAX_RULES = 16;
const MAX_MATCHES = 64;
const MAX_MATCHES_OF_ROUTE = 128;
const MAX_ROUTES = 9;

/** The rules of as many HTTPRoutes as they need. Refused is what would not be looked at in the order of the list. */
export function routeSpecs(rules: readonly Rule[], remarks: Remarks): Fields[][] {
  const matches = translatedMatches(rules.map(({ conditions }) => conditions));
  const names = new Set<string>();
  const pieces = rules.flatMap((rule, index) => {
    const own = matches.filter((one) => one.rule === index).map(({ match }) => match);
    // What asks for nothing is what the API server fills in.
    const isOpen = own.length === 1 && Object.keys(own[0]!).length === 0;
    const name = nameOf(rule, names, remarks);
    const chunks = Array.from({ length: Math.ceil(own.length / MAX_MATCHES) }, (_, chunk) =>
      own.slice(chunk * MAX_MATCHES, (chunk + 1) * MAX_MATCHES),
    );
    return chunks.map((chunk, at) => ({
      of: index,
      weight: chunk.length,
      rule: {
        ...(at === 0 && name !== undefined && { name }),
        ...(!isOpen && { matches: chunk }),
        ...rule.content,
      },
    }));
  });
  const parts = partsOf(pieces);
  if (parts.length > MAX_ROUTES) remarks.refuse('spec.http', `needs more than ${MAX_ROUTES} HTTPRoutes`);
  const ordered = rules.map(({ content }, rule) => ({
    effect: JSON.stringify(content),
    place: parts.flatMap((part, index) => (part.some(({ of }) => of === rule) ? [index] : [])).join(),
  }));
  checkOrder(matches, ordered, remarks);
  return parts.map((part) => part.map(({ rule }) => rule));
}

interface Piece {
  /** Index of the rule that it is of. */
  readonly of: number;
  /** How many matches it has. */
  readonly weight: number;
  readonly rule: Fields;
}

function partsOf(pieces: readonly Piece[]): Piece[][] {
  const parts: Piece[][] = [];
  for (const piece of pieces) {
    const last = parts.at(-1);
    const weight = (last ?? []).reduce((sum, one) => sum + one.weight, piece.weight);
    if (last && last.length < MAX_RULES && weight <= MAX_MATCHES_OF_ROUTE) last.push(piece);
    else parts.push([piece]);
  }
  return parts;
}

/** As the API server takes one; a name is for logs only. */
function nameOf({ at, name }: Rule, names: Set<string>, remarks: Remarks): string | undefined {
  if (typeof name !== 'string' || name === '') return undefined;
  const isName = name.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name);
  if (!isName || names.has(name)) return remarks.leaveOut(`${at}.name`, 'is no name of a rule of an HTTPRoute');
  names.add(name);
  return name;
}
