import { describe, expect, it } from 'vitest';
import type { Flip, Proof } from '../proof/flip.js';
import { proofFindings } from './proof.js';

const nothing: Proof = { flips: [], more: 0, moreOpens: 0, undecided: 0 };

/** `client` gets to `web`, as soon as `web` has no sidecar. */
const opens: Flip = {
  kind: 'Opens',
  step: 'Workloads',
  from: { name: 'Pod/shop/client', account: 'shop/client', others: 0 },
  to: { name: 'web.shop:80', others: 0 },
  request: { http: { method: 'GET', host: 'web.shop:80', path: '/', headers: {} } },
  assuming: [],
  before: {
    allowed: false,
    hops: [
      { hop: 'Waypoint', enforcer: 'Gateway/shop/waypoint', allowed: true, by: 'no policy says anything' },
      { hop: 'Sidecar', enforcer: 'Pod/shop/web', allowed: false, by: 'DENY shop/p, rule 0' },
    ],
  },
  after: {
    allowed: true,
    hops: [
      { hop: 'Waypoint', enforcer: 'Gateway/shop/waypoint', allowed: true, by: 'ALLOW shop/q, rule 1' },
      { hop: 'Ztunnel', enforcer: 'Pod/shop/web', allowed: true, by: 'no policy says anything' },
    ],
  },
};
const refuses: Flip = { ...opens, kind: 'Refuses', before: opens.after, after: opens.before };

const denied = '(Sidecar Pod/shop/web: DENY shop/p, rule 0)';
const passed = '(Waypoint Gateway/shop/waypoint: ALLOW shop/q, rule 1; Ztunnel Pod/shop/web: no policy says anything)';
const asked = 'GET / (host web.shop:80)';
const who = 'of Pod/shop/client to web.shop:80';
const outcome = `refused before ${denied}, is let in ${passed}`;

const found = (proof: Partial<Proof>): string[] =>
  proofFindings({ ...nothing, ...proof }, 'shop').map(({ code, object, message }) => `${code} ${object} ${message}`);

const asking = (http: Partial<NonNullable<Flip['request']['http']>>): Flip => ({
  ...opens,
  request: { http: { ...opens.request.http!, ...http } },
});

describe('findings of a proof', () => {
  it.each<[string, Flip, string]>([
    ['what opens', opens, `SST2042 Namespace/shop step Workloads: ${asked} ${who}, ${outcome}`],
    [
      'what is refused',
      { ...refuses, step: 'Enrol' },
      `SST2043 Namespace/shop step Enrol: ${asked} ${who}, let in before ${passed}, is refused ${denied}`,
    ],
    [
      'that callers are not the only ones, whose number is not said, since it changes with who else is in the mesh',
      { ...opens, from: { ...opens.from, others: 7 } },
      `SST2042 Namespace/shop step Workloads: ${asked} of Pod/shop/client and others to web.shop:80, ${outcome}`,
    ],
    [
      'how many targets there are besides',
      { ...opens, to: { ...opens.to, others: 2 } },
      `SST2042 Namespace/shop step Workloads: ${asked} ${who} (and 2 more), ${outcome}`,
    ],
    [
      'what has to be so for it',
      { ...opens, assuming: ['connection.sni=x at the sidecar', 'not the provider ext refuses'] },
      `SST2042 Namespace/shop step Workloads: ${asked} ${who}, if connection.sni=x at the sidecar, ` +
        `not the provider ext refuses, ${outcome}`,
    ],
    [
      'where it comes from',
      { ...opens, request: { ...opens.request, remoteAddress: '10.9.0.0' } },
      `SST2042 Namespace/shop step Workloads: ${asked} from 10.9.0.0 ${who}, ${outcome}`,
    ],
    [
      'a connection where nobody reads requests',
      { ...opens, request: {} },
      `SST2042 Namespace/shop step Workloads: a connection ${who}, ${outcome}`,
    ],
    [
      'headers with all their values',
      asking({ headers: { 'x-r': ['u', 'v'], authorization: ['Basic x'] } }),
      `SST2042 Namespace/shop step Workloads: GET / (host web.shop:80, x-r: u, v, authorization: Basic x) ${who}, ${outcome}`,
    ],
    [
      'what a token says, not its text',
      asking({
        headers: { 'x-r': ['u'], authorization: ['Bearer t'] },
        tokens: { t: { claims: { iss: 'us' } }, f: { claims: { iss: 'them' }, state: 'Forged' } },
      }),
      'SST2042 Namespace/shop step Workloads: GET / (host web.shop:80, x-r: u, Good token {"iss":"us"}, ' +
        `Forged token {"iss":"them"}) ${who}, ${outcome}`,
    ],
    [
      'that nobody looked at it',
      { ...opens, after: { allowed: true, hops: [] } },
      `SST2042 Namespace/shop step Workloads: ${asked} ${who}, refused before ${denied}, is let in (nobody)`,
    ],
  ])('say %s', (_, flip, message) => {
    expect(found({ flips: [flip] })).toEqual([message]);
  });

  it.each<[string, Partial<Proof>, string[]]>([
    ['nothing, where all is well', {}, []],
    [
      'how many open something that are not told',
      { more: 3, moreOpens: 3 },
      ['SST2042 Namespace/shop 3 more are not told'],
    ],
    ['how many are refused that are not told', { more: 2 }, ['SST2043 Namespace/shop 2 more are not told']],
    [
      'both, and where nobody knows',
      { more: 5, moreOpens: 1, undecided: 4 },
      [
        'SST2042 Namespace/shop 1 more are not told',
        'SST2043 Namespace/shop 4 more are not told',
        'SST2047 Namespace/shop 4 places could not be decided',
      ],
    ],
    [
      'the same once',
      { flips: [opens, { ...opens }] },
      [`SST2042 Namespace/shop step Workloads: ${asked} ${who}, ${outcome}`],
    ],
  ])('say %s', (_, proof, messages) => {
    expect(found(proof)).toEqual(messages);
  });
});
