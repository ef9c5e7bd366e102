import type { CallGraph } from '../call-graph.js';
import type { Finding, FindingCode } from '../findings.js';
import { type PolicyObject, objectName } from '../policy-object.js';
import type { AmbientForms } from '../translation/ambient-forms.js';
import type { Closed } from '../translation/ways-around.js';
import type { CallerIdentity } from '../waypoint-identity.js';

/** What a migration is going to do about the policies of a namespace, and whom it concerns. */
export interface Translating {
  readonly namespace: string;
  readonly forms: AmbientForms;
  /** Pods that take calls of the waypoint only, once they are ambient. */
  readonly closed: readonly Closed[];
  readonly graph: CallGraph;
  /** Accounts of pods with sidecars in other namespaces. */
  readonly sidecarsElsewhere: readonly CallerIdentity[];
  /** Which of these namespaces cannot migrate before this one either. */
  readonly waitingForIt: (namespaces: readonly string[]) => readonly string[];
  /** Callers without mTLS are let in somewhere. */
  readonly isPlaintextTaken: boolean;
}

/** What ambient forms make up for, found in the policy that they are for. */
const MADE_UP_FOR = new Set<FindingCode>([
  'SST2005',
  'SST2006',
  'SST2007',
  'SST2008',
  'SST2010',
  'SST2017',
  'SST3016',
  'SST3017',
]);

/** What a form would make up for, or would have to: where there is none, the message says why. */
const EXPLAINED = new Set<FindingCode>([...MADE_UP_FOR, 'SST2009', 'SST2011']);

/** Most namespaces that a message names. */
const MAX_NAMESPACES = 5;

/** The findings without those that ambient forms make up for; those about a policy without a form say why there is none. */
export function besideForms(
  findings: readonly Finding[],
  { forms, namespace }: Pick<Translating, 'forms' | 'namespace'>,
): Finding[] {
  const translated = new Set(forms.forms.map(({ policy }) => objectName(policy, namespace)));
  const reasons = new Map(forms.untranslated.map((one) => [objectName(one.policy, namespace), one.reasons.join('; ')]));
  return findings
    .filter(({ code, object }) => !(MADE_UP_FOR.has(code) && translated.has(object)))
    .map((finding) => {
      const why = EXPLAINED.has(finding.code) ? reasons.get(finding.object) : undefined;
      return why === undefined
        ? finding
        : { ...finding, message: `${finding.message}; Sidestep writes nothing for it: ${why}` };
    });
}

/** What is going to be written for policies. Pure. */
export function translationFindings(translating: Translating): Finding[] {
  const { namespace, forms } = translating;
  const written = forms.forms.filter(({ objects }) => objects.length > 0);
  const isJudging = written.some(({ policy }) => JUDGING.has(policy.kind));
  return [
    ...written.flatMap(({ policy, isLayer7, objects, lost }): Finding[] => {
      const object = objectName(policy, namespace);
      const name = `${policy.kind} ${policy.metadata.name}`;
      const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(', ');
      const code = isLayer7 ? 'SST2032' : policy.kind === 'Telemetry' ? 'SST2045' : 'SST2033';
      const less = lost.map(({ at, message }) => `${at}: ${message}`).join('; ');
      return [
        { code, object, message: `${name} gets beside it ${names}` },
        ...(lost.length > 0 ? [{ code: 'SST2046' as const, object, message: `${name}, ${less}` }] : []),
      ];
    }),
    ...(isJudging ? missingAllows(translating) : []),
  ];
}

/** Kinds whose copies, where one is an ALLOW, refuse what none allows. */
const JUDGING = new Set(['AuthorizationPolicy', 'RequestAuthentication']);

/**
 * Policies of others that have the name of one that is going to be written. Pure.
 *
 * @param saysTheSame  whether what is there is what would be written
 */
export function nameFindings<T extends PolicyObject>(
  wanted: readonly T[],
  policies: readonly PolicyObject[],
  namespace: string,
  saysTheSame: (ours: T, theirs: PolicyObject) => boolean,
): Finding[] {
  const isTaken = (theirs: PolicyObject): boolean =>
    wanted.some(
      (ours) =>
        ours.kind === theirs.kind &&
        ours.metadata.name === theirs.metadata.name &&
        ours.metadata.namespace === theirs.metadata.namespace &&
        !saysTheSame(ours, theirs),
    );
  return policies.filter(isTaken).map((policy) => {
    const object = objectName(policy, namespace);
    return { code: 'SST2040', object, message: `${object} has the name of a policy that Sidestep would write` };
  });
}

/** Whom it would refuse while workloads are restarted, or from then on. Pure. */
export function refusalFindings(translating: Translating): Finding[] {
  const cycles = translating.graph.cycles.map((cycle): Finding => {
    const message = `${cycle.join(', ')} may call each other, and each is to be called through the waypoint only`;
    return { code: 'SST2037', object: cycle[0] ?? '', message };
  });
  const elsewhere = byNamespace(translating.sidecarsElsewhere);
  const callers = translating.closed.map(({ mayRefuse }) =>
    elsewhere.flatMap(([namespace, accounts]) => (accounts.some(mayRefuse) ? [namespace] : [])),
  );
  const waiting = translating.waitingForIt([...new Set(callers.flat())].sort());
  const waits = waiting.map((namespace): Finding => {
    const message = `${[namespace, translating.namespace].sort().join(' and ')} each have workloads for the waypoint only that sidecars of the other may call`;
    return { code: 'SST2048', object: `Namespace/${namespace}`, message };
  });
  const beside = callers.map((namespaces) => namespaces.filter((one) => !waiting.includes(one)));
  return [
    ...cycles,
    ...waits,
    ...translating.closed.flatMap((one, at) => refusals(one, beside[at] ?? [], translating)),
  ];
}

/** Accounts with sidecars by their namespace, in order of its name. */
function byNamespace(callers: readonly CallerIdentity[]): readonly (readonly [string, readonly CallerIdentity[]])[] {
  const found = new Map<string, CallerIdentity[]>();
  for (const caller of callers) {
    const known = found.get(caller.namespace);
    if (known) known.push(caller);
    else found.set(caller.namespace, [caller]);
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}

function missingAllows({ forms, namespace }: Translating): Finding[] {
  return forms.untranslated
    .filter(({ policy: { kind, spec } }) => kind === 'AuthorizationPolicy' && isAllow(spec))
    .map(({ policy, reasons }) => {
      const message = `AuthorizationPolicy ${policy.metadata.name} is not copied for the waypoint: ${reasons.join('; ')}`;
      return { code: 'SST2034', object: objectName(policy, namespace), message };
    });
}

const isAllow = (spec: unknown): boolean => ((spec as { action?: unknown } | undefined)?.action ?? 'ALLOW') === 'ALLOW';

function refusals(
  { pods, policies, mayRefuse }: Closed,
  namespaces: readonly string[],
  { isPlaintextTaken }: Translating,
): Finding[] {
  const { name: object } = pods;
  const why = `${object}, which is for the waypoint only by ${policies.join(', ')}`;
  // Without a number, which would change with every namespace that comes or goes.
  const rest = namespaces.length > MAX_NAMESPACES ? ' and others' : '';
  const named = `${namespaces.slice(0, MAX_NAMESPACES).join(', ')}${rest}`;
  const isOutsideTaken = isPlaintextTaken && mayRefuse(undefined);
  return [
    ...(namespaces.length > 0
      ? [{ code: 'SST2035' as const, object, message: `sidecars of namespaces ${named} may call ${why}` }]
      : []),
    ...(isOutsideTaken ? [{ code: 'SST2036' as const, object, message: `callers without mTLS may call ${why}` }] : []),
  ];
}
