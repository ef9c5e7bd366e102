/** Paths of fields as the API server writes them; the root is empty. */

/** `path.name`. */
export function child(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** `path[key]`: an entry of a map, or an item of a list. */
export function entry(path: string, key: string | number): string {
  return `${path}[${key}]`;
}

/** The field of an error: the root has a name of its own there. */
export function shown(path: string): string {
  return path === '' ? '<nil>' : path;
}
