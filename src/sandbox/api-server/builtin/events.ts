import { type FieldError, invalid as invalidObject } from '../errors.js';
import { qualifiedName } from '../writes/names.js';
import type { ApiObject } from '../object.js';
import type { BuiltinKind } from './builtin-kind.js';
import { immutable, invalid, named, required } from './field-errors.js';
import { age, column, nameColumn, type TableForm, wideColumn } from './table-form.js';

/** An event in the form of core/v1, which is the form in which it is stored. */
interface CoreEvent extends ApiObject {
  involvedObject?: Record<string, string>;
  reason?: string;
  message?: string;
  source?: { component?: string; host?: string };
  firstTimestamp?: string | null;
  lastTimestamp?: string | null;
  eventTime?: string | null;
  count?: number;
  type?: string;
  series?: { count?: number; lastObservedTime?: string };
  action?: string;
  reportingComponent?: string;
  reportingInstance?: string;
}

const eventsGroup = 'events.k8s.io/v1';
const namespacesOfClusterEvents = ['default', 'kube-system'];

/** Fields that the newer group calls otherwise. */
const renamed: Readonly<Record<string, string>> = {
  involvedObject: 'regarding',
  message: 'note',
  source: 'deprecatedSource',
  firstTimestamp: 'deprecatedFirstTimestamp',
  lastTimestamp: 'deprecatedLastTimestamp',
  count: 'deprecatedCount',
  reportingComponent: 'reportingController',
};
const coreNames: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(renamed).map(([core, other]) => [other, core]),
);

function rename(event: ApiObject, apiVersion: string, names: Readonly<Record<string, string>>): ApiObject {
  const fields = Object.entries(event).map(([field, value]) => [names[field] ?? field, value]);
  return { ...(Object.fromEntries(fields) as ApiObject), apiVersion };
}

function asCore(event: ApiObject): CoreEvent {
  return event.apiVersion === eventsGroup ? rename(event, 'v1', coreNames) : event;
}

/** Whether a namespace and the object that an event is about belong together. */
function validateNamespace({ metadata, involvedObject, eventTime }: CoreEvent): FieldError[] {
  const about = involvedObject?.namespace ?? '';
  const own = metadata.namespace ?? '';
  const clusterWide = eventTime ? namespacesOfClusterEvents : ['default'];
  const fine = about === '' ? own === '' || clusterWide.includes(own) : Boolean(eventTime) || about === own;
  return fine ? [] : [invalid('involvedObject.namespace', about, 'does not match event.namespace')];
}

/** `legacyValidateEvent`: what holds in both groups. */
function validateCore(event: CoreEvent, controllerField: string): FieldError[] {
  const { eventTime, reportingComponent = '', reportingInstance, action, reason } = event;
  if (!eventTime) return validateNamespace(event);
  const limited = (field: string, value: string | undefined, limit: number): FieldError[] =>
    (value?.length ?? 0) > limit ? [invalid(field, '', `can have at most ${limit} characters`)] : [];
  return [
    ...validateNamespace(event),
    ...(reportingComponent === '' ? [required(controllerField)] : []),
    ...named(controllerField, reportingComponent, qualifiedName),
    ...(reportingInstance ? [] : [required('reportingInstance')]),
    ...limited('reportingInstance', reportingInstance, 128),
    ...(action ? [] : [required('action')]),
    ...limited('action', action, 128),
    ...(reason ? [] : [required('reason')]),
    ...limited('reason', reason, 128),
    ...limited('message', event.message, 1024),
  ];
}

function validateSeries({ series }: CoreEvent): FieldError[] {
  if (series === undefined) return [];
  return [
    ...((series.count ?? 0) < 2 ? [invalid('series.count', '', 'should be at least 2')] : []),
    ...(series.lastObservedTime ? [] : [required('series.lastObservedTime')]),
  ];
}

/** The newer group is strict: nothing of the old form may be set. */
function validateStrict(event: CoreEvent): FieldError[] {
  const { type = '', source } = event;
  const unset = (field: string, set: boolean): FieldError[] => (set ? [invalid(field, '', 'needs to be unset')] : []);
  return [
    ...validateCore(event, 'reportingController'),
    ...validateSeries(event),
    ...(event.eventTime ? [] : [required('eventTime')]),
    ...(['Normal', 'Warning'].includes(type) ? [] : [invalid('type', '', `has invalid value: ${type}`)]),
    ...unset('firstTimestamp', Boolean(event.firstTimestamp)),
    ...unset('lastTimestamp', Boolean(event.lastTimestamp)),
    ...unset('count', Boolean(event.count)),
    ...unset('source', Boolean(source?.component ?? source?.host)),
  ];
}

const fixedFields = [
  'involvedObject',
  'reason',
  'message',
  'source',
  'firstTimestamp',
  'lastTimestamp',
  'count',
  'type',
  'eventTime',
  'action',
  'related',
  'reportingComponent',
  'reportingInstance',
];

/** Only the series of an event of the newer group may change. */
function validateStrictUpdate(event: CoreEvent, old: CoreEvent): FieldError[] {
  const seriesChanged = immutable('series', event.series, old.series).length > 0;
  return [
    ...validateCore(event, 'reportingController'),
    ...(seriesChanged ? validateSeries(event) : []),
    ...fixedFields.flatMap((field) =>
      immutable(field === 'reportingComponent' ? 'reportingController' : field, event[field], old[field]),
    ),
  ];
}

const objectFields = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];

function selectableFields(event: ApiObject): Record<string, string> {
  const { involvedObject = {}, reason = '', reportingComponent = '', source, type = '' } = asCore(event);
  return {
    ...Object.fromEntries(objectFields.map((field) => [`involvedObject.${field}`, involvedObject[field] ?? ''])),
    reason,
    reportingComponent,
    source: source?.component || reportingComponent,
    type,
  };
}

/** The newer group's names of the same fields. */
function newerSelectableFields(event: ApiObject): Record<string, string> {
  const fields = Object.entries(selectableFields(event)).map(([field, value]) => [
    field.replace('involvedObject.', 'regarding.').replace('reportingComponent', 'reportingController'),
    value,
  ]);
  return Object.fromEntries(fields) as Record<string, string>;
}

const nothing = { apiVersion: 'v1' } as ApiObject;

/** Upstream has one kind inside: messages of both groups name that of the core group. */
function refuse({ metadata: { name } }: ApiObject, errors: FieldError[]): FieldError[] {
  if (errors.length > 0) throw invalidObject({ group: '', kind: 'Event' }, name, errors);
  return [];
}

function seenAt({ firstTimestamp, lastTimestamp, eventTime, series }: CoreEvent, now: number): [string, string] {
  const first = age(firstTimestamp ?? eventTime, now);
  if (series) return [first, age(series.lastObservedTime, now)];
  return [first, lastTimestamp ? age(lastTimestamp, now) : first];
}

const table: TableForm = {
  columns: [
    column('Last Seen', 'The time at which the most recent occurrence of this event was recorded.'),
    column('Type', 'Type of this event (Normal, Warning), new types could be added in the future'),
    column('Reason', 'Why the action was taken.'),
    column('Object', 'The object that this event is about.'),
    wideColumn('Subobject', 'The part of the object.'),
    wideColumn('Source', 'The component reporting this event.'),
    column('Message', 'A human-readable description of the status of this operation.'),
    wideColumn('First Seen', 'The time at which the event was first recorded.'),
    wideColumn('Count', 'The number of times this event has occurred.'),
    { ...nameColumn, priority: 1 },
  ],
  cells: (stored, now) => {
    const event = asCore(stored);
    const { involvedObject: about = {}, source, reportingComponent, reportingInstance, series } = event;
    const [first, last] = seenAt(event, now);
    const component = source?.component || reportingComponent || '';
    const instance = source?.host || reportingInstance || '';
    return [
      last,
      event.type ?? '',
      event.reason ?? '',
      [about.kind?.toLowerCase() ?? '', about.name].filter(Boolean).join('/'),
      about.fieldPath ?? '',
      instance === '' ? component : `${component}, ${instance}`,
      (event.message ?? '').trim(),
      first,
      series?.count ?? (event.count || 1),
      event.metadata.name,
    ];
  },
};

/** `v1` Event. */
export const coreEvents: BuiltinKind = {
  group: '',
  kind: 'Event',
  shortNames: ['ev'],
  storageKey: '/events',
  strategy: {
    createOnUpdate: true,
    selectableFieldNames: Object.keys(selectableFields(nothing)),
    selectableFields,
    validate: (event) => validateCore(event, 'reportingComponent'),
    validateUpdate: (event) => validateCore(event, 'reportingComponent'),
  },
  table,
};

/** `events.k8s.io/v1` Event: the same objects under other field names. */
export const events: BuiltinKind = {
  group: 'events.k8s.io',
  kind: 'Event',
  shortNames: ['ev'],
  storageKey: '/events',
  strategy: {
    createOnUpdate: true,
    selectableFieldNames: Object.keys(newerSelectableFields(nothing)),
    selectableFields: newerSelectableFields,
    fromStorage: (event) => rename(event, eventsGroup, renamed),
    toStorage: asCore,
    validate: (event) => refuse(event, validateStrict(asCore(event))),
    validateUpdate: (event, old) => refuse(event, validateStrictUpdate(asCore(event), asCore(old))),
  },
  table,
};
