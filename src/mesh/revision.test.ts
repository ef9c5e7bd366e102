import { describe, expect, test } from 'vitest';
import { type RevisionObjects, revisionOf } from './revision.js';

const tag = (name: string, revision: string) => ({
  metadata: { name: `tag-${name}`, labels: { 'istio.io/tag': name, 'istio.io/rev': revision } },
});
const validator = { metadata: { name: 'istiod-default-validator', labels: { 'istio.io/rev': 'blue' } } };
const unlabelled = { metadata: { name: 'istiod-default-validator' } };
const none: RevisionObjects = { injectors: [], validators: [], services: [] };

describe('the revision of istiod', () => {
  test.each<[string, string | undefined, Partial<RevisionObjects>, string]>([
    ['stands for itself', 'green', {}, 'green'],
    ['is what an injector says of a tag', 'prod', { injectors: [tag('dev', 'blue'), tag('prod', 'green')] }, 'green'],
    ['is what a Service says of a tag', 'prod', { services: [tag('prod', 'green')] }, 'green'],
    ['is the default without a label', undefined, {}, 'default'],
    ['is the default with an empty label', '', {}, 'default'],
    [
      'is that of the tag default',
      undefined,
      { injectors: [tag('default', 'green')], validators: [validator] },
      'green',
    ],
    ['is the one that validates for all', undefined, { validators: [validator] }, 'blue'],
    [
      'is the default where nobody says anything of it',
      undefined,
      {
        injectors: [{ metadata: { name: 'others' } }],
        validators: [{ metadata: { name: 'istio-validator-blue', labels: { 'istio.io/rev': 'blue' } } }],
      },
      'default',
    ],
    ['is the default where the validator says none', undefined, { validators: [unlabelled] }, 'default'],
    ['is not the one that validates, if another is asked for', 'green', { validators: [validator] }, 'green'],
  ])('%s', (_, label, objects, expected) => {
    expect(revisionOf(label, { ...none, ...objects })).toBe(expected);
  });
});
