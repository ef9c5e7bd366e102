import { SyntaxFault, type Token, tokens } from './lexer.js';
import { comprehension } from './macros.js';
import { CelCompileError, describeIssues, type Entry, type Expression, type Item } from './syntax.js';

/** What can begin an expression, in the words of the API server's parser. */
const beginnings =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

/** Binary operators from the loosest to the tightest; each with the name of its function. */
const levels: readonly Readonly<Record<string, string>>[] = [
  { '||': '_||_' },
  { '&&': '_&&_' },
  { '==': '_==_', '!=': '_!=_', '<': '_<_', '<=': '_<=_', '>': '_>_', '>=': '_>=_', in: '@in' },
  { '+': '_+_', '-': '_-_' },
  { '*': '_*_', '/': '_/_', '%': '_%_' },
];

/**
 * Parses CEL; macros are expanded.
 *
 * @throws {CelCompileError} with the first error
 */
export function parse(source: string): Expression {
  try {
    return new Parser(tokens(source)).whole();
  } catch (error) {
    if (error instanceof SyntaxFault) throw new CelCompileError(describeIssues(source, [error.issue]));
    throw error;
  }
}

class Parser {
  #next = 0;

  constructor(readonly all: readonly Token[]) {}

  whole(): Expression {
    const expression = this.#conditional();
    const rest = this.#peek();
    if (rest.kind !== 'end') throw fault(rest, `extraneous input '${rest.text}' expecting <EOF>`);
    return expression;
  }

  #peek(): Token {
    return this.all[this.#next]!;
  }

  #take(): Token {
    return this.all[this.#next++]!;
  }

  #accept(symbol: string): Token | undefined {
    const { kind, text } = this.#peek();
    return kind === 'symbol' && text === symbol ? this.#take() : undefined;
  }

  #expect(symbol: string): Token {
    const found = this.#accept(symbol);
    if (!found) throw fault(this.#peek(), `mismatched input '${this.#peek().text}' expecting '${symbol}'`);
    return found;
  }

  #conditional(): Expression {
    const condition = this.#binary(0);
    const mark = this.#accept('?');
    if (!mark) return condition;
    const yes = this.#binary(0);
    this.#expect(':');
    return { kind: 'call', at: mark.at, name: '_?_:_', args: [condition, yes, this.#conditional()] };
  }

  #binary(level: number): Expression {
    const operators = levels[level];
    if (!operators) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const token = this.#peek();
      const name = token.kind === 'symbol' ? operators[token.text] : undefined;
      if (name === undefined) return left;
      this.#take();
      left = { kind: 'call', at: token.at, name, args: [left, this.#binary(level + 1)] };
    }
  }

  #unary(): Expression {
    const not = this.#accept('!');
    if (not) return { kind: 'call', at: not.at, name: '!_', args: [this.#unary()] };
    const minus = this.#accept('-');
    if (!minus) return this.#member();
    const operand = this.#unary();
    if (operand.kind === 'constant' && (typeof operand.value === 'bigint' || typeof operand.value === 'number')) {
      return { ...operand, at: minus.at, value: -operand.value };
    }
    return { kind: 'call', at: minus.at, name: '-_', args: [operand] };
  }

  #member(): Expression {
    let operand = this.#primary();
    for (;;) {
      const dot = this.#accept('.');
      const bracket = dot ? undefined : this.#accept('[');
      if (dot) operand = this.#selection(operand, dot);
      else if (bracket) {
        const optional = this.#accept('?') !== undefined;
        const index = this.#conditional();
        this.#expect(']');
        operand = { kind: 'call', at: bracket.at, name: optional ? '_[?_]' : '_[_]', args: [operand, index] };
      } else return operand;
    }
  }

  #selection(operand: Expression, dot: Token): Expression {
    const optional = this.#accept('?') !== undefined;
    const field = this.#take();
    if (field.kind !== 'name' && !/^[a-z]+$/.test(field.text)) {
      throw fault(field, `no viable alternative at input '.${field.text}'`);
    }
    const open = this.#accept('(');
    if (!open) return { kind: 'select', at: dot.at, operand, field: field.text, optional };
    const args = this.#list(')');
    return (
      comprehension(field.text, operand, args, open.at) ?? {
        kind: 'call',
        at: open.at,
        name: field.text,
        target: operand,
        args,
      }
    );
  }

  #primary(): Expression {
    const token = this.#take();
    if (token.kind === 'constant') return { kind: 'constant', at: token.at, value: token.value! };
    if (token.kind === 'name') return this.#named(token);
    if (token.text === '.' && this.#peek().kind === 'name') return this.#named(this.#take());
    if (token.text === '(' && token.kind === 'symbol') {
      const inner = this.#conditional();
      this.#expect(')');
      return inner;
    }
    if (token.text === '[' && token.kind === 'symbol') return { kind: 'list', at: token.at, items: this.#items() };
    if (token.text === '{' && token.kind === 'symbol') return { kind: 'map', at: token.at, entries: this.#entries() };
    throw fault(token, `mismatched input '${token.text}' expecting ${beginnings}`);
  }

  #named(token: Token): Expression {
    const open = this.#accept('(');
    if (!open) return { kind: 'name', at: token.at, name: token.text };
    const args = this.#list(')');
    if (token.text !== 'has' || args.length !== 1) return { kind: 'call', at: open.at, name: token.text, args };
    const field = args[0]!;
    if (field.kind !== 'select') throw new SyntaxFault({ at: field.at, message: 'invalid argument to has() macro' });
    return { kind: 'has', at: open.at, operand: field.operand, field: field.field };
  }

  #list(end: string): Expression[] {
    return this.#sequence(end, () => this.#conditional());
  }

  #items(): Item[] {
    return this.#sequence(']', () => {
      const optional = this.#accept('?') !== undefined;
      return { optional, value: this.#conditional() };
    });
  }

  #entries(): Entry[] {
    return this.#sequence('}', () => {
      const optional = this.#accept('?') !== undefined;
      const key = this.#conditional();
      this.#expect(':');
      return { optional, key, value: this.#conditional() };
    });
  }

  /** Elements with commas between them; one more comma may end lists and maps. */
  #sequence<T>(end: string, element: () => T): T[] {
    const found: T[] = [];
    while (!this.#accept(end)) {
      found.push(element());
      if (this.#accept(',')) continue;
      this.#expect(end);
      break;
    }
    return found;
  }
}

function fault(token: Token, message: string): SyntaxFault {
  return new SyntaxFault({ at: token.at, message: `Syntax error: ${message}` });
}
