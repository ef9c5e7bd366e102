import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';

/**
 * Fields that are there twice in JSON text, which must be valid: as paths such as `spec.ports[0].port`, in the order of the
 * text.
 */
export function duplicateFields(json: string): string[] {
  const scanner = new Scanner(json);
  scanner.value('');
  return scanner.duplicates;
}

/** Walks through valid JSON and looks at the keys of objects only. */
class Scanner {
  readonly duplicates: string[] = [];
  #at = 0;

  constructor(readonly text: string) {}

  value(path: string): void {
    this.#space();
    switch (this.text[this.#at]) {
      case '{':
        this.#object(path);
        break;
      case '[':
        this.#array(path);
        break;
      case '"':
        this.#string();
        break;
      default:
        while (this.#at < this.text.length && !/[\s,\]}]/.test(this.text[this.#at]!)) this.#at++;
    }
    this.#space();
  }

  #space(): void {
    while (/\s/.test(this.text[this.#at] ?? '')) this.#at++;
  }

  #string(): string {
    const start = this.#at++;
    while (this.text[this.#at] !== '"') this.#at += this.text[this.#at] === '\\' ? 2 : 1;
    this.#at++;
    return JSON.parse(this.text.slice(start, this.#at)) as string;
  }

  #object(path: string): void {
    const seen = new Set<string>();
    this.#elements('}', () => {
      this.#space();
      const key = this.#string();
      const inner = path === '' ? key : `${path}.${key}`;
      if (seen.has(key)) this.duplicates.push(inner);
      seen.add(key);
      this.#space();
      this.#at++;
      this.value(inner);
    });
  }

  #array(path: string): void {
    let index = 0;
    this.#elements(']', () => this.value(`${path}[${index++}]`));
  }

  #elements(end: string, element: () => void): void {
    this.#at++;
    this.#space();
    while (this.text[this.#at] !== end) {
      element();
      if (this.text[this.#at] === ',') this.#at++;
    }
    this.#at++;
  }
}

/** Fields that are there twice in a YAML document, as the API server's parser tells them: `line 6: key "a" already set in map`. */
export function duplicateKeys(yaml: string): string[] {
  const lines = new LineCounter();
  const document = parseDocument(yaml, { uniqueKeys: false, lineCounter: lines });
  const found: string[] = [];
  const visit = (node: unknown): void => {
    if (isSeq(node)) node.items.forEach(visit);
    if (!isMap(node) || isAlias(node)) return;
    const seen = new Set<unknown>();
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? key.value : key;
      if (seen.has(name)) {
        const { line } = lines.linePos((key as Node).range?.[0] ?? 0);
        found.push(`line ${line}: key ${JSON.stringify(name)} already set in map`);
      }
      seen.add(name);
      visit(value);
    }
  };
  visit(document.contents);
  return found;
}
