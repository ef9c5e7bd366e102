import type { ProxySettings } from '../enforcement/request.js';
import { domainsOf } from './domains.js';
import { all, any, type Formula, not } from './formula.js';
import type { Gate } from './gates.js';
import { type Model, Search } from './search.js';
import { type TokenCase, tokenCases } from './token-cases.js';

/** The way of a caller to a pod, as far as it depends on what is asked for. */
export interface Way {
  /** The same for ways with the same answers to the same questions. */
  readonly key: string;
  /** Whatever is asked for. */
  readonly isClosed: boolean;
  readonly gates: readonly Gate[];
}

/** A request that is answered in another way than before. */
export interface Solution {
  readonly kind: 'Opens' | 'Refuses';
  readonly token: TokenCase;
  readonly model: Model;
}

/** What was found of two ways. */
export interface Solutions {
  readonly solutions: readonly Solution[];
  /** Searches that were given up. */
  readonly undecided: number;
}

/**
 * The requests that pass on one way and not on the other: one for each reason to refuse, in the first case of a token in which there is one.
 */
export function solve(before: Way, after: Way, settings: ProxySettings): Solutions {
  if (before.isClosed && after.isClosed) return { solutions: [], undecided: 0 };
  const found = new Map<string, Solution>();
  let undecided = 0;
  const authentications = [...new Set([...before.gates, ...after.gates].flatMap((gate) => gate.authentications))];
  for (const token of tokenCases(authentications)) {
    const [old, now] = [before, after].map((way) => refusalsOf(way, token)) as [Refusal[], Refusal[]];
    const look = (kind: Solution['kind'], refused: readonly Refusal[], passed: readonly Refusal[]): void => {
      const passes = all(passed.map(({ formula }) => not(formula)));
      const open = refused.filter(({ name }) => !found.has(`${kind} ${name}`));
      const whole = all([passes, any(open.map(({ formula }) => formula))]);
      if (whole === false) return;
      const search = new Search(
        domainsOf([passes, ...open.map(({ formula }) => formula)], { token, authentications, settings }),
      );
      const first = search.find(whole);
      if (first === 'GaveUp') undecided += 1;
      if (typeof first === 'string') return;
      for (const { name, formula } of open) {
        const model = search.find(all([passes, formula]));
        if (model === 'GaveUp') undecided += 1;
        else if (model !== 'None') found.set(`${kind} ${name}`, { kind, token, model });
      }
    };
    look('Opens', old, now);
    look('Refuses', now, old);
  }
  return { solutions: [...found.values()], undecided };
}

/** A reason to refuse, and its name. */
interface Refusal {
  readonly name: string;
  readonly formula: Formula;
}

function refusalsOf({ isClosed, gates }: Way, token: TokenCase): Refusal[] {
  if (isClosed) return [{ name: 'closed', formula: true }];
  return gates.flatMap((gate, index) =>
    gate.refusals(token).map((formula, reason) => ({ name: `${index}.${reason}`, formula })),
  );
}
