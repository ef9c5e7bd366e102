import { afterAll, describe, expect, it } from 'vitest';
import { Random } from '../../../test/controlplane/ambient/random.js';
import {
  smallMove,
  smallPictures,
  type SmallCase,
  smallCase,
  smallRequests,
} from '../../../test/support/small-cases.js';
import { smallSettings } from '../../../test/support/small-mesh.js';
import { type Destination, endpointsOf } from '../enforcement/checkpoint.js';
import { type Asked, type Trace, trace, tracer } from '../enforcement/trace.js';
import { type Moment, type MomentName, moments } from '../moments.js';
import type { MeshPicture, PictureWorkload } from '../picture.js';
import { callersOf } from './callers.js';
import type { Flip } from './flip.js';
import { proveMoments } from './proof.js';

/*
 * The reduction to kinds and classes, proven on meshes that are so small that every request can be tried, from every caller to every pod, in
 * every mix of pods with and without sidecar, captured and not.
 */

const CASES = 200;

/** As a machine takes that is busy with something else. */
const TIMEOUT_MS = 180_000;

type Kind = Flip['kind'];

/** Whether requests are allowed, in the order of the requests, by backend. */
type Answers = ReadonlyMap<string, readonly boolean[]>;

const NAMESPACE = 'shop';

function destinationsIn({ services, workloads }: MeshPicture): Map<string, Destination> {
  return new Map<string, Destination>([
    ...services.map((service) => [service.name, { service, port: 80 }] as const),
    ...workloads
      .filter(({ namespace }) => namespace === NAMESPACE)
      .flatMap((workload) => [8080, 9090].map((port) => [`${workload.name}:${port}`, { workload, port }] as const)),
  ]);
}

/**
 * Asks the judge about all requests from a caller to a destination. What it says depends on the picture only by the modes of those who take
 * part, and by whether the Service is bound.
 */
class Judge {
  readonly #requests: readonly Asked[];
  readonly #known = new Map<string, Answers>();

  constructor(requests: readonly Asked[]) {
    this.#requests = requests;
  }

  ask(from: PictureWorkload, to: Destination, picture: MeshPicture): Answers {
    const endpoints = endpointsOf(to, picture).map(({ workload, port }) => [modeOf(workload), port]);
    const service = 'service' in to ? [to.service.name, to.service.local.waypoint] : [];
    const key = JSON.stringify([modeOf(from), from.local.uid, service, endpoints]);
    const known = this.#known.get(key);
    if (known) return known;
    const answers = this.#answersOf(tracer({ from, to }, picture), picture);
    this.#known.set(key, answers);
    return answers;
  }

  #answersOf(traced: ReturnType<typeof tracer>, { workloads }: MeshPicture): Answers {
    const all = this.#requests.map((request) => traced(request));
    const answer = (traces: readonly Trace[], pod: string): boolean =>
      traces.some(({ backend, allowed }) => allowed && backend === pod);
    return new Map(
      workloads.map(({ namespace, name }) => [
        `Pod/${namespace}/${name}`,
        all.map((traces) => answer(traces, `Pod/${namespace}/${name}`)),
      ]),
    );
  }
}

const modeOf = ({ namespace, name, mode, hbone, local }: PictureWorkload): unknown[] => [
  namespace,
  name,
  mode,
  hbone,
  local.waypoint,
];

/** What of all requests is answered otherwise than before: `<kind> <step>`. */
function enumerated(small: SmallCase): Set<string> {
  const { before, steps } = smallPictures(small);
  const judge = new Judge(smallRequests(small));
  const found = new Set<string>();
  const strangers = callersOf([before]).filter(({ name }) => !name.startsWith('Pod/'));
  const callersIn = (picture: MeshPicture): PictureWorkload[] => [
    ...picture.workloads,
    ...strangers.map((caller) => caller.in(picture)!),
  ];
  callersIn(before).forEach((caller, index) => {
    for (const [name, destination] of destinationsIn(before)) {
      const old = judge.ask(caller, destination, before);
      const compare = (step: MomentName, now: Answers, isMeant: (pod: string) => boolean): void => {
        for (const [pod, allowed] of [...now].filter(([one]) => isMeant(one))) {
          allowed.forEach((isAllowed, request) => {
            if (isAllowed !== old.get(pod)![request]) found.add(`${isAllowed ? 'Opens' : 'Refuses'} ${step}`);
          });
        }
      };
      for (const { step, picture } of steps) {
        const to = destinationsIn(picture).get(name)!;
        compare(step, judge.ask(callersIn(picture)[index]!, to, picture), () => true);
        if (step !== 'Enrol' && step !== 'Workloads') continue;
        // A workload may call itself: a pod of it another, which is in another mode.
        const itself = `Pod/${caller.namespace}/${caller.name}`;
        for (const other of steps.filter((one) => one.step === step)) {
          compare(step, judge.ask(callersIn(other.picture)[index]!, to, picture), (pod) => pod === itself);
        }
      }
    }
  });
  return found;
}

/** Whether the judge says so too, of whatever pods there are. */
function isReal({ kind, step, from, to, request }: Flip, all: readonly Moment[]): boolean {
  const caller = callersOf(all.flatMap(({ callers, rest }) => [...callers, ...rest])).find(
    ({ name }) => name === from.name,
  )!;
  const [, pod, port] = /^Pod\/shop\/(.*):(.*)$/.exec(to.name) ?? [];
  const destination = ({ services, workloads }: MeshPicture): Destination =>
    pod === undefined
      ? { service: services.find(({ name }) => to.name === `${name}.shop:80`)!, port: 80 }
      : { workload: workloads.find(({ name }) => name === pod)!, port: Number(port) };
  const verdicts = (moment: Moment): boolean[] =>
    moment.callers.flatMap((picture) =>
      moment.rest.flatMap((rest) => {
        return trace({ from: caller.in(picture)!, to: destination(rest), ...request }, rest).map(
          ({ allowed }) => allowed,
        );
      }),
    );
  return (
    verdicts(all[0]!).includes(kind === 'Refuses') &&
    verdicts(all.find((moment) => moment.step === step)!).includes(kind === 'Opens')
  );
}

const seeds = Array.from({ length: CASES }, (_, index) => index + 1);
const STEPS: readonly MomentName[] = ['Tunnel', 'Policies', 'Bind', 'Enrol', 'Workloads', 'After'];
/** What was found in each case. */
const foundIn = new Map<number, ReadonlySet<string>>();

describe('a proof', () => {
  it.each(seeds)(
    'finds what trying everything finds, in small case %i',
    (seed) => {
      const small = smallCase(new Random(seed));
      const all = moments(small.objects, smallSettings, smallMove(small));
      const { flips, undecided, more } = proveMoments(all, { namespace: NAMESPACE, mostFlips: 1000 });
      const proven = new Set(flips.map(({ kind, step }) => `${kind} ${step}`));
      const expected = enumerated(small);
      const context = `case ${seed}: ${JSON.stringify(small.policies)}`;
      expect({ undecided, more }, context).toEqual({ undecided: 0, more: 0 });
      expect([...proven].sort(), context).toEqual([...expected].sort());
      for (const flip of flips) expect(isReal(flip, all), `${context} ${JSON.stringify(flip)}`).toBe(true);
      foundIn.set(seed, expected);
    },
    TIMEOUT_MS,
  );

  afterAll(() => {
    if (foundIn.size < CASES) return;
    const inCases = (kind: Kind): number =>
      [...foundIn.values()].filter((found) => STEPS.some((step) => found.has(`${kind} ${step}`))).length;
    for (const kind of ['Opens', 'Refuses'] as const) {
      expect(inCases(kind)).toBeGreaterThan(CASES / 5);
      expect(inCases(kind)).toBeLessThan((CASES * 4) / 5);
    }
  });
});
