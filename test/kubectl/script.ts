/** One kubectl command of a script. */
export interface Command {
  /** As it stands in the script. */
  readonly text: string;
  readonly args: readonly string[];
  /** Prepares something: must succeed, its output does not count. */
  readonly quiet: boolean;
  /** What happens to the output, in order. */
  readonly filters: readonly Filter[];
}

/** `sort` sorts lines, headers too; `grep` keeps those that match. */
export type Filter = { readonly name: 'sort' } | { readonly name: 'grep'; readonly pattern: RegExp };

/**
 * Reads a script: a command without `kubectl` per line, `@` before those that only prepare, `| sort` and `| grep PATTERN`
 * (of JavaScript, not quoted) behind. Empty lines and `#` are skipped.
 *
 * @throws {Error} when a line is not like that
 */
export function parseScript(script: string): Command[] {
  return script
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(parseCommand);
}

function parseCommand(line: string): Command {
  const quiet = line.startsWith('@');
  const text = quiet ? line.slice(1).trim() : line;
  const [command = '', ...filters] = text.split(' | ');
  return { text, args: words(command), quiet, filters: filters.map(parseFilter) };
}

/** Words as a shell takes them apart: by spaces, quotes keep together. */
function words(command: string): string[] {
  const found = command.match(/('[^']*'|"[^"]*"|[^\s'"])+/g) ?? [];
  return found.map((word) => word.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'));
}

function parseFilter(filter: string): Filter {
  if (filter === 'sort') return { name: 'sort' };
  if (filter.startsWith('grep ')) return { name: 'grep', pattern: new RegExp(filter.slice('grep '.length)) };
  throw new Error(`no such filter: ${filter}`);
}

/** The output as the filters leave it. */
export function filtered(output: string, filters: readonly Filter[]): string {
  return filters.reduce((text, filter) => {
    const lines = text.split('\n').filter((line) => line !== '');
    const kept = filter.name === 'sort' ? lines.sort() : lines.filter((line) => filter.pattern.test(line));
    return kept.map((line) => `${line}\n`).join('');
  }, output);
}
