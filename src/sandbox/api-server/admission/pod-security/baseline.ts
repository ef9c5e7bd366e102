import type { Container, PodSpec } from '../../builtin/pod-spec.js';
import {
  type SecurityCheck,
  type SecurityContext,
  type SecurityProblem,
  containersOf,
  contextOf,
  named,
  plural,
  quoted,
  setters,
  sorted,
  those,
  usesUserNamespaces,
} from './security-context.js';

const defaultCapabilities = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);

const seLinuxTypes = new Set(['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']);

const safeSysctls = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
]);

const isSafeProfile = (type: string | undefined): boolean => type === 'RuntimeDefault' || type === 'Localhost';

/** A host that a probe or lifecycle handler is sent to instead of the pod. */
function hostsOf(container: Container): string[] {
  const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container;
  return [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop]
    .flatMap((handler) => [handler?.httpGet?.host, handler?.tcpSocket?.host])
    .filter((host): host is string => Boolean(host));
}

/** Seccomp is switched off. */
export function badSeccomp(spec: PodSpec): SecurityProblem | undefined {
  const typeOf = (context: SecurityContext): string | undefined => context.seccompProfile?.type;
  const isBad = (context: SecurityContext): boolean =>
    context.seccompProfile !== undefined && !isSafeProfile(typeOf(context));
  const who = setters(spec, isBad);
  if (who === undefined) return undefined;
  const bad = [spec, ...containersOf(spec)].map(contextOf).filter(isBad);
  const values = quoted(sorted(bad.map((context) => typeOf(context) ?? '')));
  return { reason: 'seccompProfile', detail: `${who} must not set securityContext.seccompProfile.type to ${values}` };
}

/** `/proc` shows what it should not. */
export function badProcMount(spec: PodSpec): SecurityProblem | undefined {
  const bad = those(spec, ({ procMount = 'Default' }) => procMount !== 'Default');
  if (bad.length === 0) return undefined;
  const values = quoted(sorted(bad.map((container) => contextOf(container).procMount!)));
  return { reason: 'procMount', detail: `${named(bad)} must not set securityContext.procMount to ${values}` };
}

/** The baseline standard of Kubernetes 1.35. @see pod-security-admission, policy/check_*.go */
export const baselineChecks: readonly SecurityCheck[] = [
  {
    id: 'appArmorProfile',
    check(spec) {
      const isBad = ({ appArmorProfile }: SecurityContext): boolean =>
        appArmorProfile !== undefined && !isSafeProfile(appArmorProfile.type);
      const who = setters(spec, isBad);
      if (who === undefined) return undefined;
      const bad = [spec, ...containersOf(spec)].map(contextOf).filter(isBad);
      const values = sorted(bad.map(({ appArmorProfile }) => appArmorProfile?.type ?? ''));
      const detail = `${who} must not set AppArmor profile type to ${quoted(values)}`;
      return { reason: plural('forbidden AppArmor profile', values.length), detail };
    },
  },
  {
    id: 'capabilities_baseline',
    check(spec) {
      const extra = ({ capabilities }: SecurityContext): string[] =>
        (capabilities?.add ?? []).filter((each) => !defaultCapabilities.has(each));
      const bad = those(spec, (context) => extra(context).length > 0);
      if (bad.length === 0) return undefined;
      const added = quoted(sorted(bad.flatMap((container) => extra(contextOf(container)))));
      const detail = `${named(bad)} must not include ${added} in securityContext.capabilities.add`;
      return { reason: 'non-default capabilities', detail };
    },
  },
  {
    id: 'hostNamespaces',
    check(spec) {
      const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field] === true);
      const detail = shared.map((field) => `${field}=true`).join(', ');
      return shared.length > 0 ? { reason: 'host namespaces', detail } : undefined;
    },
  },
  {
    id: 'hostPathVolumes',
    check({ volumes = [] }) {
      const bad = volumes.filter((volume) => volume['hostPath'] !== undefined);
      const detail = `${plural('volume', bad.length)} ${quoted(bad.map(({ name }) => name))}`;
      return bad.length > 0 ? { reason: 'hostPath volumes', detail } : undefined;
    },
  },
  {
    id: 'hostPorts',
    check(spec) {
      const portsOf = ({ ports = [] }: Container): string[] =>
        ports.flatMap(({ hostPort }) => (hostPort ? [`${hostPort}`] : []));
      const bad = containersOf(spec).filter((container) => portsOf(container).length > 0);
      if (bad.length === 0) return undefined;
      const ports = sorted(bad.flatMap(portsOf));
      const uses = bad.length === 1 ? 'uses' : 'use';
      return {
        reason: 'hostPort',
        detail: `${named(bad)} ${uses} ${plural('hostPort', ports.length)} ${ports.join(', ')}`,
      };
    },
  },
  {
    id: 'hostProbesAndHostLifecycle',
    check(spec) {
      const bad = containersOf(spec).filter((container) => hostsOf(container).length > 0);
      if (bad.length === 0) return undefined;
      const hosts = sorted(bad.flatMap(hostsOf));
      const names = sorted(bad.map(({ name }) => name));
      const who = `${plural('container', names.length)} ${quoted(names)} ${names.length === 1 ? 'uses' : 'use'}`;
      const detail = `${who} ${plural('probe or lifecycle host', hosts.length)} ${quoted(hosts)}`;
      return { reason: 'probe or lifecycle host', detail };
    },
  },
  {
    id: 'privileged',
    check(spec) {
      const bad = those(spec, ({ privileged }) => privileged === true);
      const detail = `${named(bad)} must not set securityContext.privileged=true`;
      return bad.length > 0 ? { reason: 'privileged', detail } : undefined;
    },
  },
  {
    id: 'procMount',
    check(spec) {
      return usesUserNamespaces(spec) ? undefined : badProcMount(spec);
    },
  },
  {
    id: 'seLinuxOptions',
    check(spec) {
      const isBad = ({ seLinuxOptions: options }: SecurityContext): boolean =>
        options !== undefined &&
        (!seLinuxTypes.has(options.type ?? '') || Boolean(options.user) || Boolean(options.role));
      const who = setters(spec, isBad);
      if (who === undefined) return undefined;
      const bad = [spec, ...containersOf(spec)].map(contextOf).filter(isBad);
      const types = sorted(
        bad.map(({ seLinuxOptions }) => seLinuxOptions?.type ?? '').filter((type) => !seLinuxTypes.has(type)),
      );
      const details = [
        ...(types.length > 0 ? [`${plural('type', types.length)} ${quoted(types)}`] : []),
        ...(bad.some(({ seLinuxOptions }) => seLinuxOptions?.user) ? ['user may not be set'] : []),
        ...(bad.some(({ seLinuxOptions }) => seLinuxOptions?.role) ? ['role may not be set'] : []),
      ];
      const detail = `${who} set forbidden securityContext.seLinuxOptions: ${details.join('; ')}`;
      return { reason: 'seLinuxOptions', detail };
    },
  },
  { id: 'seccompProfile_baseline', check: badSeccomp },
  {
    id: 'sysctls',
    check(spec) {
      const bad = (contextOf(spec).sysctls ?? []).map(({ name }) => name).filter((name) => !safeSysctls.has(name));
      return bad.length > 0 ? { reason: 'forbidden sysctls', detail: bad.join(', ') } : undefined;
    },
  },
  {
    id: 'windowsHostProcess',
    check(spec) {
      const who = setters(spec, ({ windowsOptions }) => windowsOptions?.hostProcess === true);
      const detail = `${who ?? ''} must not set securityContext.windowsOptions.hostProcess=true`;
      return who ? { reason: 'hostProcess', detail } : undefined;
    },
  },
];
