/** How a name, label or annotation must look: answers with what is wrong, in the words of apimachinery. */
export type NameRule = (value: string) => string[];

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain = `${label}(\\.${label})*`;
const label1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const qualified = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelValue = `(${qualified})?`;

const edges = 'must start and end with an alphanumeric character';

const subdomainWords = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and ${edges}`;

/** A pattern with a limit of bytes. */
function rule(pattern: string, limit: number, what: string, examples: string[], unit = 'characters'): NameRule {
  const whole = new RegExp(`^${pattern}$`);
  return (value) => [
    ...(Buffer.byteLength(value) > limit ? [`must be no more than ${limit} ${unit}`] : []),
    ...(whole.test(value) ? [] : [mismatch(what, pattern, examples)]),
  ];
}

/** `validation.RegexError`, double space included. */
function mismatch(what: string, pattern: string, examples: string[]): string {
  return `${what} (e.g. ${examples.map((example) => `'${example}', `).join(' or ')}regex used for validation is '${pattern}')`;
}

/** Most names. */
export const subdomainName: NameRule = rule(subdomain, 253, subdomainWords, ['example.com']);

/** Upstream has two of them, which count the same in other words. */
const prefixRule = rule(subdomain, 253, subdomainWords, ['example.com'], 'bytes');

const wholeSubdomain = new RegExp(`^${subdomain}$`);
const wholeLabel = new RegExp(`^${label}$`);
const wholeQualified = new RegExp(`^${qualified}$`);

const plainLabel = rule(
  label,
  63,
  `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and ${edges}`,
  ['my-name', '123-abc'],
);

/** Names of namespaces, and more. */
export const labelName: NameRule = (value) => {
  const wrong = plainLabel(value);
  return wrong.length > 0 && wholeSubdomain.test(value) && !wholeLabel.test(value)
    ? [...wrong.slice(0, -1), 'must not contain dots']
    : wrong;
};

/** Names of services. */
export const label1035Name: NameRule = rule(
  label1035,
  63,
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  ['my-name', 'abc-123'],
);

/** Names of RBAC objects: whatever can stand in a path. */
export const pathSegmentName: NameRule = (value) => {
  if (value === '.' || value === '..') return [`may not be '${value}'`];
  return ['/', '%'].filter((part) => value.includes(part)).map((part) => `may not contain '${part}'`);
};

const qualifiedWords = `must consist of alphanumeric characters, '-', '_' or '.', and ${edges}`;
const qualifiedExamples = ['MyName', 'my.name', '123-abc'];

/** Keys of labels and annotations, finalizers: `[PREFIX/]NAME`. */
export const qualifiedName: NameRule = (value) => {
  const parts = value.split('/');
  if (parts.length > 2) {
    const what = mismatch(qualifiedWords, qualified, qualifiedExamples);
    return [`a valid label key ${what} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const name = parts.at(-1)!;
  const prefix = parts.length === 2 ? parts[0]! : undefined;
  return [
    ...(prefix === '' ? ['prefix part must be non-empty'] : []),
    ...(prefix ? prefixRule(prefix).map((wrong) => `prefix part ${wrong}`) : []),
    ...(name === '' ? ['name part must be non-empty'] : []),
    ...(Buffer.byteLength(name) > 63 ? ['name part must be no more than 63 bytes'] : []),
    ...(wholeQualified.test(name) ? [] : [`name part ${mismatch(qualifiedWords, qualified, qualifiedExamples)}`]),
  ];
};

/** Values of labels. */
export const labelValueRule: NameRule = rule(
  labelValue,
  63,
  `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and ${edges}`,
  ['MyValue', 'my_value', '12345'],
  'bytes',
);
