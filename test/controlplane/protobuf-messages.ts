import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProtobufMessages, PublishedOpenApi } from '../../src/sandbox/data/index.js';
import { dependencyDir } from './build.js';

/** Modules whose types travel in protobuf. */
const modules = ['k8s.io/api', 'k8s.io/apimachinery', 'k8s.io/apiextensions-apiserver'];

const scalars: Readonly<Record<string, string>> = {
  string: 'string',
  bytes: 'bytes',
  bool: 'bool',
  int32: 'int',
  int64: 'int',
  uint32: 'int',
  uint64: 'int',
  double: 'double',
};

type Definitions = PublishedOpenApi['definitions'];

/**
 * Fields by number of all messages that the published definitions need, from the `generated.proto` files of the modules
 * that the real control plane is built from.
 */
export async function protobufMessages({ definitions }: PublishedOpenApi): Promise<ProtobufMessages> {
  const all: ProtobufMessages = {};
  for (const module of modules) {
    const dir = await dependencyDir('kubernetes', module);
    const files = (await readdir(dir, { recursive: true })).filter((file) => file.endsWith('generated.proto'));
    for (const file of files) Object.assign(all, messagesIn(readFileSync(join(dir, file), 'utf8'), definitions));
  }
  const needed: ProtobufMessages = {};
  for (const name of [...Object.keys(definitions), 'io.k8s.apimachinery.pkg.runtime.Unknown'])
    addNeeded(name, all, needed);
  return Object.fromEntries(Object.entries(needed).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** `k8s.io.api.apps.v1` is `io.k8s.api.apps.v1` in OpenAPI. */
const published = (name: string): string => name.replace(/^k8s\.io\./, 'io.k8s.').replaceAll(/_/g, '-');

/** Names differ in case, and by what protobuf has no letters for (`$ref`, `x-kubernetes-list-type`). */
const letters = (name: string): string => name.replaceAll(/[^a-z]/gi, '').toLowerCase();

function messagesIn(text: string, definitions: Definitions): ProtobufMessages {
  const packageName = published(/^package (\S+);/m.exec(text)?.[1] ?? '');
  const messages: ProtobufMessages = {};
  for (const [, name = '', body = ''] of text.matchAll(/^message (\w+) \{\n(.*?)^\}/gms)) {
    const full = `${packageName}.${name}`;
    messages[full] = fieldsOf(body, packageName, definitions[full]?.properties);
  }
  return messages;
}

function fieldsOf(body: string, packageName: string, properties: object | undefined): Record<string, string> {
  const typeOf = (type: string): string =>
    scalars[type] ?? (type.startsWith('.') ? published(type.slice(1)) : `${packageName}.${type}`);
  const fields: Record<string, string> = {};
  for (const [, label = '', key, name = '', number = ''] of body.matchAll(
    /^ {2}(optional |repeated |map<string, )([\w.]+)>? (\w+) = (\d+);/gm,
  )) {
    const type = typeOf(key!);
    const own = Object.keys(properties ?? {}).find((property) => letters(property) === letters(name));
    // What Go embeds is a message of its own in protobuf, but has no name in JSON.
    const embedded = properties !== undefined && own === undefined && type.includes('.');
    const shape = label === 'repeated ' ? '*' : label.startsWith('map') ? '%' : '';
    fields[number] = `${embedded ? '' : (own ?? name)} ${shape}${type}`;
  }
  return fields;
}

function addNeeded(name: string, from: ProtobufMessages, into: ProtobufMessages): void {
  const fields = from[name];
  if (fields === undefined || into[name] !== undefined) return;
  into[name] = fields;
  for (const field of Object.values(fields)) addNeeded(field.split(/ [*%]?/)[1]!, from, into);
}
