import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LineCounter, parseAllDocuments } from 'yaml';
import { asRecord, asRecords, stringAt } from '../mesh/policy-object.js';
import { InputError } from './failures.js';

/** An object as a manifest declares it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string } & Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

const EXTENSIONS = ['.yaml', '.yml', '.json'];

/**
 * The objects in manifests, in their order: YAML with any number of documents, or JSON. Lists are taken apart, and empty documents are
 * left out.
 *
 * @param paths  files; folders with everything below them that ends in .yaml, .yml or .json; `-` is standard input
 * @throws {InputError} a path cannot be read, or something in it is no object; it names file, document and field
 */
export function readManifests(
  paths: readonly string[],
  readStdin: () => string = () => readFileSync(0, 'utf8'),
): Manifest[] {
  return paths.flatMap((path) => {
    if (path === '-') return manifestsIn(readStdin(), 'standard input');
    const files = filesAt(path);
    if (files.length === 0) throw new InputError(`${path}: no file in it ends in ${EXTENSIONS.join(', ')}`);
    return files.flatMap((file) => manifestsIn(read(file), file));
  });
}

function filesAt(path: string): string[] {
  const stat = attempt(path, () => statSync(path));
  if (!stat.isDirectory()) return [path];
  const names = attempt(path, () => readdirSync(path, { recursive: true, encoding: 'utf8' }));
  const files = names.filter((name) => EXTENSIONS.some((extension) => name.endsWith(extension)));
  return files
    .map((name) => join(path, name))
    .filter((file) => statSync(file).isFile())
    .sort();
}

const read = (file: string): string => attempt(file, () => readFileSync(file, 'utf8'));

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new InputError(`${path}: ${code === 'ENOENT' ? 'there is no such file' : (error as Error).message}`);
  }
}

function manifestsIn(text: string, file: string): Manifest[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines });
  return (Array.isArray(documents) ? documents : []).flatMap((document, index) => {
    const where = `${file}, document ${index + 1}`;
    const [error] = document.errors;
    if (error) {
      const { line, col } = lines.linePos(error.pos[0]);
      throw new InputError(`${where}, line ${line}, column ${col}: ${error.message.split('\n')[0]}`);
    }
    const value: unknown = document.toJS();
    return value === null || value === undefined ? [] : objectsIn(value, where);
  });
}

function objectsIn(value: unknown, where: string): Manifest[] {
  const fields = asRecord(value);
  const kind = required(fields, 'kind', where);
  required(fields, 'apiVersion', where);
  if (kind.endsWith('List') && Array.isArray(fields['items'])) {
    return asRecords(fields['items']).flatMap((item, index) => objectsIn(item, `${where}, items[${index}]`));
  }
  const metadata = asRecord(fields['metadata']);
  required(metadata, 'name', where, 'metadata.name');
  if (metadata['namespace'] !== undefined) required(metadata, 'namespace', where, 'metadata.namespace');
  return [fields as Manifest];
}

function required(fields: Readonly<Record<string, unknown>>, field: string, where: string, path = field): string {
  const text = stringAt(fields, field);
  if (text === undefined || text === '') throw new InputError(`${where}: ${path} must be a text that is not empty`);
  return text;
}
