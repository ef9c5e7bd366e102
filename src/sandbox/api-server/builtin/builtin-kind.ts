import { badRequest } from '../errors.js';
import type { ApiObject } from '../object.js';
import type { ServedResource, Strategy } from '../resource.js';
import type { OpenApiSchema } from '../schema.js';
import { type CanonicalForms, DecodingError } from './canonical-form.js';
import { nameAndAge, type TableForm } from './table-form.js';

/** What a built-in kind is, without what follows from it. */
export interface BuiltinKind {
  /** Empty for core. */
  readonly group: string;
  /** Default: `v1`. */
  readonly version?: string;
  readonly kind: string;
  /** Default: the kind in lower case with `s`. */
  readonly plural?: string;
  /** Default: true. */
  readonly namespaced?: boolean;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  /** Default: all. */
  readonly verbs?: readonly string[];
  readonly subresources?: readonly string[];
  /** Default: `group/plural`. */
  readonly storageKey?: string;
  readonly strategy?: Strategy;
  /** Default: name and age. */
  readonly table?: TableForm;
  readonly answer?: ServedResource['answer'];
}

const allVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** Verbs of kinds that are only asked: nothing is stored. */
export const createOnly: readonly string[] = ['create'];

/** Verbs of a kind whose collection cannot be deleted. */
export const withoutDeleteCollection: readonly string[] = allVerbs.filter((verb) => verb !== 'deletecollection');

/**
 * Serves a built-in kind.
 *
 * @param schemas  by `group/version/kind`, see `src/sandbox/data`
 */
export function serve(
  kind: BuiltinKind,
  schemas: ReadonlyMap<string, OpenApiSchema>,
  forms: CanonicalForms,
): ServedResource {
  const { group, version = 'v1', table = nameAndAge } = kind;
  const singular = kind.kind.toLowerCase();
  const plural = kind.plural ?? `${singular}s`;
  const schema = schemas.get(`${group}/${version}/${kind.kind}`);
  if (schema === undefined) throw new Error(`no schema of ${group}/${version} ${kind.kind}`);
  return {
    group,
    version,
    plural,
    singular,
    kind: kind.kind,
    listKind: `${kind.kind}List`,
    namespaced: kind.namespaced ?? true,
    shortNames: kind.shortNames ?? [],
    categories: kind.categories ?? [],
    verbs: kind.verbs ?? allVerbs,
    schema,
    storageKey: kind.storageKey ?? `${group}/${plural}`,
    subresources: new Set(kind.subresources),
    strategy: canonical(kind.strategy ?? {}, forms, { group, version, kind: kind.kind }),
    columns: table.columns,
    cells: (object, now) => table.cells(object, now),
    custom: false,
    ...(kind.answer && { answer: kind.answer }),
  };
}

/** The strategy of a kind whose objects always have their canonical form. */
function canonical(
  own: Strategy,
  forms: CanonicalForms,
  kind: { group: string; version: string; kind: string },
): Strategy {
  const form = (object: ApiObject): void => forms.apply(object, kind);
  const decode = (object: ApiObject): void => {
    try {
      forms.check(object, kind);
      form(object);
    } catch (error) {
      if (!(error instanceof DecodingError)) throw error;
      const what = `${kind.kind} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}`;
      throw badRequest(`${what}: ${error.message}`);
    }
  };
  return {
    ...own,
    setDefaults: (object) => {
      decode(object);
      own.setDefaults?.(object);
    },
    prepareForCreate: (object, context) => {
      own.prepareForCreate?.(object, context);
      // What was reset has its empty form again.
      form(object);
    },
    prepareForUpdate: (object, old, context) => {
      own.prepareForUpdate?.(object, old, context);
      form(object);
    },
  };
}
