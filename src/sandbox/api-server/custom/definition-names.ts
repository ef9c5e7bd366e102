import { cloneJson, isEqual } from '../json.js';
import type { ApiObject } from '../object.js';
import { timestamp } from '../writes/object-meta.js';
import { type Definition, type DefinitionNames, isTrue, setCondition } from './definition-object.js';

/**
 * A definition as the controllers of names and establishing leave it: with the names that it may have, and conditions.
 *
 * Source: apiextensions-apiserver, pkg/controller/status/naming_controller.go, pkg/controller/establish
 *
 * @param others  all other definitions
 * @param now  milliseconds since the epoch
 */
export function definitionStatus(object: ApiObject, others: readonly ApiObject[], now: number): ApiObject {
  const definition = cloneJson(object) as Definition;
  if (isEqual(definition.spec.names, definition.status?.acceptedNames)) return definition;
  const time = timestamp(now);
  const { names, conflict } = acceptedNames(definition, others as readonly Definition[]);
  definition.status = { ...definition.status, acceptedNames: names };
  if (conflict) {
    setCondition(definition, { type: 'NamesAccepted', status: 'False', ...conflict }, time);
    if (!isTrue(definition, 'Established')) {
      const why = { reason: 'NotAccepted', message: 'not all names are accepted' };
      setCondition(definition, { type: 'Established', status: 'False', ...why }, time);
    }
    return definition;
  }
  const why = { reason: 'NoConflicts', message: 'no conflicts found' };
  setCondition(definition, { type: 'NamesAccepted', status: 'True', ...why }, time);
  if (!isTrue(definition, 'Established')) {
    const established = { reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' };
    setCondition(definition, { type: 'Established', status: 'True', ...established }, time);
  }
  return definition;
}

interface Accepted {
  readonly names: DefinitionNames;
  /** The last conflict that was found. */
  readonly conflict?: { reason: string; message: string };
}

function acceptedNames({ spec, status }: Definition, others: readonly Definition[]): Accepted {
  const group = others.filter((other) => other.spec.group === spec.group).map((other) => other.status?.acceptedNames);
  const resources = new Set(group.flatMap((names) => [names?.plural, names?.singular, ...(names?.shortNames ?? [])]));
  const kinds = new Set(group.flatMap((names) => [names?.kind, names?.listKind]));
  const wanted = spec.names;
  const had: Partial<DefinitionNames> = status?.acceptedNames ?? {};
  let conflict: Accepted['conflict'];
  const refuse = (reason: string, ...used: string[]): void => {
    const messages = used.map((name) => `${JSON.stringify(name)} is already in use`);
    conflict = { reason, message: messages.length > 1 ? `[${messages.join(', ')}]` : messages[0]! };
  };
  const choose = (
    field: 'plural' | 'singular' | 'kind' | 'listKind',
    used: ReadonlySet<string | undefined>,
    reason: string,
  ): string => {
    const name = wanted[field] ?? '';
    if (name === (had[field] ?? '') || !used.has(name)) return name;
    refuse(reason, name);
    return had[field] ?? '';
  };
  const plural = choose('plural', resources, 'PluralConflict');
  const singular = choose('singular', resources, 'SingularConflict');
  const taken = (wanted.shortNames ?? []).filter((name) => !had.shortNames?.includes(name) && resources.has(name));
  if (taken.length > 0) refuse('ShortNamesConflict', ...taken);
  const shortNames = taken.length > 0 ? had.shortNames : wanted.shortNames;
  const kind = choose('kind', kinds, 'KindConflict');
  const listKind = choose('listKind', kinds, 'ListKindConflict');
  const names: DefinitionNames = {
    plural,
    ...(singular !== '' && { singular }),
    ...(shortNames && { shortNames }),
    kind,
    ...(listKind !== '' && { listKind }),
    ...(wanted.categories && { categories: wanted.categories }),
  };
  return { names, ...(conflict && { conflict }) };
}
