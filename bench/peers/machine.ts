import { readFileSync } from 'node:fs';

/*
 * What Linux says in /proc about processes, connections and the whole machine.
 */

/** A tick of the kernel's clock for user space, ms; the same on all architectures that Node runs on. */
const TICK_MS = 10;

/** CPU time that a process has used since its start, user and system, ms. */
export function cpuMs(pid: number): number {
  return cpuMsOf(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

/** The same from the text of `/proc/PID/stat`. The second field is the program's name, which may hold anything. */
export function cpuMsOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** The most memory that a process has had resident at a time, MB. */
export function peakMemoryMb(pid: number): number {
  const [, kb] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kb) / 1024;
}

/** CPU time that the whole machine has used since its start, ms; of all cores together, without waiting for disks. */
export function machineCpuMs(): number {
  const [, user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8').split(/\s+/).map(Number);
  return ((user ?? 0) + (nice ?? 0) + (system ?? 0) + (irq ?? 0) + (softirq ?? 0) + (steal ?? 0)) * TICK_MS;
}

/**
 * How many TCP connections were opened by processes of this machine since it started. A count per process is nowhere to be had:
 * a client that closes with data unread leaves no trace in the table of connections.
 */
export function connectionsOpened(): number {
  return activeOpens(readFileSync('/proc/net/snmp', 'utf8'));
}

/** The same from the text of `/proc/net/snmp`: a line of names, and one of values. */
export function activeOpens(snmp: string): number {
  const [names = [], values = []] = snmp
    .split('\n')
    .filter((line) => line.startsWith('Tcp:'))
    .map((line) => line.split(' '));
  return Number(values[names.indexOf('ActiveOpens')]);
}
