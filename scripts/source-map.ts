import { type SourceMapSegment, decode, encode } from '@jridgewell/sourcemap-codec';

/** A source map, version 3, the fields that esbuild writes. */
export interface SourceMap {
  readonly version: 3;
  readonly sources: readonly string[];
  readonly names: readonly string[];
  readonly mappings: string;
}

/**
 * What a stack trace of a bundle needs: the files and lines of our own sources. With `--enable-source-maps`, Node makes an
 * object of each segment when somebody looks at the first stack of an error, and keeps them: 60 MB for the whole map.
 *
 * @see lib/internal/source_map/source_map.js of Node
 */
export function trimSourceMap({ version, sources, mappings }: SourceMap): SourceMap {
  const isOurs = sources.map((source) => !source.includes('node_modules/'));
  const kept = sources.filter((_, index) => isOurs[index]);
  const newIndex = new Map(kept.map((source, index) => [source, index]));
  const lines = decode(mappings).map((segments) => {
    const trimmed: SourceMapSegment[] = [];
    for (const [column, source, line, sourceColumn] of segments) {
      const index = source === undefined ? undefined : newIndex.get(sources[source]!);
      const last = trimmed.at(-1);
      if (index === undefined) {
        // Ends what is ours, so that what follows is not taken for it.
        if (last?.length !== 1) trimmed.push([column]);
      } else if (last?.[1] !== index || last[2] !== line) {
        trimmed.push([column, index, line!, sourceColumn!]);
      }
    }
    return trimmed;
  });
  return { version, sources: kept, names: [], mappings: encode(withoutRepetition(lines)) };
}

/** Lines of others only need the first mark that they are not ours: a position takes the segment before it, also of an earlier line. */
function withoutRepetition(lines: readonly SourceMapSegment[][]): SourceMapSegment[][] {
  let isOurs = false;
  return lines.map((segments) => {
    const first = segments[0];
    const rest = first?.length === 1 && !isOurs ? segments.slice(1) : segments;
    isOurs = (segments.at(-1)?.length ?? (isOurs ? 4 : 1)) !== 1;
    return rest;
  });
}
