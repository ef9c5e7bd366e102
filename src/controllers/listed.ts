/** How many names a message gives. */
const MAX_NAMES = 3;

/** Names for people: the first few, and how many there are besides. */
export function listed(names: readonly string[]): string {
  const more = names.length - MAX_NAMES;
  return `${names.slice(0, MAX_NAMES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
