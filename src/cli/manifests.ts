import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Document, LineCounter, type YAMLParseError, isCollection, isNode, parseAllDocuments, visit } from 'yaml';
import { withoutNulls } from '../api/structural-schema.js';
import { asRecord, asRecords, stringAt } from '../mesh/policy-object.js';
import { InputError } from './failures.js';
import { groupOf, groupsOf, spelling } from './manifest-kinds.js';
import { misfitIn } from './manifest-shape.js';
import { otherFile } from './other-files.js';
import { eachOnce } from './same-object.js';

/** An object as a manifest declares it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string } & Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/** Where an object stands. */
export interface Source {
  /** Path of the file as it was given, or below the folder that was given. */
  readonly file: string;
  /** Of its first field, from 1. */
  readonly line: number;
}

/** An object of a manifest, and where it stands; undefined: on standard input. */
export interface SourcedManifest {
  readonly manifest: Manifest;
  readonly source: Source | undefined;
}

const EXTENSIONS = ['.yaml', '.yml', '.json'];

/**
 * The objects in manifests, in their order: YAML with any number of documents, or JSON. Lists are taken apart, and empty documents are
 * left out. Fields that are null are absent, as they are for the API server.
 *
 * @param paths  files; folders with everything below them that ends in .yaml, .yml or .json; `-` is standard input
 * @param namespace  of objects that name none
 * @throws {InputError} a path cannot be read, or something in it is no object; it names file, document and field. Or there is no object at
 *   all, or two that say different things of one
 */
export function readManifests(paths: readonly string[], namespace = 'default'): Manifest[] {
  return readSourcedManifests(paths, namespace).map(({ manifest }) => manifest);
}

/** The same, each with where it stands. */
export function readSourcedManifests(paths: readonly string[], namespace = 'default'): SourcedManifest[] {
  const found = paths.flatMap(sourcedIn);
  if (found.length === 0) throw new InputError(`${paths.join(', ')}: there is no object in it`);
  return eachOnce(found, namespace);
}

function sourcedIn(path: string): SourcedManifest[] {
  if (path === '-') {
    const placed = manifestsIn(read(0, 'standard input'), 'standard input');
    return placed.map(({ manifest }) => ({ manifest, source: undefined }));
  }
  const files = filesAt(path);
  if (files.length === 0) throw new InputError(`${path}: no file in it ends in ${EXTENSIONS.join(', ')}`);
  return files.flatMap((file) =>
    manifestsIn(read(file, file), file).map(({ manifest, line }) => ({ manifest, source: { file, line } })),
  );
}

function filesAt(path: string): string[] {
  const stat = attempt(path, () => statSync(path));
  if (!stat.isDirectory()) return [path];
  const names = attempt(path, () => readdirSync(path, { recursive: true, encoding: 'utf8' }));
  const files = names.filter((name) => EXTENSIONS.some((extension) => name.endsWith(extension)));
  return files
    .map((name) => join(path, name))
    .filter((file) => attempt(file, () => statSync(file)).isFile())
    .sort();
}

/** @param name  for messages */
function read(file: string | 0, name: string): string {
  const bytes = attempt(name, () => readFileSync(file));
  const text = attempt(name, () => decoded(bytes), 'is no UTF-8, which manifests are written in');
  if (text.includes('\0')) throw new InputError(`${name}: is no text: manifests are YAML or JSON, in UTF-8`);
  return text;
}

const decoded = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes);

/** @param problem  what is said of a failure, in place of its own message */
function attempt<T>(where: string, action: () => T, problem?: string): T {
  try {
    return action();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new InputError(`${where}: ${problem ?? (code === 'ENOENT' ? 'there is no such file' : message)}`);
  }
}

/** An object, and the line at which it begins. */
interface PlacedManifest {
  readonly manifest: Manifest;
  readonly line: number;
}

function manifestsIn(text: string, file: string): PlacedManifest[] {
  const lines = new LineCounter();
  const textOf = ({ range }: { readonly range: readonly number[] }): string => text.slice(range[0], range.at(-1));
  const documents = parseAllDocuments(text, { lineCounter: lines, merge: true, logLevel: 'error' });
  const lineOf = (node: unknown): number => lines.linePos((isNode(node) && node.range?.[0]) || 0).line;
  return (Array.isArray(documents) ? documents : []).flatMap((document, index) => {
    const where = `${file}, document ${index + 1}`;
    return orOther(where, textOf(document), file, () => {
      const [error] = document.errors;
      if (error) {
        const { line, col } = lines.linePos(error.pos[0]);
        throw new InputError(`${where}, line ${line}, column ${col}: ${problemOf(error, text)}`);
      }
      const value = withoutNulls(attempt(where, () => plain(document)));
      if (value === null || value === undefined) return [];
      return objectsIn(value, where, document.contents).map(({ manifest, node }) => ({
        manifest,
        line: lineOf(node),
      }));
    });
  });
}

/** What the parser says, without the place, and what to do about what happens most. */
function problemOf({ code, message, pos }: YAMLParseError, text: string): string {
  const problem = message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '');
  if (code === 'TAB_AS_INDENT') return `${problem}: write spaces`;
  const isNextObject = code === 'DUPLICATE_KEY' && /^(apiVersion|kind):/.test(text.slice(pos[0]));
  return isNextObject ? `${problem}; between two objects there must be a line with ---` : problem;
}

/** A field of what is an object, and no template of one. */
class FieldError extends InputError {}

/** Tries a document; one that is no object may be something that people know, which is said then. */
function orOther<T>(where: string, text: string, file: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const isObject = error instanceof FieldError || !(error instanceof InputError);
    const other = isObject ? undefined : otherFile(text, file);
    throw other === undefined ? error : new InputError(`${where} is ${other}\n${(error as Error).message}`);
  }
}

const INFINITE = /^([-+]?\.inf|\.nan)$/i;

function plain(document: Document.Parsed): unknown {
  visit(document, {
    Pair: (_, { key }) => {
      if (isCollection(key)) throw new Error('a name must be a text, and not a list or a map');
    },
    // `12e4567`, the hash of a commit, is too large for a number: kubectl takes it for a text.
    Scalar: (_, scalar) => {
      if (typeof scalar.value !== 'number' || Number.isFinite(scalar.value)) return;
      if (scalar.source !== undefined && !INFINITE.test(scalar.source)) scalar.value = scalar.source;
    },
  });
  return document.toJS();
}

/** @param node  of the text that says the value */
function objectsIn(value: unknown, where: string, node: unknown): { manifest: Manifest; node: unknown }[] {
  if (Array.isArray(value)) throw new InputError(`${where} is a list: give kind: List, with it as items`);
  if (typeof value !== 'object') throw new InputError(`${where} must be a map: write name: value`);
  const fields = asRecord(value);
  const kind = required(fields, 'kind', where);
  required(fields, 'apiVersion', where);
  if (kind === 'List' && !Array.isArray(fields['items']))
    throw new InputError(`${where}: items must be a list of objects`);
  if (kind.endsWith('List') && Array.isArray(fields['items'])) {
    // What the API server itself answers says neither of its items.
    const { apiVersion } = fields;
    const typed = kind === 'List' ? {} : { apiVersion, kind: kind.slice(0, -'List'.length) };
    return asRecords(fields['items']).flatMap((item, index) =>
      objectsIn({ ...typed, ...item }, `${where}, items[${index}]`, itemAt(node, index)),
    );
  }
  if (kind === 'Kustomization' && groupOf(fields as Manifest) === 'kustomize.config.k8s.io')
    throw new InputError(`${where} is for kustomize: give what kubectl kustomize prints`);
  const { metadata: given } = fields;
  if (given !== undefined && (typeof given !== 'object' || Array.isArray(given)))
    throw new InputError(`${where}: metadata must be a map: write name: value`);
  const metadata = asRecord(given);
  if (metadata['name'] === undefined && metadata['generateName'] !== undefined)
    throw new InputError(`${where}: metadata.name is missing: give it a name, in place of generateName`);
  const name = required(metadata, 'name', where, 'metadata.name');
  if (name.includes('{{')) throw new InputError(`${where}: metadata.name must be a name`);
  if (metadata['namespace'] !== undefined) required(metadata, 'namespace', where, 'metadata.namespace');
  const manifest = fields as Manifest;
  const spelt = spelling(manifest);
  if (spelt !== undefined) throw new InputError(`${where}: kind must be ${spelt}, and not ${kind}`);
  const groups = groupsOf(kind);
  if (groups?.includes('') === false && groupOf(manifest) === '')
    throw new InputError(`${where}: apiVersion must name the API group of a ${kind}, ${groups[0]}`);
  const misfit = misfitIn(manifest);
  if (misfit !== undefined) throw new FieldError(`${where}: ${misfit}`);
  return [{ manifest, node }];
}

/** The node of an item of a List; of one that stands elsewhere in the document, that of the List. */
function itemAt(list: unknown, index: number): unknown {
  const item: unknown = isCollection(list) ? list.getIn(['items', index], true) : undefined;
  return isNode(item) ? item : list;
}

function required(fields: Readonly<Record<string, unknown>>, field: string, where: string, path = field): string {
  const text = stringAt(fields, field);
  if (text === undefined || text === '') throw new InputError(`${where}: ${path} must be a text that is not empty`);
  return text;
}
