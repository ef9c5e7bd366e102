import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { applyPatch, createPatch, type Operation } from 'rfc6902';
import { expect, inject } from 'vitest';

/** What was recorded for a case: the whole, or how it differs from another case. */
type Recorded = { is: unknown } | { like: string; but: Operation[] };

/**
 * What real programs made of the objects of an area's cases: `golden/<area>.json`. Written by a run against the real
 * control plane with `RECORD_GOLDEN=1`; checked on the real control plane and on the sandbox.
 */
export class Golden {
  readonly #file: string;

  /**
   * @param area  name of the file
   * @param base  a case that others are told as differences from, which keeps the file readable
   */
  constructor(
    area: string,
    readonly base?: string,
  ) {
    this.#file = join(dirname(fileURLToPath(import.meta.url)), 'golden', `${area}.json`);
  }

  /** Whether this run writes down what the real control plane does. */
  get isRecording(): boolean {
    return inject('kubeconfig') !== '' && process.env.RECORD_GOLDEN === '1';
  }

  /** Compares with what was recorded, or records. */
  expect(name: string, actual: unknown): void {
    if (this.isRecording) this.#record(name, actual);
    expect(actual).toEqual(this.read(name));
  }

  /** What was recorded; undefined if nothing was. */
  read(name: string): unknown {
    const recorded = this.#all()[name];
    if (recorded === undefined || 'is' in recorded) return recorded?.is;
    const copy = structuredClone(this.read(recorded.like));
    applyPatch(copy, recorded.but);
    return copy;
  }

  #record(name: string, actual: unknown): void {
    const all = { ...this.#all(), [name]: this.#shortest(name, actual) };
    mkdirSync(dirname(this.#file), { recursive: true });
    const sorted = Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
    writeFileSync(this.#file, `${JSON.stringify(sorted, null, 2)}\n`);
  }

  #shortest(name: string, actual: unknown): Recorded {
    const whole = { is: actual };
    if (this.base === undefined || this.base === name) return whole;
    const base = this.read(this.base);
    if (base === undefined) return whole;
    const difference = { like: this.base, but: createPatch(base, actual) };
    return JSON.stringify(difference).length < JSON.stringify(whole).length ? difference : whole;
  }

  #all(): Record<string, Recorded> {
    if (!existsSync(this.#file)) return {};
    return JSON.parse(readFileSync(this.#file, 'utf8')) as Record<string, Recorded>;
  }
}
