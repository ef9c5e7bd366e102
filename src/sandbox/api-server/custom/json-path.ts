import { isRecord } from '../json.js';

/** One step of a JSONPath. */
type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'all' }
  | { readonly kind: 'where'; readonly path: readonly Step[]; readonly operator: string; readonly value: unknown };

/** What a JSONPath of a printer column finds in an object, in order. */
export type JsonPath = (object: unknown) => unknown[];

/**
 * Parses the JSONPath of kubectl and of printer columns, without braces: fields, indexes, `[*]`, filters. Missing fields
 * give nothing.
 *
 * Source: client-go, util/jsonpath
 *
 * @throws {Error} for what is none
 */
export function parseJsonPath(text: string): JsonPath {
  const steps = stepsOf(text);
  return (object) =>
    steps.reduce<unknown[]>((values, step) => values.flatMap((value) => follow(value, step)), [object]);
}

const pieces = {
  field: /^\.((?:\\.|[^.[\]\\])+)/,
  quoted: /^\[(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)")\]/,
  index: /^\[(-?\d+)\]/,
  all: /^(?:\[\*\]|\.\*)/,
  where: /^\[\?\(\s*@((?:[^=!<>'"\s])*)\s*(?:(==|!=|<=|>=|<|>)\s*("(?:[^"])*"|'(?:[^'])*'|[^)\s]+)\s*)?\)\]/,
};

function stepsOf(text: string): Step[] {
  const steps: Step[] = [];
  let rest = text.startsWith('.') || text.startsWith('[') || text === '' ? text : `.${text}`;
  while (rest !== '' && rest !== '.') {
    const [step, length] = firstStep(rest) ?? [undefined, 0];
    if (!step) throw new Error(`unrecognized JSONPath ${JSON.stringify(text)}`);
    steps.push(step);
    rest = rest.slice(length);
  }
  return steps;
}

function firstStep(text: string): [Step, number] | undefined {
  const all = pieces.all.exec(text);
  if (all) return [{ kind: 'all' }, all[0].length];
  const field = pieces.field.exec(text) ?? pieces.quoted.exec(text);
  if (field) return [{ kind: 'field', name: (field[1] ?? field[2] ?? '').replace(/\\(.)/g, '$1') }, field[0].length];
  const index = pieces.index.exec(text);
  if (index) return [{ kind: 'index', index: Number(index[1]) }, index[0].length];
  const where = pieces.where.exec(text);
  if (!where) return undefined;
  const [whole, path, operator = '', value] = where;
  return [{ kind: 'where', path: stepsOf(path!), operator, value: literal(value) }, whole.length];
}

function literal(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  if (/^['"]/.test(text)) return text.slice(1, -1);
  if (text === 'true' || text === 'false') return text === 'true';
  return Number(text);
}

function follow(value: unknown, step: Step): unknown[] {
  switch (step.kind) {
    case 'field':
      return isRecord(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : [];
    case 'index': {
      const item: unknown = Array.isArray(value) ? value.at(step.index) : undefined;
      return item === undefined ? [] : [item];
    }
    case 'all':
      return Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : [];
    case 'where':
      return Array.isArray(value) ? value.filter((item) => meets(item, step)) : [];
  }
}

function meets(item: unknown, { path, operator, value }: Step & { kind: 'where' }): boolean {
  const found = path.reduce<unknown[]>((values, step) => values.flatMap((one) => follow(one, step)), [item]);
  if (found.length === 0) return false;
  const [given] = found as [string | number];
  const wanted = value as string | number;
  switch (operator) {
    case '==':
      return given === wanted;
    case '!=':
      return given !== wanted;
    case '<':
      return given < wanted;
    case '<=':
      return given <= wanted;
    case '>':
      return given > wanted;
    case '>=':
      return given >= wanted;
    default:
      return true;
  }
}
