import type { ApiObject } from '../object.js';
import type { Column } from '../resource.js';

/** How a kind is printed as a table. */
export interface TableForm {
  readonly columns: readonly Column[];
  /** Cells for {@link columns}, in their order; `now` in milliseconds since the epoch. */
  cells(object: ApiObject, now: number): unknown[];
}

/** `metadata.name` as the API's documentation describes it. */
const nameDescription =
  'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names';

const creationDescription =
  'CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata';

/** The column that kubectl makes `kind/name` of. */
export const nameColumn: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: nameDescription,
  priority: 0,
};

/** A column of text that is always shown. */
export function column(name: string, description: string, type = 'string'): Column {
  return { name, type, format: '', description, priority: 0 };
}

/** A column that `-o wide` shows. */
export function wideColumn(name: string, description: string, type = 'string'): Column {
  return { ...column(name, description, type), priority: 1 };
}

/** How long an object has been there. */
export const ageColumn = column('Age', creationDescription);

/** Kinds that the API server has no printer for show when they were created. */
const createdAtColumn: Column = { ...column('Created At', creationDescription), type: 'date' };

const unit = { second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

/**
 * A time span as kubectl prints it (`HumanDuration` of apimachinery): two units below ten of the greater one.
 *
 * @param ms  milliseconds; a negative one is of a clock that runs ahead: `0s`, or `<invalid>` from two seconds on
 */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / unit.second);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.trunc(ms / unit.minute);
  if (minutes < 10) return join(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(ms / unit.hour);
  if (hours < 8) return join(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.trunc(hours / 24);
  if (hours < 24 * 8) return join(days, 'd', hours % 24, 'h');
  if (hours < 24 * 365 * 2) return `${days}d`;
  const years = Math.trunc(days / 365);
  if (hours < 24 * 365 * 8) return join(years, 'y', days % 365, 'd');
  return `${years}y`;
}

function join(great: number, greatUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${great}${greatUnit}` : `${great}${greatUnit}${small}${smallUnit}`;
}

/** How long ago a time was; `<unknown>` where there is none. */
export function age(time: unknown, now: number): string {
  return typeof time === 'string' ? humanDuration(now - Date.parse(time)) : '<unknown>';
}

/** Kinds that are printed with the time of their creation. */
export const nameAndCreation: TableForm = {
  columns: [nameColumn, createdAtColumn],
  cells: ({ metadata }) => [metadata.name, metadata.creationTimestamp],
};

/** Name and age. */
export const nameAndAge: TableForm = {
  columns: [nameColumn, ageColumn],
  cells: ({ metadata }, now) => [metadata.name, age(metadata.creationTimestamp, now)],
};
