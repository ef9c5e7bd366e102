import { timestamp } from '../writes/object-meta.js';
import type { Strategy } from '../resource.js';
import { type Definition, setCondition, storageVersion } from './definition-object.js';
import { validateDefinition, validateDefinitionUpdate } from './definition-validation.js';

/** Holds a definition that is being deleted until its objects are gone. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

/**
 * What is special about CustomResourceDefinitions.
 *
 * Source: apiextensions-apiserver, pkg/registry/customresourcedefinition
 */
export const definitionStrategy: Strategy = {
  hasGeneration: true,
  setDefaults(object) {
    const { spec } = object as Definition;
    if (typeof spec !== 'object' || spec === null) return;
    const names = spec.names as Definition['spec']['names'] | undefined;
    if (names?.kind) {
      names.singular ||= names.kind.toLowerCase();
      names.listKind ||= `${names.kind}List`;
    }
    if (spec.conversion === undefined) spec.conversion = { strategy: 'None' };
  },
  prepareForCreate(object) {
    const definition = object as Definition;
    const stored = (definition.spec.versions ?? []).filter(({ storage }) => storage).slice(0, 1);
    definition.status = {
      conditions: null,
      acceptedNames: { plural: '', kind: '' },
      ...(stored.length > 0 && { storedVersions: stored.map(({ name }) => name) }),
    };
  },
  prepareForUpdate(object, _old, { subresource }) {
    if (subresource !== '') return;
    const definition = object as Definition;
    const name = storageVersion(definition)?.name;
    const status = (definition.status ??= {});
    const stored = status.storedVersions ?? [];
    if (name !== undefined && !stored.includes(name)) status.storedVersions = [...stored, name];
  },
  validate: (object) => validateDefinition(object as Definition),
  validateUpdate: (object, old) => validateDefinitionUpdate(object as Definition, old as Definition),
  blocksDeletion: ({ metadata }) => metadata.deletionTimestamp === undefined,
  beginDeletion(object, now) {
    const { metadata } = object;
    metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), cleanupFinalizer])];
    // Unlike others, definitions keep their generation.
    if (metadata.generation) metadata.generation -= 1;
    const why = {
      reason: 'InstanceDeletionPending',
      message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
    };
    setCondition(object as Definition, { type: 'Terminating', status: 'True', ...why }, timestamp(now));
  },
};
