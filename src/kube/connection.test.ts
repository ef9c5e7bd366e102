import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { FakeClock } from '../../test/support/fake-clock.js';
import { createLogger } from '../log.js';
import { connectionFromKubeConfig } from './connection.js';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('connectionFromKubeConfig', () => {
  let dir: string;
  let clock: FakeClock;

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'connection-test-'));
    clock = new FakeClock();
  });

  afterEach(() => {
    vi.unstubAllEnvs();
    fs.rmSync(dir, { recursive: true });
  });

  function write(name: string, content: string | object): string {
    const file = path.join(dir, name);
    fs.writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  }

  function kubeconfig(user: object, cluster: object = {}, name = 'config'): string {
    return write(name, {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: 'https://example.com:6443/', ...cluster } }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    });
  }

  const connect = (file: string, context?: string) =>
    connectionFromKubeConfig({ kubeconfig: file, clock, ...(context !== undefined && { context }) });

  it('reads server, certificates and token', async () => {
    const file = kubeconfig(
      { token: 't0', 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') },
      { 'certificate-authority-data': base64('CA'), 'tls-server-name': 'kubernetes' },
    );
    const connection = connect(file);
    expect(connection.server).toBe('https://example.com:6443');
    expect([connection.ca, connection.cert, connection.key].map(String)).toEqual(['CA', 'CERT', 'KEY']);
    expect(connection.servername).toBe('kubernetes');
    expect(connection.rejectUnauthorized).toBeUndefined();
    expect(await connection.headers()).toEqual({ authorization: 'Bearer t0' });
    expect(connection.describe).toBe(`https://example.com:6443 (kubeconfig ${file}, context x)`);
    expect(connection.credentialsRejected?.()).toBe(false);
  });

  it('takes paths in a kubeconfig as relative to it', () => {
    write('ca.crt', 'CA');
    const connection = connect(kubeconfig({}, { 'certificate-authority': 'ca.crt' }));
    expect(String(connection.ca)).toBe('CA');
  });

  it('reads token files again', async () => {
    const tokenFile = write('token', 'first\n');
    const connection = connect(kubeconfig({ tokenFile: 'token', token: 'ignored' }));
    expect(await connection.headers()).toEqual({ authorization: 'Bearer first' });
    fs.writeFileSync(tokenFile, 'second\n');
    expect(await connection.headers()).toEqual({ authorization: 'Bearer first' });
    expect(connection.credentialsRejected?.()).toBe(true);
    expect(await connection.headers()).toEqual({ authorization: 'Bearer second' });
  });

  it('reads certificates again after a minute, and keeps the old value while the content is the same', async () => {
    const certFile = write('cert', 'one');
    const caFile = write('ca.crt', 'CA');
    const user = { 'client-certificate': certFile, 'client-key': write('key', 'KEY') };
    const connection = connect(kubeconfig(user, { 'certificate-authority': caFile }));
    await connection.headers();
    const { ca, cert, key } = connection;
    fs.writeFileSync(certFile, 'two');
    fs.writeFileSync(caFile, 'CA and CA 2');
    await clock.advance(60_000);
    await connection.headers();
    expect([String(cert), String(connection.cert)]).toEqual(['one', 'two']);
    expect([String(ca), String(connection.ca)]).toEqual(['CA', 'CA and CA 2']);
    expect(connection.key).toBe(key);
  });

  it('keeps certificates whose files are being replaced', async () => {
    const certFile = write('cert', 'one');
    const connection = connect(kubeconfig({ 'client-certificate': certFile, 'client-key': write('key', 'KEY') }));
    await connection.headers();
    fs.rmSync(certFile);
    await clock.advance(60_000);
    await connection.headers();
    expect(String(connection.cert)).toBe('one');
    fs.writeFileSync(certFile, 'two');
    await clock.advance(60_000);
    await connection.headers();
    expect(String(connection.cert)).toBe('two');
  });

  it('runs an exec plugin, and again only when its credentials are refused', async () => {
    const counter = path.join(dir, 'count');
    const script = write(
      'plugin.cjs',
      `const fs = require('fs'); fs.appendFileSync(${JSON.stringify(counter)}, 'x');
       const token = 'exec-' + fs.readFileSync(${JSON.stringify(counter)}).length;
       const status = { token, expirationTimestamp: '2999-01-01T00:00:00Z' };
       console.log(JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status }));`,
    );
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args: [script] };
    const connection = connect(kubeconfig({ exec }));
    const both = await Promise.all([connection.headers(), connection.headers()]);
    await clock.advance(120_000);
    both.push(await connection.headers());
    expect(both.map((headers) => headers['authorization'])).toEqual([
      'Bearer exec-1',
      'Bearer exec-1',
      'Bearer exec-1',
    ]);
    expect(connection.credentialsRejected?.()).toBe(true);
    expect(await connection.headers()).toEqual({ authorization: 'Bearer exec-2' });
    // A server that nobody vouches for has not seen them.
    expect(connection.serverUntrusted?.()).toBe(false);
    expect(await connection.headers()).toEqual({ authorization: 'Bearer exec-2' });
  });

  it('tells the failure of a plugin, and tries again with the next request', async () => {
    const connection = connect(kubeconfig({ exec: { command: path.join(dir, 'missing') } }));
    await expect(connection.headers()).rejects.toThrow('ENOENT');
    await expect(connection.headers()).rejects.toThrow('ENOENT');
  });

  it('knows basic authentication, plain HTTP and impersonation', async () => {
    const user = { username: 'me', password: 'secret', as: 'somebody' };
    const connection = connect(kubeconfig(user, { server: 'http://localhost:8080' }));
    expect(await connection.headers()).toEqual({
      authorization: `Basic ${base64('me:secret')}`,
      'impersonate-user': 'somebody',
    });
    expect(connection.describe).not.toContain('secret');
  });

  it('merges several files as kubectl does: the first current context counts', () => {
    const first = kubeconfig({ token: 'a' });
    const second = write('second', {
      clusters: [{ name: 'c2', cluster: { server: 'https://two' } }],
      users: [{ name: 'u2', user: { token: 'b' } }],
      contexts: [{ name: 'x2', context: { cluster: 'c2', user: 'u2' } }],
      'current-context': 'x2',
    });
    const both = `${first}${path.delimiter}${second}`;
    expect(connect(both).server).toBe('https://example.com:6443');
    expect(connect(both, 'x2').server).toBe('https://two');
  });

  it('of what has one name takes the first, and goes without a file that is missing', () => {
    const first = kubeconfig({ token: 'a' });
    const other = { name: 'c', cluster: { server: 'https://other' } };
    const second = write('second', {
      clusters: [other, { name: 'c2', cluster: { server: 'https://two' } }],
      users: [{ name: 'u', user: { token: 'b' } }],
      contexts: [
        { name: 'x', context: { cluster: 'c2', user: 'u' } },
        { name: 'x2', context: { cluster: 'c2', user: 'u' } },
      ],
    });
    const all = [path.join(dir, 'missing'), first, second].join(path.delimiter);
    expect(connect(all).server).toBe('https://example.com:6443');
    expect(connect(all, 'x2').server).toBe('https://two');
  });

  it('takes an empty current context for none', () => {
    const first = write('first', { 'current-context': '' });
    expect(connect(`${first}${path.delimiter}${kubeconfig({})}`).server).toBe('https://example.com:6443');
  });

  it.each([
    ['users:\n- name: u\n  user:\n    token: SECRET\n   bad: indent\n', 'in line 5'],
    ['token: "SECRET\n', 'is not YAML'],
    ['token: *SECRET\n', 'names an anchor that it does not have'],
    ['token: SECRET\ntoken: SECRET\n', 'DUPLICATE_KEY in line 2'],
  ])('quotes nothing of a file that it cannot read: %j', (text, why) => {
    let lines = '';
    try {
      connect(write('config', text));
    } catch (error) {
      createLogger({ level: 'error', destination: { write: (line) => (lines += line) } }).error({ err: error }, 'x');
    }
    expect(lines).toContain(why);
    expect(lines).not.toContain('SECRET');
  });

  it('says what the server said when the file is being written as credentials are refused', () => {
    const tokenFile = write('token', 'first');
    const file = kubeconfig({ tokenFile });
    const connection = connect(file);
    fs.writeFileSync(file, '');
    expect(connection.credentialsRejected?.()).toBe(false);
  });

  it('says which file and what is wrong with it', () => {
    const missing = path.join(dir, 'missing');
    expect(() => connect(missing)).toThrow(`cannot use kubeconfig ${missing}: ENOENT`);
    expect(() => connect(kubeconfig({}), 'nope')).toThrow('context nope names no cluster; known contexts: x');
    expect(() => connect(write('empty', ''))).toThrow('cannot use kubeconfig');
    expect(() => connect(kubeconfig({}, { 'proxy-url': 'http://proxy' }))).toThrow('has a proxy-url');
  });

  it('says where it has looked when there is no configuration at all', () => {
    vi.stubEnv('HOME', dir);
    expect(() => connectionFromKubeConfig()).toThrow('no cluster configuration: no kubeconfig was named');
  });

  it('takes ~/.kube/config when none is named', () => {
    vi.stubEnv('HOME', dir);
    fs.mkdirSync(path.join(dir, '.kube'));
    fs.renameSync(kubeconfig({}), path.join(dir, '.kube', 'config'));
    expect(connectionFromKubeConfig().server).toBe('https://example.com:6443');
  });
});
