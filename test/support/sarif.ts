import * as z from 'zod';

/*
 * What of SARIF 2.1.0 we write, as its specification wants it: strict, so that a misspelt property does not pass.
 * See https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html
 */

const Message = z.strictObject({ text: z.string().min(1) });

/** §3.4: a URI reference; a relative one neither begins with a slash nor has segments of dots. */
const Uri = z.string().refine((uri) => {
  if (uri.startsWith('file:///')) return URL.canParse(uri);
  return /^([\w.~!$&'()*+,;=@-]|%[0-9A-F]{2}|\/)+$/.test(uri) && !uri.startsWith('/') && !/(^|\/)\.\.?(\/|$)/.test(uri);
});

/** §3.29, §3.30: lines count from 1. */
const PhysicalLocation = z.strictObject({
  artifactLocation: z.strictObject({ uri: Uri }),
  region: z.strictObject({ startLine: z.int().min(1) }),
});

/** §3.33. */
const LogicalLocation = z.strictObject({
  name: z.string().min(1),
  kind: z.string().min(1),
  fullyQualifiedName: z.string().min(1),
});

/** §3.27. */
const Result = z.strictObject({
  ruleId: z.string().min(1),
  ruleIndex: z.int().min(0),
  level: z.enum(['none', 'note', 'warning', 'error']),
  message: Message,
  locations: z.array(
    z.strictObject({ physicalLocation: PhysicalLocation.optional(), logicalLocations: z.array(LogicalLocation) }),
  ),
});

/** §3.49: rules of a driver have distinct ids. */
const Rule = z.strictObject({ id: z.string().min(1), shortDescription: Message, help: Message });
const Rules = z.array(Rule).refine((rules) => new Set(rules.map(({ id }) => id)).size === rules.length);

/** A log as `sidestep assess -o sarif` prints it. */
export const SARIF = z.strictObject({
  $schema: z.url(),
  version: z.literal('2.1.0'),
  runs: z
    .array(
      z.strictObject({
        tool: z.strictObject({
          driver: z.strictObject({ name: z.string().min(1), version: z.string().min(1), rules: Rules }),
        }),
        results: z.array(Result),
      }),
    )
    .min(1),
});

/** Such a log. */
export type SarifLog = z.output<typeof SARIF>;
