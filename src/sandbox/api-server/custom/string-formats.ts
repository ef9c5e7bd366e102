import { isIP } from 'node:net';
import { parseDuration, parseTimestamp } from '../cel/values.js';
import { labelName, subdomainName } from '../writes/names.js';

const pattern =
  (expression: RegExp) =>
  (text: string): boolean =>
    expression.test(text);

const uuid = (version: string): ((text: string) => boolean) =>
  pattern(new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$`, 'i'));

const cidr = (text: string): boolean => {
  const [address = '', length = ''] = text.split('/');
  const family = isIP(address);
  return family !== 0 && /^\d{1,3}$/.test(length) && Number(length) <= (family === 4 ? 32 : 128);
};

/** Words that strfmt takes for units of durations, besides Go's. */
const wordyDuration =
  /^((\d+(\.\d+)?)\s*(ns|nanos?|us|micros?|ms|millis?|s|secs?|seconds?|m|mins?|minutes?|h|hr|hours?|d|days?|w|weeks?))+$/;

/** Formats that the API server checks, without dashes; others mean nothing (kube-openapi, pkg/validation/strfmt). */
const formats: Readonly<Record<string, (text: string) => boolean>> = {
  datetime: (text) => parseTimestamp(text) !== undefined,
  date: (text) => parseTimestamp(`${text}T00:00:00Z`) !== undefined,
  duration: (text) => parseDuration(text) !== undefined || wordyDuration.test(text),
  byte: pattern(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/),
  password: () => true,
  uri: pattern(/^([a-zA-Z][a-zA-Z0-9+.-]*:\S*|\/\S*)$/),
  email: pattern(/^[^\s@]+@[^\s@]+$/),
  hostname: pattern(
    /^(?=.{1,255}$)[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*\.?$/,
  ),
  ipv4: (text) => isIP(text) === 4,
  ipv6: (text) => isIP(text) === 6,
  cidr,
  mac: pattern(/^([0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}$|^([0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}$/),
  uuid: uuid('[0-9a-f]'),
  uuid3: uuid('3'),
  uuid4: uuid('4'),
  uuid5: uuid('5'),
  bsonobjectid: pattern(/^[0-9a-f]{24}$/),
  hexcolor: pattern(/^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/),
  rgbcolor: pattern(/^rgb\(\s*\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3}\s*\)$/),
  ssn: pattern(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/),
  k8sshortname: (text) => labelName(text).length === 0,
  k8slongname: (text) => subdomainName(text).length === 0,
};

/** What a format checks, undefined if the API server does not know it. */
export function stringFormat(format: string | undefined): ((text: string) => boolean) | undefined {
  const name = format?.replaceAll('-', '') ?? '';
  return Object.hasOwn(formats, name) ? formats[name] : undefined;
}
