import { stringify } from 'yaml';
import type { Claims, HttpRequest } from '../mesh/enforcement/request.js';
import { type Hop, trace } from '../mesh/enforcement/trace.js';
import { counterpart, type Moment, type MomentName, MOMENTS, moments } from '../mesh/moments.js';
import type { MeshPicture, PictureService, PictureWorkload } from '../mesh/picture.js';
import { ROUTE_KINDS } from '../mesh/routing/routes-of-service.js';
import { declaredMesh } from './declared-mesh.js';
import { declaredMove } from './declared-move.js';
import { alternatives, InputError, UsageError } from './failures.js';
import { readManifests } from './manifests.js';
import { aboutMissing, missingNamespaces } from './sidecar-doubts.js';
import { tokenDoubt } from './token-doubts.js';

/** Options of `sidestep can-i`. */
export interface CanIOptions {
  readonly filename: readonly string[];
  /** Of objects that name none, and of a `--to` that names none. */
  readonly namespace: string;
  /** `NAMESPACE/SERVICEACCOUNT`. */
  readonly from: string;
  /** `SERVICE[.NAMESPACE]:PORT`; undefined: each port of each Service. */
  readonly to?: string;
  readonly method: string;
  readonly path: string;
  /** `name: value` or `name=value`. */
  readonly header: readonly string[];
  /** `name=value`, of the token that the request carries; of one name several are a list; none: no token. */
  readonly claim: readonly string[];
  readonly at: MomentName;
  readonly allSteps: boolean;
  readonly output: 'table' | 'json' | 'yaml';
}

/** The answer, as `-o json` prints it. */
export interface CanI {
  readonly steps: readonly StepAnswer[];
  /** Why no is the answer where the request may not be what was meant; left out where nothing speaks for that. */
  readonly warnings?: readonly string[];
}

/** The answer at one moment of the migration. */
export interface StepAnswer {
  readonly step: MomentName;
  /** `SERVICE.NAMESPACE:PORT`. */
  readonly to: string;
  /** Whatever pods the request comes from and gets to. */
  readonly allowed: boolean;
  /** Every way that it may take, one hop after the other. */
  readonly trace: readonly HopAnswer[];
}

/** One hop of a way. */
export interface HopAnswer {
  readonly hop: Hop['hop'];
  readonly enforcer: string;
  readonly allowed: boolean;
  readonly by: string;
}

/** Where the token of a request made from `--claim` is. */
const TOKEN = 'sidestep.can.i';

/**
 * Whether a request gets through, at one moment of the migration of the called Service's namespace or at all of them.
 *
 * @throws {UsageError} an option makes no sense; the message names it
 * @throws {InputError} a file makes no sense, or what an option names is not in it
 */
export function canI(options: CanIOptions): CanI {
  const mesh = declaredMesh(readManifests(options.filename, options.namespace), options.namespace);
  const asked = options.to === undefined ? undefined : destinationOf(options.to, options.namespace);
  const namespaces = asked
    ? [asked.namespace]
    : [...new Set(mesh.objects.services.map(({ metadata }) => metadata.namespace ?? ''))].sort();
  if (namespaces.length === 0) throw new InputError('--filename: there is no Service among the manifests');
  const [missing] = missingNamespaces(mesh.manifests).filter(
    (name) => namespaces.includes(name) || options.from.startsWith(`${name}/`),
  );
  if (missing !== undefined) throw new InputError(`--filename: ${aboutMissing(missing)}`);
  const routes = mesh.manifests.filter(({ kind }) => ROUTE_KINDS.includes(kind));
  const answers = namespaces.flatMap((namespace) => {
    const all = moments({ ...mesh.objects, routes }, mesh.settings, declaredMove(mesh, namespace));
    const destinations = asked ? [asked] : destinationsIn(all[0]!, namespace);
    return destinations.map((destination) => {
      const steps = stepsOf(options, destination, all);
      return { steps, doubt: steps.every(({ allowed }) => allowed) ? undefined : doubtOf(options, destination, all) };
    });
  });
  const warnings = [...new Set(answers.flatMap(({ doubt }) => doubt ?? []))];
  return { steps: answers.flatMap(({ steps }) => steps), ...(warnings.length > 0 && { warnings }) };
}

/** What is wrong with the token, in words; undefined: nothing, or there is none. */
function doubtOf(
  { claim }: CanIOptions,
  { name, namespace, port }: Destination,
  all: readonly Moment[],
): string | undefined {
  if (claim.length === 0) return undefined;
  const called = all.flatMap(({ rest }) =>
    rest.map((picture) => ({ picture, service: serviceIn(picture, name, namespace, port), port })),
  );
  return tokenDoubt(claimsOf(claim), called, `${name}.${namespace}`);
}

/** Who is called. */
interface Destination {
  readonly name: string;
  readonly namespace: string;
  readonly port: number;
}

function stepsOf(options: CanIOptions, { name, namespace, port }: Destination, all: readonly Moment[]): StepAnswer[] {
  const host = `${name}.${namespace}:${port}`;
  const callers = callersIn(all[0]!, options.from);
  const http = httpOf(options, host);
  const chosen = options.allSteps ? all : all.filter(({ step }) => step === options.at);
  const steps = [...new Set(chosen.map(({ step }) => step))];
  return steps.map((step) => {
    const pairs = chosen
      .filter((moment) => moment.step === step)
      .flatMap((moment) => moment.callers.flatMap((from) => moment.rest.map((to) => ({ from, to }))));
    const ways = pairs.flatMap(({ from, to }) => {
      const service = serviceIn(to, name, namespace, port);
      return callers.flatMap((caller) => trace({ from: counterpart(caller, from)!, to: { service, port }, http }, to));
    });
    return {
      step,
      to: host,
      allowed: ways.every(({ allowed }) => allowed),
      trace: distinct(ways.flatMap(({ hops }) => hops.map(hopAnswer))),
    };
  });
}

/** Each port that ztunnel knows of, of each Service of a namespace. */
function destinationsIn({ rest: [picture] }: Moment, namespace: string): Destination[] {
  return picture!.services
    .filter((service) => service.namespace === namespace)
    .flatMap(({ name, local }) => Object.keys(local.ports).map((port) => ({ name, namespace, port: Number(port) })));
}

/** The answer as people read it, or as programs do. */
export function printed(answer: CanI, output: CanIOptions['output']): string {
  if (output === 'json') return `${JSON.stringify(answer, null, 2)}\n`;
  if (output === 'yaml') return stringify(answer);
  const isOne = new Set(answer.steps.map(({ to }) => to)).size === 1;
  return answer.steps
    .map(({ step, to, allowed, trace: hops }) => {
      const lines = hops.map((hop) => `  ${hop.allowed ? 'yes' : 'no '}  ${hop.hop} ${hop.enforcer}: ${hop.by}\n`);
      return `${isOne ? '' : `${to} `}${step}: ${allowed ? 'yes' : 'no'}\n${lines.join('')}`;
    })
    .join('');
}

const hopAnswer = ({ hop, enforcer, allowed, by }: Hop): HopAnswer => ({ hop, enforcer, allowed, by });

function distinct(hops: readonly HopAnswer[]): HopAnswer[] {
  return [...new Map(hops.map((hop) => [JSON.stringify(hop), hop])).values()];
}

function destinationOf(to: string, ownNamespace: string): Destination {
  const [, name, namespace = ownNamespace, digits] =
    /^([^.:/]+)(?:\.([^.:/]+)(?:\.svc(?:\.[^:/]+)?)?)?:([0-9]+)$/.exec(to) ?? [];
  const port = Number(digits);
  if (name === undefined || !(port >= 1 && port <= 65_535)) {
    throw new UsageError(`--to: ${to} must be a Service and its port, such as httpbin.legacy-apps:8000`);
  }
  return { name, namespace, port };
}

function serviceIn(picture: MeshPicture, name: string, namespace: string, port: number): PictureService {
  const found = picture.services.find((service) => service.name === name && service.namespace === namespace);
  if (!found) {
    const near = nearest(picture.services, (one) => one.name === name || one.namespace === namespace);
    const there = alternatives(near.map((one) => `${one.name}.${one.namespace}`));
    throw new InputError(`--to: there is no Service ${name} in namespace ${namespace} among the manifests${there}`);
  }
  if (!found.ports.some((one) => one.port === port)) {
    const ports = found.ports.map((one) => one.port).join(', ') || 'none';
    throw new InputError(`--to: Service ${namespace}/${name} has no port ${port}; it has ${ports}`);
  }
  return found;
}

function callersIn({ callers: [picture] }: Moment, from: string): PictureWorkload[] {
  const [, namespace, account] = /^([^/]+)\/([^/]+)$/.exec(from) ?? [];
  if (namespace === undefined) {
    throw new UsageError(
      `--from: ${from} must be a namespace and a ServiceAccount, such as ambient-apps/sleep-ambient`,
    );
  }
  const found = picture!.workloads.filter(
    (workload) => workload.namespace === namespace && workload.account === account,
  );
  if (found.length === 0) {
    const near = nearest(picture!.workloads, (one) => one.account === account || one.namespace === namespace);
    const there = alternatives(near.map((one) => `${one.namespace}/${one.account}`));
    throw new InputError(
      `--from: no workload of namespace ${namespace} runs under ServiceAccount ${account} among the manifests${there}`,
    );
  }
  return found;
}

/** Those that somebody may have meant; all, where none is near. */
function nearest<T>(all: readonly T[], isNear: (one: T) => boolean): readonly T[] {
  const near = all.filter(isNear);
  return near.length > 0 ? near : all;
}

function httpOf({ method, path, header, claim }: CanIOptions, host: string): HttpRequest {
  const headers = new Map<string, string[]>();
  for (const text of header) {
    const [, name, value] = /^([^:=\s]+)\s*[:=]\s*(.*)$/.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new UsageError(`--header: ${text} must be name=value`);
    headers.set(name.toLowerCase(), [...(headers.get(name.toLowerCase()) ?? []), value]);
  }
  const claims = claimsOf(claim);
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(method)) throw new UsageError(`--method: ${method} must be one such as GET`);
  if (!path.startsWith('/')) throw new UsageError(`--path: ${path} must begin with a slash`);
  const tokens = claim.length > 0 ? { [TOKEN]: { claims } } : {};
  return {
    method: method.toUpperCase(),
    host: headers.get('host')?.[0] ?? host,
    path,
    headers: {
      ...Object.fromEntries(headers),
      ...(claim.length > 0 && !headers.has('authorization') && { authorization: [`Bearer ${TOKEN}`] }),
    },
    tokens,
  };
}

/** One that is given several times is a list. */
function claimsOf(claim: readonly string[]): Claims {
  const values = new Map<string, string[]>();
  for (const text of claim) {
    const [, name, value] = /^([^=]+)=(.*)$/.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new UsageError(`--claim: ${text} must be name=value`);
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return Object.fromEntries([...values].map(([name, list]) => [name, list.length === 1 ? list[0] : list]));
}

/** Names that `--at` takes. */
export const STEPS: readonly MomentName[] = MOMENTS;
