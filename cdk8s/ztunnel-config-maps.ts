import { createHash } from 'node:crypto';
import { k8s } from 'cdk8s-plus-28';
import { LABEL } from '../src/api/labels.js';
import { type Manifest, Objects } from './objects.js';

/** Name of the ConfigMap that holds ztunnel's configuration of its namespace, or says which ConfigMaps do. */
export const ZTUNNEL_CONFIG_MAP = 'sidestep-ztunnel';

/** Key of the file, or of a part of it. */
export const FILE_KEY = 'config.yaml';

/** Whether a ConfigMap has a name that we give. */
export function isZtunnelConfigMap(name: string): boolean {
  return /^sidestep-ztunnel(-[1-9][0-9]*)?$/.test(name);
}

/** Keys of the index: the names of the parts in their order, a line each, and the checksum of the whole file. */
const PARTS_KEY = 'parts';
const CHECKSUM_KEY = 'sha256';

/** All keys that we write. */
export const CONFIG_MAP_KEYS = [FILE_KEY, PARTS_KEY, CHECKSUM_KEY] as const;

/**
 * Bytes of a file of ours in one ConfigMap. The API server takes 1 MiB of data, and etcd not much more with all metadata.
 *
 * @see kubernetes/kubernetes pkg/apis/core/validation, ValidateConfigMap; Kubernetes docs, "ConfigMaps"
 */
export const MAX_CONFIG_MAP_BYTES = 1_000_000;

/**
 * The ConfigMaps that hold a file. One that fits stands in `sidestep-ztunnel`. A larger one stands in `sidestep-ztunnel-1`, `-2`
 * and so on, and `sidestep-ztunnel` lists them: the parts one after the other, with nothing in between, are the file, byte for
 * byte. Each part is YAML by itself, unless one workload, service or policy is larger than a part.
 *
 * @param file  YAML as `ztunnelConfigYaml` writes it: items of lists begin at the start of a line
 * @param options.maxBytes  of a part; default 1 000 000
 * @returns `sidestep-ztunnel` first, then the parts in their order
 */
export function ztunnelConfigMaps(
  file: string,
  options: { readonly namespace: string; readonly maxBytes?: number },
): Manifest[] {
  const { namespace, maxBytes = MAX_CONFIG_MAP_BYTES } = options;
  const objects = new Objects();
  const add = (name: string, data: Record<string, string>): void => {
    const labels = { [LABEL.managedBy]: 'sidestep' };
    objects.add(k8s.KubeConfigMap, { metadata: { name, namespace, labels }, data });
  };
  const parts = split(file, maxBytes);
  const names = parts.map((_, index) => `${ZTUNNEL_CONFIG_MAP}-${index + 1}`);
  const index = { [PARTS_KEY]: names.map((name) => `${name}\n`).join(''), [CHECKSUM_KEY]: sha256(file) };
  add(ZTUNNEL_CONFIG_MAP, parts.length === 1 ? { [FILE_KEY]: file } : index);
  if (parts.length > 1) parts.forEach((text, at) => add(names[at] ?? '', { [FILE_KEY]: text }));
  return objects.render();
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Parts that make up the text, none larger than `maxBytes`. */
function split(text: string, maxBytes: number): string[] {
  if (bytes(text) <= maxBytes) return [text];
  // What is too large is cut between lines, and a line between characters; then nothing else is put to the pieces.
  const lines = (item: string): string[] => item.split(/(?<=\n)/);
  return packed(items(text), maxBytes, lines, mayFollow);
}

/** The items of the lists; the first one of each with the key of its list. */
function items(text: string): string[] {
  return text.split(/(?<=\n)(?<!:\n)(?=- )|(?<=\n)(?=\w)/);
}

/** A list whose beginning stands in another part ends with its part: a key after it would be no YAML. */
function mayFollow(first: string, item: string): boolean {
  return !first.startsWith('- ') || item.startsWith('- ');
}

/**
 * Puts pieces together, as many as fit.
 *
 * @param cut  makes pieces that fit from one that does not
 * @param mayJoin  whether a piece may stand in a text that begins with `first`; default: any may
 */
function packed(
  pieces: readonly string[],
  maxBytes: number,
  cut: (piece: string) => readonly string[],
  mayJoin: (first: string, piece: string) => boolean = () => true,
): string[] {
  const texts: string[] = [];
  let pending: string[] = [];
  let size = 0;
  const end = (): void => {
    if (pending.length > 0) texts.push(pending.join(''));
    pending = [];
    size = 0;
  };
  for (const piece of pieces) {
    const more = bytes(piece);
    const [first = ''] = pending;
    if (size + more > maxBytes || !mayJoin(first, piece)) end();
    if (more > maxBytes) {
      texts.push(...packed(cut(piece), maxBytes, (line) => [...line]));
    } else {
      pending.push(piece);
      size += more;
    }
  }
  end();
  return texts;
}

function bytes(text: string): number {
  return Buffer.byteLength(text);
}
