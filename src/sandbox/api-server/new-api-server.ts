import type { Clock } from '../../clock.js';
import { type Logger, silentLogger } from '../../log.js';
import { admissionChain } from './admission/chain.js';
import { accessControl } from './auth/access-control.js';
import { builtinResources } from './builtin/index.js';
import { discoveryRoutes } from './discovery/discovery.js';
import { openApiRoutes } from './discovery/openapi.js';
import type { Certificate } from './http/certificate.js';
import { RandomNames } from './random.js';
import { ApiServer } from './server.js';
import { builtinSubresources } from './subresources/index.js';

/** The API server with all its parts; the names in `tokens` are administrators. */
export function newApiServer(options: {
  clock: Clock;
  seed: number;
  log?: Logger;
  certificate: Certificate;
  tokens: Record<string, string>;
}): ApiServer {
  const { clock, seed, log = silentLogger, certificate } = options;
  const users = new Map(
    Object.entries(options.tokens).map(([name, token]) => [token, { name, uid: name, groups: ['system:masters'] }]),
  );
  const names = new RandomNames(seed + 1);
  const access = accessControl(builtinResources(), users, clock);
  return new ApiServer({
    clock,
    seed,
    log,
    certificate,
    ...access,
    routes: (registry) => [...discoveryRoutes(registry), ...openApiRoutes(registry)],
    subresources: builtinSubresources({ tokens: access.tokens, uid: () => names.uid() }),
    admission: (cluster, registry, operations) =>
      admissionChain({ cluster, registry, operations, clock, suffix: () => names.suffix() }),
  });
}
