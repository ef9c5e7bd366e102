/**
 * Does things that do not depend on each other, in order, each of them whatever becomes of the others: what the API server refuses for
 * one object is no reason to leave the next.
 *
 * @throws the first of the errors, after the last thing
 */
export async function attemptAll(things: readonly (() => Promise<unknown>)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const thing of things) await thing().catch((error: unknown) => errors.push(error));
  if (errors.length > 0) throw errors[0];
}
