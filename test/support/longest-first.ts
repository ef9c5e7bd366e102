import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take minutes: whoever began them last would wait for them alone. */
const LONGEST = ['test/e2e/e2e.test.ts'];

/** The files that begin, whatever was measured before; then the others in the order of Vitest, project by project. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean => LONGEST.some((path) => moduleId.endsWith(path));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}
