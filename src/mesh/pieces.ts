/** What work comes to that is done in pieces, without pauses between them. */
export function resultOf<T>(work: Generator<undefined, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}
