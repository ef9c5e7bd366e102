import { builtinSchemas } from '../../data/index.js';
import type { TokenIssuer } from '../auth/tokens.js';
import type { Subresources } from '../subresource.js';
import { binding } from './binding.js';
import { eviction } from './eviction.js';
import { log } from './log.js';
import { scale } from './scale.js';
import { token } from './token.js';

/** What the subresources need. */
export interface SubresourceOptions {
  /** Makes the tokens of ServiceAccounts. */
  readonly tokens: TokenIssuer;
  /** A new uid, for the ids of tokens. */
  uid(): string;
}

/** All subresources besides `status` and `finalize`. */
export function builtinSubresources(options: SubresourceOptions): Subresources {
  const schemas = builtinSchemas();
  const known = { binding, eviction, log, scale: scale(schemas.get('autoscaling/v1/Scale')!), token: token(options) };
  return (_resource, name) => (name in known ? known[name as keyof typeof known] : undefined);
}
