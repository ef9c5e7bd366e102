import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A held lock. */
export interface Lock {
  /** Gives the lock up; calling it twice does no harm. */
  release(): void;
}

/**
 * Takes the lock file `path` if no living process holds it.
 *
 * The file holds the owner's process id, so a lock whose owner was killed is taken over.
 *
 * @returns the lock, or the process id of the living owner
 */
export function tryLock(path: string): Lock | { heldBy: number } {
  mkdirSync(dirname(path), { recursive: true });
  for (;;) {
    if (createExclusive(path)) return { release: () => releaseLock(path) };
    const owner = readOwner(path);
    if (owner !== undefined && isAlive(owner)) return { heldBy: owner };
    removeStale(path);
  }
}

/** Waits until the lock `path` is free and takes it; asks again every 200 ms. `onWait` is told once who is waited for. */
export async function lock(path: string, onWait: (owner: number) => void): Promise<Lock> {
  let told = false;
  for (;;) {
    const taken = tryLock(path);
    if ('release' in taken) return taken;
    if (!told) onWait(taken.heldBy);
    told = true;
    await delay(200);
  }
}

function createExclusive(path: string): boolean {
  // Written aside and linked: a reader never sees the lock without its owner.
  const aside = `${path}.${process.pid}`;
  writeFileSync(aside, String(process.pid));
  try {
    linkSync(aside, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function removeStale(path: string): void {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    // Another process may have replaced the stale lock between our look and our rename: give it back.
    const owner = readOwner(aside);
    if (owner !== undefined && isAlive(owner)) linkSync(aside, path);
  } finally {
    rmSync(aside, { force: true });
  }
}

function releaseLock(path: string): void {
  if (readOwner(path) === process.pid) rmSync(path, { force: true });
}

function readOwner(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether a process with this id runs; one of another user counts. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
