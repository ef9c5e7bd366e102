/**
 * Orders two resourceVersions of the same kind. They are decimal numbers of any size, so they are compared as such:
 * by length, then digit by digit.
 *
 * @returns negative, 0 or positive like a sort function; undefined when either is missing or not a decimal number
 *          (an aggregated API may use others), which means "cannot tell"
 * @see Kubernetes docs, "Kubernetes API Concepts", section "Resource versions" (comparable since 1.35, KEP-5504)
 */
export function compareResourceVersions(a: string | undefined, b: string | undefined): number | undefined {
  if (!isComparable(a) || !isComparable(b)) return undefined;
  return a.length - b.length || (a < b ? -1 : Number(a > b));
}

function isComparable(version: string | undefined): version is string {
  return version !== undefined && /^[1-9]\d*$/.test(version);
}
