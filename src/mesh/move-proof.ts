import type { Finding } from './findings.js';
import { proofFindings } from './findings/proof.js';
import { type Move, momentWork } from './moments.js';
import type { PictureObjects, PictureSettings } from './picture.js';
import { proofWork } from './proof/proof.js';

/** Everything that decides what the proof of a migration says. */
export interface ProofInput {
  /** {@link moveMesh} */
  readonly objects: PictureObjects;
  readonly settings: PictureSettings;
  readonly move: Move;
}

/** Most requests that are told. */
const MOST_FLIPS = 20;

/**
 * Which requests a migration would answer otherwise at one of its moments, as findings. In pieces of some milliseconds, between which
 * others may have their turn.
 */
export function* moveFindings({ objects, settings, move }: ProofInput): Generator<undefined, Finding[]> {
  const all = yield* momentWork(objects, settings, move);
  const { namespace } = move;
  return proofFindings(yield* proofWork(all, { namespace, mostFlips: MOST_FLIPS }), namespace);
}
