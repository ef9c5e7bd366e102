import * as z from 'zod';
import { text, withRules } from './schema.js';

/** @see kubernetes/apimachinery pkg/api/resource/quantity.go, without exponents */
const quantity = (example: string): z.ZodString =>
  text(/^[0-9]+([.][0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/, `must be a quantity, such as ${example}`, 32);

const Amounts = (
  what: string,
): z.ZodObject<{ cpu: z.ZodExactOptional<z.ZodString>; memory: z.ZodExactOptional<z.ZodString> }> =>
  z
    .object({
      cpu: quantity('100m').exactOptional().describe(`CPU that the proxy ${what}, such as 100m.`),
      memory: quantity('128Mi').exactOptional().describe(`Memory that the proxy ${what}, such as 128Mi.`),
    })
    .describe(`What the proxy ${what}. Unset: as the mesh says.`);

/** How many replicas a waypoint has. */
export const WaypointReplicasSchema = withRules(
  z.object({
    min: z.int32().min(1).max(1_000).default(2).describe('Replicas that there always are, at least 1.'),
    max: z.int32().min(1).max(1_000).default(5).describe('Replicas up to which it grows with its load.'),
  }),
  {
    cel: 'self.min <= self.max',
    holds: ({ min, max }) => min <= max,
    message: 'min must not be above max: lower min, or raise max',
  },
);

/** What a replica of a waypoint requests and may use. */
export const WaypointResourcesSchema = z.object({
  requests: Amounts('requests').exactOptional(),
  limits: Amounts('may use').exactOptional(),
});

/** How large a waypoint is to be, as the annotation `sidestep.dev/sizing` of its Gateway says it in JSON. */
export const WaypointSizingSchema = z.strictObject({
  replicas: WaypointReplicasSchema.exactOptional(),
  resources: WaypointResourcesSchema.prefault({}),
});

/** What somebody asks for; what is not there is left to the class, and then to us. */
export type WaypointSizing = z.output<typeof WaypointSizingSchema>;

/** Of a waypoint for which nobody has said anything. */
export const DEFAULT_REPLICAS: z.output<typeof WaypointReplicasSchema> = WaypointReplicasSchema.parse({});

/**
 * The value of the annotation `sidestep.dev/sizing`.
 *
 * @returns the sizing, or what is wrong with it: the field and what to write
 */
export function parseSizing(value: string): { readonly found: WaypointSizing } | { readonly problem: string } {
  let json: unknown;
  try {
    json = JSON.parse(value);
  } catch {
    return { problem: 'must be JSON, such as {"replicas":{"min":2,"max":5}}' };
  }
  const parsed = WaypointSizingSchema.safeParse(json);
  if (parsed.success) return { found: parsed.data };
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the value'}: ${message}`);
  return { problem: problems.join('; ') };
}
