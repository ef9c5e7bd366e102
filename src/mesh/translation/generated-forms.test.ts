import { describe, expect, it } from 'vitest';
import { expectNoFlips, expectNothingOpens, oneCaller } from '../../../test/support/ambient-forms/flips.js';
import { draw, type Plot } from '../../../test/support/ambient-forms/mesh.js';
import { Tally } from '../../../test/support/ambient-forms/tally.js';
import { from, gets, ofApi, policy, scope } from '../../../test/support/forms.js';
import { trace } from '../enforcement/trace.js';
import { ambientForms } from './ambient-forms.js';

describe('generated policies with their ambient forms', () => {
  const MESHES = 200;
  const tally = new Tally();

  it(`never let in what was refused, and refuse only who goes past the waypoint, in ${MESHES} meshes`, () => {
    for (let seed = 1; seed <= MESHES; seed++) expectNoFlips(seed, { callers: oneCaller, requests: 8 }, tally);
    for (const what of [
      'copy',
      'admission',
      'guard',
      'ask',
      'deny by what is not there',
      'untranslated',
      'allowed',
      'refused',
      'refused past the waypoint',
      'met a filter',
    ])
      expect(tally.of(what), what).toBeGreaterThanOrEqual(20);
  }, 120_000);

  it('are proven to open nothing at any moment, in 40 meshes', () => {
    let refusing = 0;
    for (let seed = 1; seed <= 40; seed++) refusing += expectNothingOpens(seed).length > 0 ? 1 : 0;
    expect(refusing).toBeGreaterThan(0);
  });

  it('keep a caller out whose old sidecar shows ambient pods no certificate', () => {
    const rule = { ...from({ namespaces: ['other'] }), ...gets };
    const policies = [policy({ ...ofApi, action: 'DENY', rules: [rule] })];
    const both = [...policies, ...ambientForms(policies, scope).forms.flatMap(({ objects }) => objects)];
    const answer = (plot: Omit<Plot, 'caller'>): boolean => {
      const picture = draw({ ...plot, caller: 'old' }, 'sleep');
      const sleep = picture.workloads.find(({ name }) => name === 'sleep')!;
      const api = picture.services.find(({ name }) => name === 'api')!;
      const http = { method: 'GET', host: 'api', path: '/', headers: {} };
      return trace({ from: sleep, to: { service: api, port: 8000 }, http }, picture).every(({ allowed }) => allowed);
    };
    expect(answer({ policies, server: 'sidecar', bound: false })).toBe(false);
    expect(answer({ policies, server: 'ambient', bound: true })).toBe(true);
    expect(answer({ policies: both, server: 'ambient', bound: true })).toBe(false);
  });
});
