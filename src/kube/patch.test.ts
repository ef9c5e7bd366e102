import { describe, expect, it } from 'vitest';

import { escapePointer, guardedPatch, type FieldChange } from './patch.js';
import type { KubeObject } from './resource.js';

const object = (more: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'shop', resourceVersion: '7' },
  ...more,
});

const guard = { op: 'test', path: '/metadata/resourceVersion', value: '7' };

const labelled = object({ metadata: { name: 'shop', resourceVersion: '7', labels: { 'istio.io/rev': 'a', x: 'y' } } });

describe('guardedPatch', () => {
  it.each<[string, KubeObject, FieldChange[], object[]]>([
    ['nothing for no changes', object(), [], []],
    ['nothing for a change that is true already', labelled, [{ path: ['metadata', 'labels', 'x'], value: 'y' }], []],
    ['nothing for removing what is not there', object(), [{ path: ['spec', 'a', 'b'], value: undefined }], []],
    [
      'an addition',
      labelled,
      [{ path: ['metadata', 'labels', 'istio.io/dataplane-mode'], value: 'ambient' }],
      [guard, { op: 'add', path: '/metadata/labels/istio.io~1dataplane-mode', value: 'ambient' }],
    ],
    [
      'a replacement',
      labelled,
      [{ path: ['metadata', 'labels', 'istio.io/rev'], value: 'b' }],
      [guard, { op: 'replace', path: '/metadata/labels/istio.io~1rev', value: 'b' }],
    ],
    [
      'a removal',
      labelled,
      [{ path: ['metadata', 'labels', 'x'], value: undefined }],
      [guard, { op: 'remove', path: '/metadata/labels/x' }],
    ],
    [
      'missing parents once, for all changes that need them',
      object(),
      [
        { path: ['spec', 'template', 'a'], value: 1 },
        { path: ['spec', 'template', 'b'], value: 2 },
      ],
      [
        guard,
        { op: 'add', path: '/spec', value: {} },
        { op: 'add', path: '/spec/template', value: {} },
        { op: 'add', path: '/spec/template/a', value: 1 },
        { op: 'add', path: '/spec/template/b', value: 2 },
      ],
    ],
    [
      'elements of lists, and their end',
      object({ spec: { list: [{ a: 1 }] } }),
      [
        { path: ['spec', 'list', '0', 'a'], value: 2 },
        { path: ['spec', 'list', '-'], value: { a: 3 } },
      ],
      [
        guard,
        { op: 'replace', path: '/spec/list/0/a', value: 2 },
        { op: 'add', path: '/spec/list/-', value: { a: 3 } },
      ],
    ],
  ])('yields %s', (_what, before, changes, expected) => {
    const copy = structuredClone(before);
    expect(guardedPatch(before, changes)).toEqual(expected);
    expect(before).toEqual(copy);
  });

  it('takes a label called constructor for a label', () => {
    const changes = [{ path: ['metadata', 'labels', 'constructor'], value: undefined }];
    expect(guardedPatch(labelled, changes)).toEqual([]);
  });

  it('refuses an object that was never read', () => {
    const unread = object({ metadata: { name: 'shop' } });
    expect(() => guardedPatch(unread, [{ path: ['a'], value: 1 }])).toThrow('read from the server');
  });

  it('refuses a path through a text', () => {
    expect(() => guardedPatch(labelled, [{ path: ['kind', 'a'], value: 1 }])).toThrow('/kind holds no fields');
  });
});

describe('escapePointer', () => {
  it('escapes the tilde before the slash', () => {
    expect(escapePointer('a~/b')).toBe('a~0~1b');
  });
});
