import { describe, expect, it } from 'vitest';
import { observed } from '../../../test/support/observed.js';
import { LABEL } from '../../api/labels.js';
import type { FieldChange } from '../../kube/patch.js';
import type { Asker } from './attempts.js';
import {
  enrolChanges,
  enrolmentMark,
  leaveChanges,
  markChange,
  nextMark,
  restoreInjectionChanges,
} from './enrolment.js';
import type { Observed } from './observed.js';
import { snapshotData } from './plan.js';
import type { Snapshot } from './snapshot.js';

type Labels = Record<string, string>;

const MARK = 'sidestep.dev/enrolled';
const ENROLLED: Labels = { [LABEL.injection]: 'disabled', [LABEL.dataplaneMode]: 'ambient' };

/** Injection was enabled when it was taken. */
const snapshot: Snapshot = {
  name: 'sidestep-before',
  createdAt: '2026-11-21T09:30:00Z',
  data: snapshotData(observed()),
  restored: false,
};

/** A namespace and what is written on it, without the API server. */
class World {
  migration = 'aaaaaaaa';

  constructor(
    public labels: Labels,
    public annotations: Labels = {},
  ) {}

  /** Of the next write. */
  get attempt(): number {
    return nextMark(this.seen, this.#asker, []).attempt;
  }

  get #asker(): Asker {
    return { generation: 1, migration: this.migration };
  }

  get seen(): Observed {
    return observed({ snapshot, labels: this.labels, annotations: this.annotations });
  }

  /** The label changes of a pass, with the mark that goes with them. */
  write(changes: readonly FieldChange[]): this {
    const mark = nextMark(this.seen, this.#asker, changes);
    return this.#patch([...changes, markChange(mark)]);
  }

  enrol(): this {
    return this.write(enrolChanges(this.seen));
  }

  /** What is left after the whole way back. */
  rollBack(): Labels {
    const changes = restoreInjectionChanges(this.seen);
    if (changes.length > 0) this.write(changes);
    this.#patch(leaveChanges(this.seen));
    expect(this.annotations).toEqual({});
    return this.labels;
  }

  person(changes: Record<string, string | undefined>): this {
    return this.#patch(Object.entries(changes).map(([key, value]) => ({ path: ['metadata', 'labels', key], value })));
  }

  #patch(changes: readonly FieldChange[]): this {
    for (const { path, value } of changes) {
      const field = path[1] === 'labels' ? 'labels' : 'annotations';
      const { [path[2] ?? '']: _, ...others } = this[field];
      this[field] = typeof value === 'string' ? { ...others, [path[2] ?? '']: value } : others;
    }
    return this;
  }
}

describe('a rollback', () => {
  it('brings back what the labels were when they were set, not when the snapshot was taken', () => {
    const labels = { [LABEL.revision]: 'default', [LABEL.dataplaneMode]: 'none' };
    const world = new World(labels).enrol();
    expect(world.labels).toEqual({ ...ENROLLED, [LABEL.revision]: 'default' });
    expect(world.rollBack()).toEqual(labels);
  });

  it('leaves labels that somebody had set by himself before us', () => {
    const disabled = { [LABEL.injection]: 'disabled' };
    expect(new World(disabled).enrol().rollBack()).toEqual(disabled);
  });

  it('brings back what somebody has set in between, and we have replaced once more', () => {
    const world = new World({ [LABEL.injection]: 'enabled' }).enrol();
    world.person({ [LABEL.dataplaneMode]: 'none' }).enrol();
    expect(world.labels).toEqual(ENROLLED);
    expect(world.rollBack()).toEqual({ [LABEL.injection]: 'enabled', [LABEL.dataplaneMode]: 'none' });
  });

  it('does not take what we have set for what was before, also when it turns round half-way', () => {
    const world = new World({ [LABEL.injection]: 'enabled' }).enrol();
    world.write(restoreInjectionChanges(world.seen)).enrol();
    expect(world.labels).toEqual(ENROLLED);
    expect(world.rollBack()).toEqual({ [LABEL.injection]: 'enabled' });
  });

  it('goes by the snapshot where an older version has set the labels, also if one of them is set again', () => {
    const old = { [MARK]: '1.1' };
    expect(new World(ENROLLED, old).rollBack()).toEqual({ [LABEL.injection]: 'enabled' });
    const reverted = new World(ENROLLED, old).person({ [LABEL.dataplaneMode]: 'none' }).enrol();
    expect(reverted.rollBack()).toEqual({ [LABEL.injection]: 'enabled', [LABEL.dataplaneMode]: 'none' });
  });
});

describe('attempts', () => {
  it('are counted for each AmbientMigration by itself: one that is made anew has the same generation', () => {
    const world = new World({ [LABEL.injection]: 'enabled' }).enrol();
    expect(world.attempt).toBe(2);
    world.migration = 'bbbbbbbb';
    expect(world.attempt).toBe(1);
    expect(world.enrol().rollBack()).toEqual({ [LABEL.injection]: 'enabled' });
  });

  it('of an older version leave one more', () => {
    expect(new World({}, { [MARK]: '1.2' }).attempt).toBe(2);
    expect(new World({}, { [MARK]: '2.2' }).attempt).toBe(1);
  });
});

describe('the mark', () => {
  const markOf = (value: string | undefined): unknown =>
    enrolmentMark(observed({ annotations: value === undefined ? {} : { [MARK]: value } }).namespace);

  it('is read back as it was written', () => {
    const mark = {
      generation: 12,
      migration: 'aaaaaaaa',
      attempt: 2,
      before: { [LABEL.injection]: 'enabled', [LABEL.dataplaneMode]: null },
    };
    expect(markOf(markChange(mark).value as string)).toEqual(mark);
  });

  it('of an older version says nothing about what was before', () => {
    expect(markOf('3.2')).toEqual({ generation: 3, attempt: 2 });
  });

  it.each([undefined, '', '1', '1.1.1', 'true', '{}', '{"generation":1}', '{"generation":1,"attempt":1,"before":[]}'])(
    'is not made of %s',
    (text) => {
      expect(markOf(text)).toBeUndefined();
    },
  );
});
