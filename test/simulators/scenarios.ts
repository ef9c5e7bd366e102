import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { inject } from 'vitest';
import { parse, stringify } from 'yaml';

import { type Case, conformance } from '../conformance/suite.js';
import { Stage } from './stage.js';

/** Registers a scenario: what `play` returns, normalised, is what the real controllers have made of it. */
export type Scenario = (name: string, play: (stage: Stage) => Promise<unknown>) => void;

/**
 * Scenarios of one area. Each runs in a namespace of its own and ends in an outcome that equals the file
 * `__outcomes__/<area>/<name>.yaml`. Those files are recorded from the real controllers (project `conformance`, with `-u`)
 * and matched by the simulated ones (project `sandbox`).
 *
 * @param options.concurrent  false where scenarios change what they share, such as nodes
 */
export function scenarios(
  area: string,
  define: (scenario: Scenario) => void,
  options: { concurrent: boolean } = { concurrent: true },
): void {
  const register = (test: Case): void => {
    define((name, play) => {
      test(name, async (server, expect) => {
        const file = `__outcomes__/${fileName(area)}/${fileName(name)}.yaml`;
        const recorded = recordOf(file);
        // The sandbox must not record what it does as what the real controllers do.
        if (recorded === undefined && inject('kubeconfig') === '')
          throw new Error(`${file} is missing: record it with the project "conformance"`);
        const stage = await Stage.open(server, recorded);
        try {
          const outcome = stringify(await play(stage), { lineWidth: 0, aliasDuplicateObjects: false });
          await expect(outcome).toMatchFileSnapshot(`./${file}`);
        } finally {
          await stage.close();
        }
      });
    });
  };
  conformance(`simulators: ${area}`, register, options);
}

function recordOf(file: string): unknown {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return existsSync(path) ? parse(readFileSync(path, 'utf8')) : undefined;
}

const fileName = (text: string): string => text.replace(/[^a-z0-9]+/gi, '-');
