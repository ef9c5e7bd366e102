import type { Exchange } from '../http/exchange.js';
import { managerOfUserAgent } from '../merge/managed-fields.js';
import type { WriteOptions } from '../http/options.js';
import type { Write } from '../parts.js';
import type { ServedResource } from '../resource.js';
import type { Kind, Projection } from '../subresource.js';

/** The write that a request asks for. */
export function writeOf(
  exchange: Exchange,
  resource: ServedResource,
  options: Pick<WriteOptions, 'dryRun' | 'fieldManager' | 'object'>,
  { kind = resource, projection }: { kind?: Kind | undefined; projection?: Projection | undefined } = {},
): Write {
  const { info, identity, headers } = exchange;
  return {
    resource,
    subresource: info.subresource,
    kind,
    namespace: resource.namespaced ? info.namespace : '',
    name: info.name,
    user: identity.user,
    dryRun: options.dryRun,
    options: options.object,
    manager: options.fieldManager || managerOfUserAgent(headers['user-agent']),
    ...(projection && { projection }),
    warn: (message) => exchange.warnings.add(message),
  };
}
