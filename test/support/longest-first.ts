import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take minutes, the longest first: whoever began them last would wait for them alone. */
const LONGEST = ['test/e2e/e2e.test.ts', 'test/controlplane/every-write.test.ts', 'test/e2e/readme.test.ts'];

/** The project whose files run one at a time: two of them beside each other are one that waits. */
const ONE_AT_A_TIME = 'conformance';

/**
 * The files that begin, whatever was measured before; then the others in the order of Vitest, project by project. Files that run one at
 * a time are spread among the rest.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => LONGEST.findIndex((path) => moduleId.endsWith(path));
    const sorted = await super.sort(files);
    const others = sorted.filter((file) => rank(file) === -1);
    const first = sorted.filter((file) => rank(file) !== -1).sort((a, b) => rank(a) - rank(b));
    const single = others.filter(({ project }) => project.name === ONE_AT_A_TIME);
    return spread(single, [...first, ...others.filter((file) => !single.includes(file))]);
  }
}

/** One of the first list after each of the second, as long as there are any. */
function spread<T>(between: readonly T[], rest: readonly T[]): T[] {
  return [...rest.flatMap((one, index) => [one, ...between.slice(index, index + 1)]), ...between.slice(rest.length)];
}
