/** One field that is wrong, as in `details.causes` of an Invalid answer. */
export interface StatusCause {
  /** Such as `FieldValueInvalid`, `FieldValueRequired`, `FieldManagerConflict`; admission gives none. */
  reason?: string;
  message: string;
  /** Path of the field, such as `spec.replicas`. */
  field?: string;
}

/** What an error is about, as in `details` of a Status. */
export interface StatusDetails {
  name?: string;
  group?: string;
  /** The resource (`deployments`), or for Invalid the kind. */
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

/** An error that is answered as a `Status` object; whatever else is thrown is a 500. */
export class StatusError extends Error {
  override readonly name = 'StatusError';

  /** Metadata of the Status; only a list that goes on after its version is forgotten has some. */
  listMetadata: { continue?: string } = {};

  /**
   * @param code  of the HTTP answer
   * @param reason  such as `NotFound`; empty for none
   */
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
    readonly details?: StatusDetails,
  ) {
    super(message);
  }

  /** The body of the answer. */
  toStatus(): object {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: this.listMetadata,
      status: 'Failure',
      message: this.message,
      ...(this.reason !== '' && { reason: this.reason }),
      ...(this.details && { details: this.details }),
      code: this.code,
    };
  }
}

/** What names a resource in an error. */
export interface Named {
  group: string;
  plural: string;
}

/** `deployments.apps`, `pods`. */
function qualifiedResource({ group, plural }: Named): string {
  return group === '' ? plural : `${plural}.${group}`;
}

const aboutResource = (resource: Named, name: string): StatusDetails => ({
  name,
  ...(resource.group !== '' && { group: resource.group }),
  kind: resource.plural,
});

/** 404 for an object. */
export function notFound(resource: Named, name: string): StatusError {
  return new StatusError(
    404,
    'NotFound',
    `${qualifiedResource(resource)} "${name}" not found`,
    aboutResource(resource, name),
  );
}

/** 409: the name is taken. */
export function alreadyExists(resource: Named, name: string): StatusError {
  return new StatusError(
    409,
    'AlreadyExists',
    `${qualifiedResource(resource)} "${name}" already exists`,
    aboutResource(resource, name),
  );
}

/** 409: the object has changed, or may not be changed now. */
export function conflict(resource: Named, name: string, why: string): StatusError {
  return new StatusError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualifiedResource(resource)} "${name}": ${why}`,
    aboutResource(resource, name),
  );
}

/** 400. */
export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message);
}

/** 403. */
export function forbidden(resource: Named, name: string, why: string): StatusError {
  const what = name === '' ? qualifiedResource(resource) : `${qualifiedResource(resource)} "${name}"`;
  return new StatusError(403, 'Forbidden', `${what} is forbidden: ${why}`, aboutResource(resource, name));
}

/** One violation found by validation, in the forms of `field.Error` of apimachinery. */
export interface FieldError {
  /** `Invalid value`, `Required value` …: the kind of violation, see {@link causeReasons}. */
  type: keyof typeof causeReasons;
  /** Such as `spec.containers[0].name`. */
  field: string;
  /** Printed for the types that show the value. */
  value?: unknown;
  detail: string;
}

/** How a type of violation is called in `details.causes`. */
const causeReasons = {
  'Invalid value': 'FieldValueInvalid',
  'Required value': 'FieldValueRequired',
  'Duplicate value': 'FieldValueDuplicate',
  'Unsupported value': 'FieldValueNotSupported',
  'Too long': 'FieldValueTooLong',
  'Too many': 'FieldValueTooMany',
  'Not found': 'FieldValueNotFound',
  Forbidden: 'FieldValueForbidden',
  'Internal error': 'InternalError',
  'Invalid type': 'FieldValueTypeInvalid',
} as const;

/** The violation without its field: `Invalid value: "x": must be …`. */
export function errorBody({ type, value, detail }: FieldError): string {
  const shown = withoutValue.has(type) || value === undefined ? '' : `: ${valueText(value)}`;
  const name = type === 'Invalid type' ? 'Invalid value' : type;
  return `${name}${shown}${detail === '' ? '' : `: ${detail}`}`;
}

/** Texts are quoted; other values are JSON as Go writes it. */
function valueText(value: unknown): string {
  const text = JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return text;
  return text.replace(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
}

const withoutValue = new Set<FieldError['type']>(['Required value', 'Forbidden', 'Too long', 'Internal error']);

/** 422 with a cause for each violation; their texts in the message, each once. */
export function invalid(
  kind: { group: string; kind: string },
  name: string | undefined,
  errors: readonly FieldError[],
): StatusError {
  const texts = [...new Set(errors.map((error) => `${error.field}: ${errorBody(error)}`))];
  const list = texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`;
  const qualified = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  return new StatusError(422, 'Invalid', `${qualified} ${JSON.stringify(name ?? '')} is invalid: ${list}`, {
    ...(name && { name }),
    ...(kind.group !== '' && { group: kind.group }),
    ...(kind.kind !== '' && { kind: kind.kind }),
    causes: errors.map((error) => ({
      reason: causeReasons[error.type],
      message: errorBody(error),
      field: error.field,
    })),
  });
}

/** 405. */
export function methodNotAllowed(): StatusError {
  return new StatusError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  );
}
