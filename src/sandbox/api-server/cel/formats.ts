import {
  label1035Name,
  labelName,
  labelValueRule,
  type NameRule,
  qualifiedName,
  subdomainName,
} from '../writes/names.js';
import type { Declarations } from './overloads.js';
import { Opaque, Optional, parseTimestamp } from './values.js';

type Format = Opaque<NameRule>;

/** Names that a suffix will follow may end with a dash. */
const asPrefix =
  (rule: NameRule): NameRule =>
  (text) =>
    rule(text.endsWith('-') ? `${text.slice(0, -1)}a` : text);

const matching =
  (matches: (text: string) => boolean, problem: string): NameRule =>
  (text) =>
    matches(text) ? [] : [problem];

const uuid = /^[a-f0-9]{8}-?[a-f0-9]{4}-?[a-f0-9]{4}-?[a-f0-9]{4}-?[a-f0-9]{12}$/i;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const rules: Readonly<Record<string, NameRule>> = {
  dns1123Label: labelName,
  dns1123Subdomain: subdomainName,
  dns1035Label: label1035Name,
  qualifiedName,
  dns1123LabelPrefix: asPrefix(labelName),
  dns1123SubdomainPrefix: asPrefix(subdomainName),
  dns1035LabelPrefix: asPrefix(label1035Name),
  labelValue: labelValueRule,
  uri: (text) =>
    /^([a-zA-Z][a-zA-Z0-9+.-]*:|\/)/.test(text) ? [] : [`parse ${JSON.stringify(text)}: invalid URI for request`],
  uuid: matching((text) => uuid.test(text), 'does not match the UUID format'),
  byte: matching((text) => base64.test(text), 'invalid base64'),
  date: matching((text) => parseTimestamp(`${text}T00:00:00Z`) !== undefined, 'invalid date'),
  datetime: matching((text) => parseTimestamp(text) !== undefined, 'invalid datetime'),
};

const formatOf = (name: string): Format => new Opaque('kubernetes.NamedFormat', name, rules[name]!);

/** Named formats of Kubernetes. */
export const formats: Declarations = {
  ...Object.fromEntries(
    Object.keys(rules).map((name) => [`format.${name}() -> kubernetes.NamedFormat`, () => formatOf(name)]),
  ),
  'format.named(string) -> optional<kubernetes.NamedFormat>': (name: string) =>
    Object.hasOwn(rules, name) ? new Optional(formatOf(name)) : Optional.none,
  'kubernetes.NamedFormat!validate(string) -> optional<list<string>>': ({ data }: Format, text: string) => {
    const problems = data(text);
    return problems.length === 0 ? Optional.none : new Optional(problems);
  },
};
