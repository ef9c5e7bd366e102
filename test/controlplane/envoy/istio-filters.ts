import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import type { PolicyObject } from '../../../src/mesh/policy-object.js';
import { buildGoModule, moduleDir } from '../build.js';

/** A proxy without labels, whose policies have no selector. */
export interface GeneratedProxy {
  namespace: string;
  trustDomain: string;
  trustDomainAliases: readonly string[];
  /** Extension providers that authorize over HTTP, by name: the port of their cluster. */
  providers: Readonly<Record<string, number>>;
  policies: readonly PolicyObject[];
  /** Where the caller's identity is read from: filter state, as behind HBONE, or the certificate. */
  useFilterState: boolean;
  /** The rules for connections that are not HTTP, in the form of HTTP filters, as a waypoint has them, too. */
  forTCP: boolean;
}

/** One HTTP filter in the JSON of Envoy's API. */
export interface HttpFilter {
  name: string;
  typedConfig: Readonly<Record<string, unknown>>;
}

/**
 * The HTTP filters that Istio's own packages generate for each proxy, in the order in which a request passes them.
 *
 * @throws {GoMissingError} when the program must be built and there is no Go
 */
export async function istioFilters(
  proxies: readonly GeneratedProxy[],
  log: (line: string) => void,
): Promise<HttpFilter[][]> {
  const module = { name: 'istio-filters', dir: moduleDir('istio-filters'), programs: { 'istio-filters': '.' } };
  const program = join(await buildGoModule(module, log), 'istio-filters');
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify({ proxies }));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
  return JSON.parse(Buffer.concat(chunks).toString()) as HttpFilter[][];
}
