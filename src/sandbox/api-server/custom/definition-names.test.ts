import { describe, expect, it } from 'vitest';
import type { ApiObject } from '../object.js';
import { definitionStatus } from './definition-names.js';
import { conditionOf, type Definition, type DefinitionNames } from './definition-object.js';

function definition(names: DefinitionNames, accepted?: DefinitionNames): Definition {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${names.plural}.g.test` } as ApiObject['metadata'],
    spec: { group: 'g.test', names, scope: 'Cluster', versions: [] },
    status: { conditions: null, acceptedNames: accepted ?? { plural: '', kind: '' }, storedVersions: ['v1'] },
  };
}

const widgets: DefinitionNames = {
  plural: 'widgets',
  singular: 'widget',
  kind: 'Widget',
  listKind: 'WidgetList',
  shortNames: ['w'],
};

describe('definitionStatus', () => {
  it('accepts free names', () => {
    const status = definitionStatus(definition(widgets), [], 0) as Definition;
    expect(status.status!.acceptedNames).toEqual(widgets);
    expect(conditionOf(status, 'Established')).toMatchObject({
      status: 'True',
      lastTransitionTime: '1970-01-01T00:00:00Z',
    });
  });

  it('leaves a definition alone whose names are as wanted', () => {
    const before = definition(widgets, widgets);
    expect(definitionStatus(before, [], 0)).toEqual(before);
  });

  it('takes what is free, and tells the last conflict', () => {
    const other: DefinitionNames = {
      plural: 'others',
      singular: 'other',
      kind: 'Other',
      listKind: 'WidgetList',
      shortNames: ['w'],
    };
    const status = definitionStatus(definition(other), [definition(widgets, widgets)], 0) as Definition;
    expect(status.status!.acceptedNames).toEqual({ plural: 'others', singular: 'other', kind: 'Other' });
    expect(conditionOf(status, 'NamesAccepted')).toMatchObject({
      status: 'False',
      reason: 'ListKindConflict',
      message: '"WidgetList" is already in use',
    });
    expect(conditionOf(status, 'Established')).toMatchObject({ status: 'False', reason: 'NotAccepted' });
  });

  it('keeps an established definition established when it asks for a name that is taken', () => {
    const others: DefinitionNames = { plural: 'others', singular: 'other', kind: 'Other', listKind: 'OtherList' };
    const established = definitionStatus(definition(others), [], 0) as Definition;
    established.spec.names = { ...others, shortNames: ['w'] };
    const status = definitionStatus(established, [definition(widgets, widgets)], 60_000) as Definition;
    expect(conditionOf(status, 'NamesAccepted')).toMatchObject({ status: 'False', reason: 'ShortNamesConflict' });
    expect(conditionOf(status, 'Established')).toMatchObject({
      status: 'True',
      lastTransitionTime: '1970-01-01T00:00:00Z',
    });
    expect(status.status!.acceptedNames).toEqual(others);
  });

  it('does not mind names of other groups', () => {
    const elsewhere = definition(widgets, widgets);
    elsewhere.spec.group = 'other.test';
    const status = definitionStatus(definition(widgets), [elsewhere], 0) as Definition;
    expect(conditionOf(status, 'NamesAccepted')?.status).toBe('True');
  });
});
