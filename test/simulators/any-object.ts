/** Any object of the API. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- scenarios look into all kinds of objects
export type Any = any;

/** Whether a node or pod is ready. */
export function isReady(object: Any): boolean {
  return object?.status?.conditions?.some((each: Any) => each.type === 'Ready' && each.status === 'True') ?? false;
}
