import { badRequest } from '../errors.js';
import { errorBody, type FieldError } from '../errors.js';
import { labelValueRule, qualifiedName } from '../writes/names.js';

/** Whether an object's labels satisfy a selector. */
export type LabelMatcher = (labels: Readonly<Record<string, string>>) => boolean;

type Operator = 'in' | 'notin' | '=' | '==' | '!=' | 'gt' | 'lt';
const operators: Readonly<Record<string, Operator>> = {
  in: 'in',
  notin: 'notin',
  '=': '=',
  '==': '==',
  '!=': '!=',
  '>': 'gt',
  '<': 'lt',
};

const END = '';
const symbols = new Set(['(', ')', ',', '!', '=', '==', '!=', '<', '>']);

/**
 * Reads a `labelSelector` parameter.
 *
 * @throws {import('../errors.js').StatusError} 400 in the words of `labels.Parse` of apimachinery
 */
export function parseLabelSelector(text: string): LabelMatcher {
  const matchers = new Parser(tokens(text)).parse();
  return (labels) => matchers.every((matches) => matches(labels));
}

function tokens(text: string): string[] {
  return [...text.matchAll(/==|!=|[()!,=<>]|[^\s()!,=<>]+/g)].map(([token]) => token);
}

class Parser {
  #position = 0;

  constructor(private readonly tokens: readonly string[]) {}

  parse(): LabelMatcher[] {
    const matchers: LabelMatcher[] = [];
    while (this.#peek() !== END) {
      const first = this.#peek();
      if (symbols.has(first) && first !== '!') {
        throw badRequest(`found '${first}', expected: !, identifier, or 'end of string'`);
      }
      matchers.push(this.#requirement());
      const next = this.#take();
      if (next === END) break;
      if (next !== ',') throw badRequest(`found '${next}', expected: ',' or 'end of string'`);
      const after = this.#peek();
      if (after === END || (symbols.has(after) && after !== '!')) {
        throw badRequest(`found '${after}', expected: identifier after ','`);
      }
    }
    return matchers;
  }

  #requirement(): LabelMatcher {
    const absent = this.#peek() === '!';
    if (absent) this.#take();
    const key = this.#take();
    if (key === END || symbols.has(key)) throw this.#unexpected(`found '${key}', expected: identifier`);
    for (const why of qualifiedName(key)) throw this.#wrong('key', key, why);
    if (absent) return (labels) => !Object.hasOwn(labels, key);
    const next = this.#peek();
    if (next === END || next === ',') return (labels) => Object.hasOwn(labels, key);
    const operator = operators[this.#take()];
    if (operator === undefined) throw this.#unexpected(`found '${next}', expected: in, notin, =, ==, !=, gt, lt`);
    const values = operator === 'in' || operator === 'notin' ? this.#values() : [this.#exactValue()];
    return this.#matcher(key, operator, values);
  }

  #matcher(key: string, operator: Operator, values: readonly string[]): LabelMatcher {
    for (const value of values) {
      if (operator === 'gt' || operator === 'lt') {
        if (/^-?\d+$/.test(value)) continue;
        throw this.#wrong('values[0]', value, "for 'Gt', 'Lt' operators, the value must be an integer");
      }
      for (const why of labelValueRule(value)) throw this.#wrong(`values[0][${key}]`, value, why);
    }
    const of = (labels: Readonly<Record<string, string>>): string | undefined =>
      Object.hasOwn(labels, key) ? labels[key] : undefined;
    switch (operator) {
      case 'in':
      case '=':
      case '==':
        return (labels) => values.includes(of(labels) ?? '\0');
      case 'notin':
      case '!=':
        return (labels) => !values.includes(of(labels) ?? '\0');
      case 'gt':
        return (labels) => Number(of(labels) ?? NaN) > Number(values[0]);
      case 'lt':
        return (labels) => Number(of(labels) ?? NaN) < Number(values[0]);
    }
  }

  #values(): string[] {
    const open = this.#take();
    if (open !== '(') throw this.#unexpected(`found '${open}' expected: '('`);
    const first = this.#peek();
    if (first === END || (symbols.has(first) && first !== ',' && first !== ')')) {
      throw this.#unexpected(`found '${first}', expected: ',', ')' or identifier`);
    }
    const values = new Set<string>();
    for (let expectValue = true; ;) {
      const token = this.#take();
      if (token === ')' || token === ',') {
        if (expectValue) values.add('');
        if (token === ')') return [...values];
        expectValue = true;
      } else if (!expectValue) {
        throw this.#unexpected(`found '${token}', expected: ',' or ')'`);
      } else if (token === END || symbols.has(token)) {
        throw this.#unexpected(`found '${token}', expected: ',', or identifier`);
      } else {
        values.add(token);
        expectValue = false;
      }
    }
  }

  #exactValue(): string {
    const next = this.#peek();
    if (next === END || next === ',') return '';
    if (symbols.has(next)) throw this.#unexpected(`found '${next}', expected: identifier`);
    return this.#take();
  }

  #peek(): string {
    return this.tokens[this.#position] ?? END;
  }

  #take(): string {
    const token = this.#peek();
    this.#position += 1;
    return token;
  }

  #unexpected(what: string): Error {
    return badRequest(`unable to parse requirement: ${what}`);
  }

  #wrong(field: string, value: unknown, detail: string): Error {
    const error: FieldError = { type: 'Invalid value', field, value, detail };
    return badRequest(`unable to parse requirement: ${field}: ${errorBody(error)}`);
  }
}
