import { type Issue, Uint, type Constant } from './syntax.js';

/** A piece of CEL source. */
export interface Token {
  readonly kind: 'name' | 'constant' | 'symbol' | 'end';
  /** The name or symbol; for constants the source text. */
  readonly text: string;
  readonly value?: Constant;
  readonly at: number;
}

/** Thrown by lexer and parser for the first thing that is wrong. */
export class SyntaxFault extends Error {
  constructor(readonly issue: Issue) {
    super(issue.message);
  }
}

const pieces: readonly [Token['kind'] | 'space', RegExp][] = [
  ['space', /(?:[\t\n\f\r ]|\/\/[^\n]*)+/y],
  ['constant', /[bB]?[rR]?(?:"""[\s\S]*?"""|'''[\s\S]*?''')/y],
  ['constant', /[bB]?[rR](?:"[^"\n]*"|'[^'\n]*')|[bB]?(?:"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')/y],
  ['constant', /(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)/y],
  ['constant', /(?:0x[0-9a-fA-F]+|\d+)[uU]?/y],
  ['name', /[_a-zA-Z][_a-zA-Z0-9]*/y],
  ['symbol', /&&|\|\||==|!=|<=|>=|[-+*/%!<>=?:.,()[\]{}]/y],
];

/** Splits CEL source into tokens, the last being the end. @throws {SyntaxFault} */
export function tokens(source: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  while (at < source.length) {
    const piece = pieceAt(source, at);
    if (!piece) throw new SyntaxFault({ at, message: `Syntax error: token recognition error at: '${source[at]}'` });
    const [kind, text] = piece;
    if (kind === 'constant') found.push({ kind, text, at, value: constantOf(text, at) });
    else if (kind !== 'space') found.push(keyword({ kind, text, at }));
    at += text.length;
  }
  return [...found, { kind: 'end', text: '<EOF>', at: source.length }];
}

function pieceAt(source: string, at: number): [Token['kind'] | 'space', string] | undefined {
  for (const [kind, expression] of pieces) {
    expression.lastIndex = at;
    const match = expression.exec(source);
    if (match) return [kind, match[0]];
  }
  return undefined;
}

function keyword(token: Token): Token {
  if (token.kind !== 'name') return token;
  const values: Record<string, Constant> = { true: true, false: false, null: null };
  if (Object.hasOwn(values, token.text)) return { ...token, kind: 'constant', value: values[token.text]! };
  return token.text === 'in' ? { ...token, kind: 'symbol' } : token;
}

function constantOf(text: string, at: number): Constant {
  if (/^[bBrR]*["']/.test(text)) return stringOf(text, at);
  if (/^[^x]*[.eE]/.test(text)) return Number(text);
  if (/[uU]$/.test(text)) return new Uint(BigInt(text.slice(0, -1)));
  return BigInt(text);
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '?': '?',
  '"': '"',
  "'": "'",
  '`': '`',
};

function stringOf(text: string, at: number): string | Uint8Array {
  const prefix = /^[bBrR]*/.exec(text)![0].toLowerCase();
  const quoted = text.slice(prefix.length);
  const quote = quoted.startsWith('"""') || quoted.startsWith("'''") ? 3 : 1;
  const body = quoted.slice(quote, -quote);
  const bytes = prefix.includes('b');
  const plain = prefix.includes('r')
    ? body
    : body.replace(escape, (whole, ...groups) => unescape(whole, groups as (string | undefined)[], at));
  if (!bytes) return plain;
  // Escapes of bytes name bytes, other characters stand for their UTF-8.
  return prefix.includes('r') || !body.includes('\\') ? new TextEncoder().encode(plain) : Buffer.from(plain, 'latin1');
}

const escape = /\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|[xX]([0-9a-fA-F]{2})|([0-3][0-7]{2})|([\s\S]))/g;

function unescape(whole: string, [u4, u8, hex, octal, other]: (string | undefined)[], at: number): string {
  const digits = u4 ?? u8 ?? hex;
  if (digits !== undefined) return String.fromCodePoint(parseInt(digits, 16));
  if (octal !== undefined) return String.fromCodePoint(parseInt(octal, 8));
  const character = escapes[other!];
  if (character === undefined)
    throw new SyntaxFault({ at, message: `Syntax error: token recognition error at: '${whole}'` });
  return character;
}
