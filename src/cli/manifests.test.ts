import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from './failures.js';
import { type Manifest, readManifests } from './manifests.js';

describe('manifests', () => {
  let dir = '';
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'sidestep-manifests-'))));
  afterEach(() => rmSync(dir, { recursive: true }));

  function file(text: string | Uint8Array, name = 'a.yaml'): string {
    const path = join(dir, name);
    writeFileSync(path, text);
    return path;
  }
  const objectsOf = (text: string): Manifest[] => readManifests([file(text)]);

  /** What is said of it, without the folder. */
  function refusal(...paths: string[]): string {
    try {
      readManifests(paths);
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      return (error as Error).message.replaceAll(`${dir}/`, '');
    }
    throw new Error('it was taken');
  }

  it('merges what a merge key names, as kubectl does', () => {
    const [one] = objectsOf(`
base: &base { name: a }
labels: &labels { app: web, version: v1 }
apiVersion: v1
kind: Namespace
metadata:
  <<: *base
  labels:
    <<: *labels
    version: v2
  annotations:
    <<: [{ a: first, b: second }, { a: other }, *labels]
`);
    expect(one?.metadata).toEqual({
      name: 'a',
      labels: { app: 'web', version: 'v2' },
      annotations: { a: 'first', b: 'second', app: 'web', version: 'v1' },
    });
  });

  it('merges what is written behind a merge key itself', () => {
    const [one] = objectsOf('apiVersion: v1\nkind: A\nmetadata: { <<: { name: a } }');
    expect(one).toMatchObject({ metadata: { name: 'a' } });
  });

  it.each([
    ['an alias of nothing', 'apiVersion: v1\nkind: A\nmetadata: { name: *nope }', /^a\.yaml, document 1.*nope/],
    [
      'an alias of another document',
      'apiVersion: v1\nkind: A\nmetadata: &m { name: a }\n---\napiVersion: v1\nkind: A\nmetadata: { <<: *m }',
      /^a\.yaml, document 2: Merge sources/,
    ],
    [
      'more aliases than anybody writes',
      [
        'a: &a [x,x,x,x,x,x,x,x,x]',
        ...['ba', 'cb', 'dc'].map(([to, from]) => `${to}: &${to} [${`*${from},`.repeat(9)}]`),
      ].join('\n'),
      /^a\.yaml, document 1: Excessive alias count/,
    ],
    ['a merge of a text', 'apiVersion: v1\nkind: A\nmetadata: { <<: x, name: a }', /^a\.yaml, document 1: Merge/],
  ])('names file and document of %s', (_, text, message) => {
    expect(refusal(file(text))).toMatch(message);
  });

  it('names a link in a folder that leads nowhere', () => {
    symlinkSync('nowhere', join(dir, 'b.yaml'));
    expect(refusal(dir)).toBe('b.yaml: there is no such file');
  });
});
