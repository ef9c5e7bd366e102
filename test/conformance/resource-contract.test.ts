import equal from 'fast-deep-equal';
import fc from 'fast-check';
import { InvalidSpecError } from '../../src/api/resource.js';
import { RESOURCES } from '../../src/api/resources.js';
import { structuralSchema } from '../../src/api/structural-schema.js';
import { anySpec } from '../support/spec-values.js';
import { withResource } from './definitions.js';
import { uniqueName } from './server.js';
import { conformance } from './suite.js';

const SPECS = 600;

/** The same specs each day; another number tries others. */
const SEED = 20_261_121;

conformance('resource contract', (test) => {
  for (const resource of RESOURCES) {
    const { definition, parseSpec } = resource;
    test(`${definition.kind}: our parser takes what the API server takes, and reads the same`, async (server, expect) => {
      const path = `/apis/${definition.group}/${definition.version}/namespaces/default/${definition.plural}`;
      const schema = structuralSchema(definition.spec, 'spec');
      const outcomes = { taken: 0, refused: 0 };
      const differences: string[] = [];
      await withResource(server, resource, async () => {
        for (const spec of fc.sample(anySpec(schema), { numRuns: SPECS, seed: SEED })) {
          const body = {
            apiVersion: `${definition.group}/${definition.version}`,
            kind: definition.kind,
            metadata: { name: uniqueName('contract') },
            spec,
          };
          const answer = await server.post(path, body, { query: { dryRun: 'All' } });
          const ours = parsed(() => parseSpec(body));
          const theirs = answer.status === 201 ? { taken: answer.body.spec as unknown } : { refused: true };
          if (!equal('taken' in ours ? ours : { refused: true }, theirs))
            differences.push(`${JSON.stringify(spec)}; ours: ${JSON.stringify(ours)}; the API server: ${answer.text}`);
          if ('taken' in theirs) outcomes.taken += 1;
          else {
            outcomes.refused += 1;
            expect(answer.status).toBe(422);
            expect(answer.body.message).toContain('spec');
          }
        }
      });
      expect(differences).toEqual([]);
      // Neither side of the contract may go untried.
      expect(outcomes.taken).toBeGreaterThan(SPECS / 4);
      expect(outcomes.refused).toBeGreaterThan(SPECS / 4);
    });
  }
});

function parsed(parse: () => unknown): { taken: unknown } | { refused: string } {
  try {
    return { taken: parse() };
  } catch (error) {
    if (!(error instanceof InvalidSpecError)) throw error;
    return { refused: error.message };
  }
}
