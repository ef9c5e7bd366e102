import { badProcMount, badSeccomp } from './baseline.js';
import {
  type SecurityCheck,
  type SecurityContext,
  contextOf,
  isWindows,
  named,
  plural,
  quoted,
  setters,
  sorted,
  those,
  usesUserNamespaces,
} from './security-context.js';

const allowedVolumes = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

/** What the restricted standard of Kubernetes 1.35 asks for besides. @see pod-security-admission, policy/check_*.go */
export const restrictedChecks: readonly SecurityCheck[] = [
  {
    id: 'allowPrivilegeEscalation',
    check(spec) {
      if (isWindows(spec)) return undefined;
      const bad = those(spec, (context) => context.allowPrivilegeEscalation !== false);
      if (bad.length === 0) return undefined;
      const detail = `${named(bad)} must set securityContext.allowPrivilegeEscalation=false`;
      return { reason: 'allowPrivilegeEscalation != false', detail };
    },
  },
  {
    id: 'capabilities_restricted',
    instead: 'capabilities_baseline',
    check(spec) {
      if (isWindows(spec)) return undefined;
      const keeping = those(spec, ({ capabilities }) => !capabilities?.drop?.includes('ALL'));
      const extra = ({ capabilities }: SecurityContext): string[] =>
        (capabilities?.add ?? []).filter((each) => each !== 'NET_BIND_SERVICE');
      const adding = those(spec, (context) => extra(context).length > 0);
      const added = quoted(sorted(adding.flatMap((container) => extra(contextOf(container)))));
      const details = [
        ...(keeping.length > 0 ? [`${named(keeping)} must set securityContext.capabilities.drop=["ALL"]`] : []),
        ...(adding.length > 0
          ? [`${named(adding)} must not include ${added} in securityContext.capabilities.add`]
          : []),
      ];
      return details.length > 0 ? { reason: 'unrestricted capabilities', detail: details.join('; ') } : undefined;
    },
  },
  { id: 'procMount_restricted', instead: 'procMount', check: badProcMount },
  {
    id: 'restrictedVolumes',
    instead: 'hostPathVolumes',
    check({ volumes = [] }) {
      const bad = volumes.filter((volume) => !allowedVolumes.some((source) => volume[source] !== undefined));
      if (bad.length === 0) return undefined;
      const types = sorted(bad.map((volume) => Object.keys(volume).find((key) => key !== 'name') ?? 'unknown'));
      const who = `${plural('volume', bad.length)} ${quoted(bad.map(({ name }) => name))} ${bad.length === 1 ? 'uses' : 'use'}`;
      const detail = `${who} ${plural('restricted volume type', types.length)} ${quoted(types)}`;
      return { reason: 'restricted volume types', detail };
    },
  },
  {
    id: 'runAsNonRoot',
    check(spec) {
      if (usesUserNamespaces(spec)) return undefined;
      const reason = 'runAsNonRoot != true';
      const who = setters(spec, ({ runAsNonRoot }) => runAsNonRoot === false);
      if (who) return { reason, detail: `${who} must not set securityContext.runAsNonRoot=false` };
      if (contextOf(spec).runAsNonRoot === true) return undefined;
      const silent = those(spec, ({ runAsNonRoot }) => runAsNonRoot === undefined);
      const detail = `pod or ${named(silent)} must set securityContext.runAsNonRoot=true`;
      return silent.length > 0 ? { reason, detail } : undefined;
    },
  },
  {
    id: 'runAsUser',
    check(spec) {
      if (usesUserNamespaces(spec)) return undefined;
      const who = setters(spec, ({ runAsUser }) => runAsUser === 0);
      return who ? { reason: 'runAsUser=0', detail: `${who} must not set runAsUser=0` } : undefined;
    },
  },
  {
    id: 'seccompProfile_restricted',
    instead: 'seccompProfile_baseline',
    check(spec) {
      if (isWindows(spec)) return undefined;
      const bad = badSeccomp(spec);
      if (bad || contextOf(spec).seccompProfile) return bad;
      const silent = those(spec, ({ seccompProfile }) => seccompProfile === undefined);
      const detail = `pod or ${named(silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`;
      return silent.length > 0 ? { reason: 'seccompProfile', detail } : undefined;
    },
  },
];
