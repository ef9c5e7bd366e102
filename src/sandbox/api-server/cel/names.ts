const words =
  'true false null in as break const continue else for function if import let loop package namespace return var void while';
const reserved: ReadonlySet<string> = new Set(words.split(' '));
const escapes: Readonly<Record<string, string>> = { underscores: '__', dot: '.', dash: '-', slash: '/' };

/**
 * How a field is called in an expression, or undefined if it cannot be: `a-b` is `a__dash__b`.
 *
 * @see apiserver, pkg/cel/escaping.go
 */
export function escapeName(field: string): string | undefined {
  if (!/^[a-zA-Z_./-][a-zA-Z0-9_./-]*$/.test(field)) return undefined;
  if (reserved.has(field)) return `__${field}__`;
  return field.replace(/__|[./-]/g, (part) => `__${Object.keys(escapes).find((name) => escapes[name] === part)}__`);
}

/** The field that an expression means. */
export function unescapeName(name: string): string {
  if (!name.includes('__')) return name;
  return name.replace(
    /__([^_]+)__/g,
    (whole, inner: string) => escapes[inner] ?? (reserved.has(inner) ? inner : whole),
  );
}
