import { describe, expect, it } from 'vitest';
import { many, match, rule, service, translated, web } from '../../../../test/support/routes/written.js';
import type { PolicyObject } from '../../policy-object.js';

const path = 'spec.http[0]';
const of = (spec: object, ...objects: PolicyObject[]): [object, PolicyObject[]] => [spec, objects];
const named = (count: number, value: unknown): object =>
  Object.fromEntries(many(count, (index) => [`x${index}`, value]));

/** What is refused, and the field that is named; with what is there, if that matters. */
const REFUSED: Record<string, [string, [object, PolicyObject[]]]> = {
  'tls routes': ['spec.tls', of({ ...rule({}), tls: [{}] })],
  'tcp routes': ['spec.tcp', of({ ...rule({}), tcp: [{}] })],
  'a field that nobody knows': ['spec.novelty', of({ ...rule({}), novelty: 1 })],
  'export to some': ['spec.exportTo', of({ ...rule({}), exportTo: ['.'] })],
  'no rules': ['spec.http', of({})],
  'a field of a rule that nobody knows': [`${path}.novelty`, of(rule({ novelty: {} }))],
  'a direct response': [`${path}.directResponse`, of(rule({ route: undefined, directResponse: { status: 200 } }))],
  'a delegate': [`${path}.delegate`, of(rule({ delegate: { name: 'x' } }))],
  retries: [`${path}.retries`, of(rule({ retries: { attempts: 0 } }))],
  'a fault': [`${path}.fault`, of(rule({ fault: { abort: { httpStatus: 500 } } }))],
  CORS: [`${path}.corsPolicy`, of(rule({ corsPolicy: {} }))],
  'a path of any case': [`${path}.match[0].ignoreUriCase`, of(match({ uri: { exact: '/' }, ignoreUriCase: true }))],
  'what a header is not': [`${path}.match[0].withoutHeaders`, of(match({ withoutHeaders: { x: {} } }))],
  'the authority': [`${path}.match[0].authority`, of(match({ authority: { exact: 'x' } }))],
  'the scheme': [`${path}.match[0].scheme`, of(match({ scheme: { exact: 'x' } }))],
  'labels of the caller': [`${path}.match[0].sourceLabels`, of(match({ sourceLabels: { app: 'x' } }))],
  'the namespace of the caller': [`${path}.match[0].sourceNamespace`, of(match({ sourceNamespace: 'x' }))],
  'Gateways of a match': [`${path}.match[0].gateways`, of(match({ gateways: ['edge'] }))],
  'a field of a match that nobody knows': [`${path}.match[0].novelty`, of(match({ novelty: 1 }))],
  'a port that no host has': [`${path}.match[0].port`, of(match({ port: 81 }))],
  'a pattern of methods': [`${path}.match[0].method`, of(match({ method: { prefix: 'P' } }))],
  'a method of its own': [`${path}.match[0].method`, of(match({ method: { exact: 'PURGE' } }))],
  'a form of text that nobody knows': [`${path}.match[0].uri`, of(match({ uri: { suffix: 'x' } }))],
  'a path that is too long': [`${path}.match[0].uri`, of(match({ uri: { prefix: `/${'a'.repeat(1023)}` } }))],
  'a claim of a token': [
    `${path}.match[0].headers[@request.auth.claims.x]`,
    of(match({ headers: { '@request.auth.claims.x': { exact: 'y' } } })),
  ],
  'a header twice': [`${path}.match[0].headers[X]`, of(match({ headers: { x: {}, X: {} } }))],
  'an empty value': [`${path}.match[0].headers[x]`, of(match({ headers: { x: { exact: '' } } }))],
  'a value that is too long': [
    `${path}.match[0].queryParams[x]`,
    of(match({ queryParams: { x: { exact: 'a'.repeat(1025) } } })),
  ],
  'too many headers': [`${path}.match[0].headers`, of(match({ headers: named(17, {}) }))],
  'headers of something else': [`${path}.headers.novelty`, of(rule({ headers: { novelty: {} } }))],
  'something else about headers': [
    `${path}.headers.request.novelty`,
    of(rule({ headers: { request: { novelty: {} } } })),
  ],
  'the host as a header': [
    `${path}.headers.request.set[Host]`,
    of(rule({ headers: { request: { set: { Host: 'x' } } } })),
  ],
  'a pseudo-header': [`${path}.headers.request.remove`, of(rule({ headers: { request: { remove: [':path'] } } }))],
  'a header from what is known of the request': [
    `${path}.headers.request.set[x]`,
    of(rule({ headers: { request: { set: { x: '%PROTOCOL%' } } } })),
  ],
  'an empty header': [`${path}.headers.request.set[x]`, of(rule({ headers: { request: { set: { x: '' } } } }))],
  'headers twice': [`${path}.headers.request.set[X]`, of(rule({ headers: { request: { set: { x: '1', X: '2' } } } }))],
  'too many headers to set': [
    `${path}.headers.request.set`,
    of(rule({ headers: { request: { set: named(17, '1') } } })),
  ],
  'a new prefix': [`${path}.rewrite.uri`, of(rule({ match: [{ uri: { prefix: '/a' } }], rewrite: { uri: '/b' } }))],
  'a new path for any': [`${path}.rewrite.uri`, of(rule({ rewrite: { uri: '/b' } }))],
  'a new path with a backslash': [
    `${path}.rewrite.uri`,
    of(rule({ match: [{ uri: { exact: '/a' } }], rewrite: { uri: '/\\1' } })),
  ],
  'parts of a path': [`${path}.rewrite.uriRegexRewrite`, of(rule({ rewrite: { uriRegexRewrite: { match: 'a' } } }))],
  'a new host with a port': [`${path}.rewrite.authority`, of(rule({ rewrite: { authority: 'x:80' } }))],
  'a redirect of a prefix': [
    `${path}.redirect.prefixRewrite`,
    of(rule({ redirect: { prefixRewrite: '/', scheme: 'http' } })),
  ],
  'a redirect to a host with a port': [`${path}.redirect.authority`, of(rule({ redirect: { authority: 'x:80' } }))],
  'a redirect to another scheme': [`${path}.redirect.scheme`, of(rule({ redirect: { scheme: 'ftp' } }))],
  'a redirect of another code': [`${path}.redirect.redirectCode`, of(rule({ redirect: { redirectCode: 300 } }))],
  'a redirect with scheme and port of the request': [
    `${path}.redirect.derivePort`,
    of(rule({ redirect: { scheme: 'http', derivePort: 'FROM_REQUEST_PORT' } })),
  ],
  'a redirect without port and scheme': [
    `${path}.redirect`,
    of({ hosts: ['web'], http: [{ redirect: { uri: '/' } }] }, service('web', { ports: [{ port: 8080 }] })),
  ],
  'a timeout that is none': [`${path}.timeout`, of(rule({ timeout: 'soon' }))],
  'a timeout that is too fine': [`${path}.timeout`, of(rule({ timeout: '1.5ms' }))],
  'a timeout that is too long': [`${path}.timeout`, of(rule({ timeout: '100000s' }))],
  'a share of nobody knows what': [
    `${path}.mirrorPercentage.value`,
    of(rule({ mirror: { host: 'web' }, mirrorPercentage: { value: 0.000_015 } })),
  ],
  'something else about a mirror': [
    `${path}.mirrors[0].novelty`,
    of(rule({ mirrors: [{ destination: { host: 'web' }, novelty: 1 }] })),
  ],
  'a mirror that is unknown': [`${path}.mirror.host`, of(rule({ mirror: { host: 'none' } }))],
  'more than a rule can do': [path, of(rule({ mirrors: many(17, () => ({ destination: { host: 'web' } })) }))],
  'more rules than routes keep in order': [
    'spec.http',
    of({ http: many(145, (index) => ({ match: [{ uri: { exact: `/${index}` } }], route: [web] })) }),
  ],
};

describe('a VirtualService has no translation, and is told why, with', () => {
  it.each(Object.entries(REFUSED))('%s', (_, [at, [spec, objects]]) => {
    const { objects: made, refused } = objects.length > 0 ? translated(spec, objects) : translated(spec);
    expect(made).toEqual([]);
    expect(refused.map((remark) => remark.at)).toEqual([at]);
    expect(refused[0]?.message).toMatch(/[^.]$/);
  });
});
