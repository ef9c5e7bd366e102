import type { HttpRequest } from '../enforcement/request.js';
import type { Trace } from '../enforcement/trace.js';
import type { Finding } from '../findings.js';
import type { Flip, Proof } from '../proof/flip.js';

/** What was found of the migration of a namespace, each with the plainest request that shows it. */
export function proofFindings({ flips, more, moreOpens, undecided }: Proof, namespace: string): Finding[] {
  const object = `Namespace/${namespace}`;
  const rest = [
    ['SST2042', moreOpens, 'more are not told'],
    ['SST2043', more - moreOpens, 'more are not told'],
    ['SST2047', undecided, 'places could not be decided'],
  ] as const;
  const found = [
    ...flips.map((flip): Finding => {
      const code = flip.kind === 'Opens' ? 'SST2042' : 'SST2043';
      return { code, object, message: describe(flip) };
    }),
    ...rest.flatMap(([code, count, what]) => (count > 0 ? [{ code, object, message: `${count} ${what}` }] : [])),
  ];
  // The same may be so in several states of the same step.
  return [...new Map(found.map((finding) => [`${finding.code} ${finding.message}`, finding])).values()];
}

function describe({ kind, step, from, to, request, assuming, before, after }: Flip): string {
  // How many there are changes with who else is in the mesh.
  const others = from.others > 0 ? ' and others' : '';
  const targets = to.others > 0 ? ` (and ${to.others} more)` : '';
  const asked = `${saidOf(request.http)}${request.remoteAddress === undefined ? '' : ` from ${request.remoteAddress}`}`;
  const where = assuming.length > 0 ? `, if ${assuming.join(', ')}` : '';
  const [was, is] = kind === 'Opens' ? ['refused', 'let in'] : ['let in', 'refused'];
  return (
    `step ${step}: ${asked} of ${from.name}${others} to ${to.name}${targets}${where}, ` +
    `${was} before (${decidedBy(before)}), is ${is} (${decidedBy(after)})`
  );
}

function saidOf(http: HttpRequest | undefined): string {
  if (!http) return 'a connection';
  const hasToken = Object.keys(http.tokens ?? {}).length > 0;
  // The token says more than its text.
  const shown = Object.entries(http.headers).filter(([name]) => !(hasToken && name === 'authorization'));
  const headers = shown.map(([name, values]) => `${name}: ${values.join(', ')}`);
  const tokens = Object.values(http.tokens ?? {}).map(
    ({ claims, state = 'Good' }) => `${state} token ${JSON.stringify(claims)}`,
  );
  const rest = [...headers, ...tokens].map((one) => `, ${one}`).join('');
  return `${http.method} ${http.path} (host ${http.host}${rest})`;
}

/** Of a call that is refused, the one who refuses it; of another all who let it pass. */
function decidedBy({ hops, allowed }: Trace): string {
  const deciding = allowed ? hops : hops.slice(-1);
  return deciding.map(({ hop, enforcer, by }) => `${hop} ${enforcer}: ${by}`).join('; ') || 'nobody';
}
