import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { Watchdog } from '../watchdog.js';
import { bootstrap, type ListenerSpec, providerAnswers } from './bootstrap.js';

/** An Envoy that runs, on 127.0.0.1 only. */
export interface Envoy {
  /** Ports of the listeners by name. */
  ports: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

const readyTimeoutMs = 60_000;

/**
 * Starts Envoy with these listeners, and the providers that its filters may ask.
 *
 * @param dir  for its configuration and log
 * @throws {Error} when it ends or is not ready within a minute; the message holds the end of its log
 */
export async function startEnvoy(binary: string, listeners: readonly ListenerSpec[], dir: string): Promise<Envoy> {
  const providers = await Promise.all(Object.entries(providerAnswers).map(([port, status]) => provider(port, status)));
  const providerPorts = Object.fromEntries(providers.map(({ port, server }) => [port, portOf(server)]));
  const file = (name: string): string => join(dir, name);
  writeFileSync(file('envoy.json'), JSON.stringify(bootstrap(listeners, providerPorts)));
  const log = openSync(file('envoy.log'), 'a');
  const watchdog = new Watchdog('envoy');
  const options = ['--concurrency', '1', '--disable-hot-restart', '--log-level', 'warning'];
  const child = spawn(binary, ['-c', file('envoy.json'), '--admin-address-path', file('admin'), ...options], {
    stdio: ['ignore', log, log],
    detached: true,
    cwd: dir,
  });
  closeSync(log);
  if (child.pid !== undefined) watchdog.add(child.pid);
  const stop = async (): Promise<void> => {
    if (isRunning(child)) {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    await watchdog.stop();
    for (const { server } of providers) {
      server.closeAllConnections();
      server.close();
    }
  };
  try {
    return { ports: await listenerPorts(child, file('admin'), file('envoy.log')), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function provider(port: string, status: number): Promise<{ port: string; server: Server }> {
  const server = createServer((_, response) => response.writeHead(status).end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port, server };
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

const isRunning = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

async function listenerPorts(child: ChildProcess, admin: string, log: string): Promise<Map<string, number>> {
  let failure: Error | undefined;
  child.once('error', (error) => (failure = error));
  const deadline = Date.now() + readyTimeoutMs;
  while (Date.now() < deadline && isRunning(child) && !failure) {
    const ports = await askedPorts(admin).catch(() => undefined);
    if (ports) return ports;
    await delay(50);
  }
  const tail = readFileSync(log, 'utf8').split('\n').slice(-20).join('\n');
  throw new Error(`Envoy did not start: ${failure?.message ?? ''}\n${tail}`);
}

async function askedPorts(admin: string): Promise<Map<string, number> | undefined> {
  if (!existsSync(admin)) return undefined;
  const base = `http://${readFileSync(admin, 'utf8')}`;
  if ((await fetch(`${base}/ready`)).status !== 200) return undefined;
  const { listener_statuses: statuses } = (await (await fetch(`${base}/listeners?format=json`)).json()) as {
    listener_statuses: { name: string; local_address: { socket_address: { port_value: number } } }[];
  };
  return new Map(statuses.map(({ name, local_address: address }) => [name, address.socket_address.port_value]));
}
