import { isIP } from 'node:net';
import type { FieldError } from '../errors.js';
import type { ApiObject } from '../object.js';
import type { BuiltinKind } from './builtin-kind.js';
import { duplicate, immutable, invalid, oneOf, required } from './field-errors.js';
import { fill } from './pod-spec.js';
import { age, ageColumn, column, nameColumn } from './table-form.js';

interface Subset {
  addresses?: { ip: string }[];
  ports?: { name?: string; port: number; protocol?: string }[];
}

interface SlicePort {
  name?: string;
  port?: number;
  protocol?: string;
}

const shown = 3;

/** The first three of a list, and how many more there are. */
function some(list: readonly string[], more: (rest: number) => string, none: string): string {
  if (list.length === 0) return none;
  const first = list.slice(0, shown).join(',');
  return list.length > shown ? `${first}${more(list.length - shown)}` : first;
}

const subsetsOf = (object: ApiObject): Subset[] => (object.subsets ?? []) as Subset[];

function endpointTexts(subsets: readonly Subset[]): string[] {
  return subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }) => ip)
      : ports.flatMap(({ port }) =>
          addresses.map(({ ip }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)),
        ),
  );
}

/** Upstream looks twice: at the text, and at what it says. */
const wrongIp = (field: string, ip: string): FieldError[] => [
  invalid(field, ip, ipDetail),
  invalid(field, ip, 'must be a valid IP address'),
];

const ipDetail = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';

/** `v1` Endpoints. */
export const endpoints: BuiltinKind = {
  group: '',
  kind: 'Endpoints',
  plural: 'endpoints',
  shortNames: ['ep'],
  strategy: {
    createOnUpdate: true,
    setDefaults: (object) =>
      subsetsOf(object).forEach(({ ports }) => ports?.forEach((port) => fill(port, { protocol: 'TCP' }))),
    validate: validateSubsets,
    validateUpdate: (object) => validateSubsets(object),
    requestWarnings: ['v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'],
  },
  table: {
    columns: [nameColumn, column('Endpoints', 'The set of all endpoints is the union of all subsets.'), ageColumn],
    cells: (object, now) => [
      object.metadata.name,
      some(endpointTexts(subsetsOf(object)), (rest) => ` + ${rest} more...`, '<none>'),
      age(object.metadata.creationTimestamp, now),
    ],
  },
};

function validateSubsets(object: ApiObject): FieldError[] {
  return subsetsOf(object).flatMap(({ addresses = [] }, index) =>
    addresses.flatMap(({ ip }, at) => (isIP(ip) ? [] : wrongIp(`subsets[${index}].addresses[${at}].ip`, ip))),
  );
}

interface SliceEndpoint {
  addresses?: string[] | null;
}

const sliceEndpoints = (slice: ApiObject): SliceEndpoint[] => (slice.endpoints ?? []) as SliceEndpoint[];

function validateSlice(slice: ApiObject): FieldError[] {
  const names = ((slice.ports ?? []) as SlicePort[]).map(({ name }) => name ?? '');
  return [
    ...oneOf('addressType', slice.addressType, ['FQDN', 'IPv4', 'IPv6']),
    ...names.flatMap((name, index) => (names.indexOf(name) < index ? [duplicate(`ports[${index}].name`, name)] : [])),
    ...sliceEndpoints(slice).flatMap(({ addresses }, index) => {
      const path = `endpoints[${index}].addresses`;
      if (!addresses?.length) return [required(path, 'must contain at least 1 address')];
      return addresses.flatMap((ip, at) => validateAddress(ip, slice.addressType as string, path, at));
    }),
  ];
}

function validateAddress(ip: string, type: string, path: string, at: number): FieldError[] {
  const family = { IPv4: 4, IPv6: 6 }[type];
  const field = `${path}[${at}]`;
  if (family === undefined) return [];
  if (isIP(ip) === 0) return [invalid(field, ip, ipDetail)];
  const loopback = /^127\.|^::1$/.test(ip);
  return [
    ...(isIP(ip) === family ? [] : [invalid(path, ip, `must be an ${type} address`)]),
    ...(loopback ? [invalid(field, ip, 'may not be in the loopback range (127.0.0.0/8, ::1/128)')] : []),
  ];
}

/** `discovery.k8s.io/v1` EndpointSlice. */
export const endpointSlices: BuiltinKind = {
  group: 'discovery.k8s.io',
  kind: 'EndpointSlice',
  strategy: {
    hasGeneration: true,
    setDefaults: (slice) =>
      ((slice.ports ?? []) as SlicePort[]).forEach((port) => fill(port, { name: '', protocol: 'TCP' })),
    validate: validateSlice,
    validateUpdate: (slice, old) => [
      ...validateSlice(slice),
      ...immutable('addressType', slice.addressType, old.addressType),
    ],
  },
  table: {
    columns: [
      nameColumn,
      column('AddressType', 'The type of address carried by this EndpointSlice.'),
      column('Ports', 'The network ports exposed by each endpoint in this slice.'),
      column('Endpoints', 'Unique endpoints in this slice.'),
      ageColumn,
    ],
    cells: (slice, now) => {
      const more = (rest: number): string => ` + ${rest} more...`;
      const ports = ((slice.ports ?? []) as SlicePort[]).map(({ port, name }) => String(port ?? (name || '*')));
      const addresses = sliceEndpoints(slice).flatMap((each) => each.addresses ?? []);
      return [
        slice.metadata.name,
        slice.addressType,
        some(ports, more, '<unset>'),
        some(addresses, more, '<unset>'),
        age(slice.metadata.creationTimestamp, now),
      ];
    },
  },
};
