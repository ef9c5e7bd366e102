import type { FieldError } from '../errors.js';
import type { ApiObject } from '../object.js';
import type { BuiltinKind } from './builtin-kind.js';
import { invalid, nonNegativeFields, oneOf, required, unsupported } from './field-errors.js';
import { type JobSpec, validateJobSpec } from './jobs.js';
import { defaultPodSpec } from './pod-spec-defaults.js';
import { fill } from './pod-spec.js';
import { age, ageColumn, column, nameColumn, wideColumn } from './table-form.js';
import { containerCells, containerColumns, specOf } from './workloads.js';

interface CronJobSpec {
  schedule?: string;
  timeZone?: string;
  concurrencyPolicy?: string;
  suspend?: boolean;
  successfulJobsHistoryLimit?: number;
  failedJobsHistoryLimit?: number;
  jobTemplate: { spec: JobSpec };
}

/** Fields of a schedule: their limits, and the names that may stand for numbers. */
const scheduleFields = [
  { least: 0, most: 59 },
  { least: 0, most: 23 },
  { least: 1, most: 31 },
  { least: 1, most: 12, names: 'jan feb mar apr may jun jul aug sep oct nov dec' },
  { least: 0, most: 6, names: 'sun mon tue wed thu fri sat' },
];

/** Why a schedule is none, in the words of Go's cron library (`robfig/cron`); undefined: it is one. */
function scheduleProblem(schedule: string): string | undefined {
  if (schedule.startsWith('@')) {
    const known = /^@(yearly|annually|monthly|weekly|daily|midnight|hourly|every \S+)$/.test(schedule);
    return known ? undefined : `unrecognized descriptor: ${schedule}`;
  }
  const fields = schedule.trim().split(/\s+/);
  const count = scheduleFields.length;
  if (fields.length !== count) return `expected exactly ${count} fields, found ${fields.length}: [${fields.join(' ')}]`;
  return fields.flatMap((field, index) => field.split(',').map((part) => partProblem(part, index))).find(Boolean);
}

/** Why one part of a field is none: `*`, `5`, `1-5`, each with a step. */
function partProblem(part: string, index: number): string | undefined {
  const { least, most, names = '' } = scheduleFields[index]!;
  const [range = '', step, ...more] = part.split('/');
  if (more.length > 0) return `too many slashes: ${part}`;
  const number = (text: string): number => {
    const named = names.split(' ').indexOf(text.toLowerCase());
    return names !== '' && named >= 0 ? named + least : /^\d+$/.test(text) ? Number(text) : NaN;
  };
  const [first = '', last, ...others] = range.split('-');
  if (others.length > 0) return `too many hyphens: ${part}`;
  const open = range === '*' || range === '?';
  const start = open ? least : number(first);
  const end = open ? most : last === undefined ? (step === undefined ? start : most) : number(last);
  const unreadable = Number.isNaN(start) ? first : Number.isNaN(end) ? last : undefined;
  if (unreadable !== undefined) {
    return `failed to parse int from ${unreadable}: strconv.Atoi: parsing ${JSON.stringify(unreadable)}: invalid syntax`;
  }
  if (start < least) return `beginning of range (${start}) below minimum (${least}): ${part}`;
  if (end > most) return `end of range (${end}) above maximum (${most}): ${part}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${part}`;
  return step !== undefined && Number(step) === 0 ? `step of range should be a positive number: ${part}` : undefined;
}

function validateSchedule({ schedule }: CronJobSpec): FieldError[] {
  if (!schedule) return [required('spec.schedule')];
  const problem = schedule.includes('TZ') ? undefined : scheduleProblem(schedule);
  return [
    ...(problem === undefined ? [] : [invalid('spec.schedule', schedule, problem)]),
    ...(schedule.includes('TZ')
      ? [invalid('spec.schedule', schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead')]
      : []),
  ];
}

function validateTimeZone({ timeZone }: CronJobSpec): FieldError[] {
  if (timeZone === undefined || isTimeZone(timeZone)) return [];
  return [invalid('spec.timeZone', timeZone, `unknown time zone ${timeZone}`)];
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function validate(object: ApiObject): FieldError[] {
  const spec = specOf<CronJobSpec>(object);
  const { selector, manualSelector } = spec.jobTemplate.spec;
  const path = 'spec.jobTemplate.spec';
  return [
    ...validateSchedule(spec),
    ...nonNegativeFields('spec', spec, 'startingDeadlineSeconds'),
    ...validateTimeZone(spec),
    ...oneOf('spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace']),
    ...validateJobSpec(spec.jobTemplate.spec, path),
    ...(selector ? [invalid(`${path}.selector`, selector, '`selector` will be auto-generated')] : []),
    ...(manualSelector ? [unsupported(`${path}.manualSelector`, manualSelector, ['nil', 'false'])] : []),
    ...nonNegativeFields('spec', spec, 'successfulJobsHistoryLimit', 'failedJobsHistoryLimit'),
  ];
}

/** `batch/v1` CronJob. */
export const cronJobs: BuiltinKind = {
  group: 'batch',
  kind: 'CronJob',
  shortNames: ['cj'],
  categories: ['all'],
  subresources: ['status'],
  strategy: {
    hasGeneration: true,
    setDefaults: (object) => {
      const spec = specOf<CronJobSpec>(object);
      fill(spec, {
        concurrencyPolicy: 'Allow',
        suspend: false,
        successfulJobsHistoryLimit: 3,
        failedJobsHistoryLimit: 1,
      });
      const template = spec.jobTemplate?.spec?.template?.spec;
      if (template) defaultPodSpec(template);
    },
    validate,
    validateUpdate: (object, _old, { subresource }) => (subresource === 'status' ? [] : validate(object)),
  },
  table: {
    columns: [
      nameColumn,
      column('Schedule', 'The schedule in Cron format, see https://en.wikipedia.org/wiki/Cron.'),
      column(
        'Timezone',
        'The time zone name for the given schedule, see https://en.wikipedia.org/wiki/List_of_tz_database_time_zones.',
      ),
      column(
        'Suspend',
        'This flag tells the controller to suspend subsequent executions, it does not apply to already started executions.',
        'boolean',
      ),
      column('Active', 'A list of pointers to currently running jobs.', 'integer'),
      column('Last Schedule', 'Information when was the last time the job was successfully scheduled.'),
      ageColumn,
      ...containerColumns,
      wideColumn('Selector', 'A label query over pods that should match the pod count.'),
    ],
    cells: (object, now) => {
      const spec = specOf<CronJobSpec>(object);
      const status = (object.status ?? {}) as { active?: unknown[]; lastScheduleTime?: string };
      return [
        object.metadata.name,
        spec.schedule,
        spec.timeZone ?? '<none>',
        spec.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False',
        status.active?.length ?? 0,
        status.lastScheduleTime === undefined ? '<none>' : age(status.lastScheduleTime, now),
        age(object.metadata.creationTimestamp, now),
        ...containerCells(spec.jobTemplate?.spec?.template),
        '<none>',
      ];
    },
  },
};
