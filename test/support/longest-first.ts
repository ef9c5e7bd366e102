import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take minutes, the longest first: whoever began them last would wait for them alone. */
const LONGEST = [
  'test/e2e/e2e-migrations.test.ts',
  'test/e2e/e2e-waypoints.test.ts',
  'test/controlplane/every-write.test.ts',
  'test/e2e/readme.test.ts',
];

/** The files that begin, whatever was measured before; then the others in the order of Vitest, project by project. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const longest = LONGEST.flatMap((path) => sorted.filter(({ moduleId }) => moduleId.endsWith(path)));
    return [...longest, ...sorted.filter((file) => !longest.includes(file))];
  }
}
