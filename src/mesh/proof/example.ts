import { speaksHttp } from '../enforcement/checkpoint.js';
import type { HttpRequest } from '../enforcement/request.js';
import { type Trace, tracer } from '../enforcement/trace.js';
import type { MeshPicture } from '../picture.js';
import { assuming } from './assumptions.js';
import type { Case, Flip } from './flip.js';
import { remembered } from './gates.js';
import { CLAIM, HEADER, nested, UNKNOWN, YES } from './questions.js';
import type { Model } from './search.js';
import type { Solution } from './solve.js';
import { type TokenCase, tokensOf } from './token-cases.js';

/** An example as it is told. */
export type Example = Pick<Flip, 'request' | 'assuming' | 'before' | 'after'>;

/** How often one thing is made plainer. */
const MOST_TRIES = 8;

type Pictures = Pick<Case, 'from' | 'to'>;
type Request = Flip['request'];

type Unknowns = readonly (readonly [name: string, answer: unknown])[];

/**
 * A request that a solution stands for, made as plain as it can be while the same policies decide about it. Traces are those of the judge.
 *
 * @param then  the pictures of before
 * @returns undefined if the judge does not say what the solution says
 */
export function exampleOf(of: Case, then: Pictures, { kind, token, model }: Solution): Example | undefined {
  const unknowns: Unknowns = [...model].filter(([name]) => name.startsWith(UNKNOWN));
  const tracers = new Map<string, ReturnType<typeof tracerOf>[]>();
  const tracersOf = (yes: ReadonlySet<string>): ReturnType<typeof tracerOf>[] =>
    remembered(tracers, [...yes].sort().join(), () => [then, of].map((pictures) => tracerOf(of, pictures, yes)));
  const judged = (request: Request, answers: Unknowns): Example | undefined => {
    const yes = new Set(answers.filter(([, answer]) => answer === YES).map(([name]) => name));
    const [before, after] = tracersOf(yes).map((asked) => asked(request)[0]!) as [Trace, Trace];
    const assumed = answers.map(([name, answer]) => `${answer === YES ? '' : 'not '}${name.slice(UNKNOWN.length)}`);
    const isIt = before.allowed === (kind === 'Refuses') && after.allowed === (kind === 'Opens');
    return isIt ? { request, assuming: assumed, before, after } : undefined;
  };
  const host = of.target.name.replace(/^Pod\/[^/]*\//, '');
  const first = judged(requestOf(model, token, host, of, then), unknowns);
  if (!first) return undefined;
  const { request } = plainest(first, host, (one) => judged(one, unknowns));
  const needed = unknowns.filter(([name, answer]) => {
    const contrary = answer === YES ? undefined : YES;
    return !judged(
      request,
      unknowns.map(([one, same]) => [one, one === name ? contrary : same]),
    );
  });
  return judged(request, needed) ?? judged(request, unknowns);
}

/** The same, said in fewer words: the same policies must decide. */
function plainest(first: Example, host: string, judged: (request: Request) => Example | undefined): Example {
  let best = first;
  for (const simplify of SIMPLIFICATIONS) {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const wanted = reasons(best);
      const found = simplify(best.request, host).reduce<Example | undefined>((known, request) => {
        if (known) return known;
        const one = judged(request);
        return one && reasons(one) === wanted ? one : undefined;
      }, undefined);
      if (!found) break;
      best = found;
    }
  }
  return best;
}

/** Who decides, and why. */
function reasons({ before, after }: Example): string {
  return JSON.stringify([before, after].map(({ hops }) => hops.map(({ enforcer, by }) => [enforcer, by])));
}

/** What becomes of requests at the pod in question. */
function tracerOf(
  { caller, target, backend }: Case,
  { from, to }: Pictures,
  yes: ReadonlySet<string>,
): ReturnType<typeof tracer> {
  const { workload } = backend.get(to)!;
  return tracer({ from: caller.in(from)!, to: target.in(to) }, { ...assuming(to, yes), workloads: [workload] });
}

function requestOf(
  model: Model,
  token: TokenCase,
  host: string,
  { target }: Case,
  { to }: { to: MeshPicture },
): Request {
  const remote = text(model.get('remote'));
  const http = speaksHttp(target.in(to)) ? httpOf(model, token, host) : undefined;
  return { ...(http && { http }), ...(remote !== undefined && { remoteAddress: remote }) };
}

function httpOf(model: Model, token: TokenCase, host: string): HttpRequest {
  const headers = behind(HEADER, model).flatMap(([name, values]) =>
    values.length === 0 ? [] : [[name, values] as const],
  );
  const claims = behind(CLAIM, model).map(([path, values]) =>
    nested(JSON.parse(path) as string[], values.length === 1 && !values[0]!.includes(' ') ? values[0] : values),
  );
  const isSaid = (claim: Record<string, unknown>): boolean => !JSON.stringify(claim).includes('[]');
  const sub = text(model.get('sub'));
  const tokens = tokensOf(
    token,
    [...claims.filter(isSaid), ...(sub === undefined ? [] : [{ sub }])].reduce(merged, {}),
  );
  return {
    method: text(model.get('method')) ?? 'GET',
    host: text(model.get('host')) ?? host,
    path: text(model.get('path')) ?? `/${token.query}`,
    headers: { ...Object.fromEntries(headers), ...token.headers },
    ...(tokens && { tokens }),
  };
}

/** The lists of the variables of a kind, by the rest of their names. */
function behind(prefix: string, model: Model): [string, readonly string[]][] {
  return [...model].flatMap(([name, value]): [string, readonly string[]][] => {
    if (!name.startsWith(prefix)) return [];
    const values = value === undefined ? [] : typeof value === 'string' ? [value] : value;
    return [[name.slice(prefix.length), values]];
  });
}

const text = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

function merged(a: Record<string, unknown>, b: Record<string, unknown>): Record<string, unknown> {
  const both = { ...a };
  for (const [name, value] of Object.entries(b)) {
    const old = both[name];
    both[name] = isMap(old) && isMap(value) ? merged(old, value) : value;
  }
  return both;
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Ways to make a request plainer: candidates, to be tried one after the other. */
const SIMPLIFICATIONS: readonly ((request: Request, host: string) => Request[])[] = [
  ({ http, remoteAddress }) => (remoteAddress === undefined ? [] : [http ? { http } : {}]),
  (request) => ofHttp(request, ({ tokens, ...http }) => (tokens ? [{ ...http, headers: {}, path: '/' }] : [])),
  (request) =>
    ofHttp(request, (http) =>
      Object.keys(http.headers).map((name) => ({ ...http, headers: without(http.headers, name) })),
    ),
  (request) => ofHttp(request, (http) => (http.method === 'GET' ? [] : [{ ...http, method: 'GET' }])),
  (request, host) => ofHttp(request, (http) => (http.host === host ? [] : [{ ...http, host }])),
  (request) => ofHttp(request, (http) => shorter(http.path).map((path) => ({ ...http, path }))),
];

function ofHttp({ http, ...request }: Request, simplify: (http: HttpRequest) => HttpRequest[]): Request[] {
  return http ? simplify(http).map((simple) => ({ ...request, http: simple })) : [];
}

const without = (headers: HttpRequest['headers'], name: string): HttpRequest['headers'] =>
  Object.fromEntries(Object.entries(headers).filter(([other]) => other !== name));

/** The path without some of it. */
function shorter(path: string): string[] {
  const cuts = [1, 2].flatMap((length) =>
    [...path].map((_, start) => path.slice(0, start) + path.slice(start + length)),
  );
  const rest = cuts.filter((one) => one.startsWith('/') && !one.includes('//'));
  return path === '/' ? [] : ['/', ...rest];
}
