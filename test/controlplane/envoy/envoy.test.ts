import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type Certificate, certificateOf } from './certificates.js';
import { envoyBinary, EnvoyMissingError } from './envoy-binary.js';
import { type Envoy, startEnvoy } from './envoy-process.js';
import { decisionKinds, type Held, heldValues } from './fired.js';
import { istioFilters } from './istio-filters.js';
import { describeJudgement, judge, type Judgement } from './judgement.js';
import { generatedProxy, type ProxyCase, proxyCase } from './proxies.js';
import { makeTokens } from './tokens.js';

/*
 * What we say that a proxy decides, against what the real Envoy does with the filters that Istio's own packages generate.
 */

const cases = 300;
const requestsPerConnection = 34;
const casesAtOnce = 6;

/** Every kind of decision, and both outcomes of every form of value, this often. */
const atLeast = 20;
const alwaysHold = ['hosts *', 'methods *', 'paths *'];
/** What is always there, or a key that there is not. */
const neverHold = [
  'not hosts *',
  'not methods *',
  'not paths *',
  ...['x', 'x*', '*x', '*'].map((form) => `source.unknown ${form}`),
];

const root = mkdtempSync(join(tmpdir(), 'sidestep-envoy-'));
const log = (line: string): void => console.log(line);
let envoy: Envoy | undefined;
let missing: string | undefined;
let judgements: Judgement[] = [];

beforeAll(async () => {
  try {
    judgements = await judgedCases(await envoyBinary(log));
  } catch (error) {
    if (!(error instanceof EnvoyMissingError)) throw error;
    missing = error.message;
    console.warn(`SKIPPED: ${missing}`);
  }
}, 900_000);

afterAll(async () => {
  await envoy?.stop();
  rmSync(root, { recursive: true, force: true });
});

async function judgedCases(binary: string): Promise<Judgement[]> {
  const tokens = makeTokens();
  const generated = Array.from({ length: cases }, (_, index) => proxyCase(index + 1, tokens, requestsPerConnection));
  const filters = await istioFilters(generated.map(generatedProxy), log);
  const server = await certificateOf('server');
  const listeners = generated.map(({ name, kind, settings }, index) => ({
    name,
    filters: filters[index] ?? [],
    normalization: settings.pathNormalization,
    ...(kind === 'certificate' && { tls: server }),
  }));
  const certificates = await certificatesFor(generated);
  envoy = await startEnvoy(binary, listeners, root);
  const all: Judgement[] = [];
  for (let at = 0; at < generated.length; at += casesAtOnce) {
    const some = generated.slice(at, at + casesAtOnce);
    const judged = some.map((of) => judge(of, envoy?.ports.get(of.name) ?? 0, certificates));
    all.push(...(await Promise.all(judged)).flat());
  }
  return all;
}

async function certificatesFor(generated: readonly ProxyCase[]): Promise<Map<string, Certificate>> {
  const principals = generated.flatMap(({ connections }) =>
    connections.flatMap(({ facts }) => facts.tls?.principal ?? []),
  );
  return new Map(
    await Promise.all([...new Set(principals)].map(async (one) => [one, await certificateOf(one)] as const)),
  );
}

function tableOf(kinds: Readonly<Record<string, number>>, held: Readonly<Record<string, Held>>): string {
  const number = (value: number): string => String(value).padStart(7);
  return [
    ...Object.entries(kinds).map(([name, times]) => `${number(times)}  ${name}`),
    `${'holds'.padStart(7)} ${'not'.padStart(7)}  a value of a rule alone, by its form`,
    ...Object.entries(held)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { holds, fails }]) => `${number(holds)} ${number(fails)}  ${name}`),
  ].join('\n');
}

describe('decisions of a proxy', () => {
  test('are those of the real Envoy with the filters of istiod', ({ skip }) => {
    skip(missing !== undefined, missing);
    const different = judgements.filter(({ ours, envoys }) => ours !== envoys);
    console.log(`requests: ${judgements.length}, differences: ${different.length}`);
    expect(different.slice(0, 5).map(describeJudgement)).toEqual([]);
    expect(judgements.length).toBeGreaterThanOrEqual(10_000);
  });

  test('are of all kinds, and about half of them allow', ({ skip }) => {
    skip(missing !== undefined, missing);
    const share = judgements.filter(({ envoys }) => envoys === 'allowed').length / judgements.length;
    const kinds = decisionKinds(judgements);
    const held = heldValues(judgements);
    console.log(`allowed: ${(share * 100).toFixed(1)} %\n${tableOf(kinds, held)}`);
    expect(share).toBeGreaterThan(0.3);
    expect(share).toBeLessThan(0.7);
    expect(Object.entries(kinds).filter(([, times]) => times < atLeast)).toEqual([]);
    expect(Object.entries(held).filter(([name, { fails }]) => fails < atLeast && !alwaysHold.includes(name))).toEqual(
      [],
    );
    expect(Object.entries(held).filter(([name, { holds }]) => holds < atLeast && !neverHold.includes(name))).toEqual(
      [],
    );
  });
});
