/** Environment variable that says which share of many alike is tried, such as `2/4`; without it all are. */
export const SHARE_VARIABLE = 'SIDESTEP_SHARE';

/**
 * Every `of`-th of many alike, beginning with the one whose index is `first`. CI tries a share of what takes long, another one with each
 * commit (`make ci`); who wants all of it leaves it out.
 */
export interface Share {
  /** Index from 0, less than `of`. */
  readonly first: number;
  readonly of: number;
}

/**
 * What is asked for in {@link SHARE_VARIABLE}.
 *
 * @throws {Error} the text is no such share
 */
export function askedShare(text = process.env[SHARE_VARIABLE] ?? ''): Share {
  if (text === '') return { first: 0, of: 1 };
  const [, nth, of] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (!nth || !of || nth > of) throw new Error(`SHARE: "${text}" is no share; say 2/4 for the second of every four`);
  return { first: nth - 1, of };
}

/** Those of `all` that are in the share, in their order. */
export function inShare<T>(all: readonly T[], { first, of }: Share = askedShare()): T[] {
  return all.filter((_, index) => index % of === first);
}
