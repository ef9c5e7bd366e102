/** Who asks for a write: a spec of an AmbientMigration. */
export interface Asker {
  /** `metadata.generation` of the AmbientMigration. */
  readonly generation: number;
  /** The first characters of its uid: one that is deleted and made anew begins at generation 1 again. */
  readonly migration: string;
}

/** What a mark of ours says about who asked for it, and which of their attempts it was. */
export interface Attempt {
  readonly generation: number;
  /** Absent from marks of older versions. */
  readonly migration?: string | undefined;
  readonly attempt: number;
}

/** Whether a mark is from this asker. One of an older version is taken for theirs, so that an upgrade begins nothing anew. */
export function isAskedBy(mark: Attempt, { generation, migration }: Asker): boolean {
  return mark.generation === generation && (mark.migration ?? migration) === migration;
}

/**
 * How many attempts of this asker a mark stands for. One of an older version may be from another, and stands for one at most: so an
 * upgrade gives everybody one more, and nobody two.
 */
export function attemptsOf(mark: Attempt | undefined, asker: Asker): number {
  if (!mark || !isAskedBy(mark, asker)) return 0;
  return mark.migration === undefined ? Math.min(mark.attempt, 1) : mark.attempt;
}
