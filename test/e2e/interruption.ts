import type { Campaign } from './campaign.js';
import { isWriteTo, type Moment, type Target } from './strike.js';

/** What the operator that follows a crash is shown first. */
export type View = 'of now' | 'of before that write' | 'of before the first write';

/** When the operator is killed, and what the one that follows is shown. */
export interface Interruption {
  /** At which of its writes, from 0. */
  readonly nth: number;
  readonly moment: Moment;
  /** Default: the cluster as it is. */
  readonly view?: View;
}

/** Something that is asked of the operator in a namespace. */
export interface Request {
  readonly ask: (namespace: string) => Promise<unknown>;
  readonly isOver: (namespace: string) => Promise<boolean>;
}

/**
 * Kills the operator at one of its writes to a namespace after a request, and waits for the end all the same.
 *
 * @param options.timeoutMs  how long each operator may take, simulated; default 2 min
 * @returns whether the operator made so many writes
 * @throws {Error} the request was not carried out in time
 */
export async function interrupt(
  campaign: Campaign,
  target: Target,
  { nth, moment, view = 'of now' }: Interruption,
  { ask, isOver }: Request,
  options: { timeoutMs: number } = { timeoutMs: 120_000 },
): Promise<boolean> {
  const { cluster, backend } = campaign;
  const { name } = target;
  const isDone = async (): Promise<true | undefined> => (await isOver(name)) || undefined;
  const revisions = revisionsAtWrites(campaign, target);
  const armed = campaign.at(nth, moment, target, () => backend.operator.crash());
  await ask(name);
  await cluster.until(`write ${nth} in ${name}`, async () => armed.write() ?? (await isDone()), options);
  armed.disarm();
  revisions.end();
  const old = view === 'of before the first write' ? revisions.noted[0] : revisions.noted.at(-1);
  const isReached = armed.write() !== undefined;
  if (isReached) await (view === 'of now' ? campaign.restart() : campaign.restartWithOldView(old!));
  await cluster.until(`the end in ${name}`, isDone, options);
  return isReached;
}

/** Notes from now on at which revision the API server was when each write of the operator to the namespace came. */
function revisionsAtWrites(
  { backend: { sandbox, operator } }: Campaign,
  target: Target,
): { readonly noted: readonly string[]; end(): void } {
  if (!sandbox) throw new Error('only the sandbox tells its revision at once');
  const noted: string[] = [];
  let revision = '';
  const ends = [
    sandbox.apiServer.cluster.onCommit((commit) => (revision = String(commit.revision))),
    operator.intercept((request) => {
      if (isWriteTo(request, target)) noted.push(revision);
      return undefined;
    }),
  ];
  return { noted, end: () => ends.forEach((end) => end()) };
}
