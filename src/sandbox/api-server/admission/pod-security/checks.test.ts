import { describe, expect, test } from 'vitest';
import type { PodSpec } from '../../builtin/pod-spec.js';
import { baselineChecks } from './baseline.js';
import { restrictedChecks } from './restricted.js';

const pod = (context: object, podContext: object = {}, more: object = {}): PodSpec => ({
  containers: [{ name: 'a', securityContext: context }],
  securityContext: podContext,
  ...more,
});

const checks = new Map([...baselineChecks, ...restrictedChecks].map((check) => [check.id, check]));

/** As the message shows it, or undefined where the pod passes. */
function problem(id: string, spec: PodSpec): string | undefined {
  const found = checks.get(id)!.check(spec);
  return found && `${found.reason} (${found.detail})`;
}

describe('checks that the conformance suite does not reach', () => {
  test.each<[string, PodSpec, string | undefined]>([
    ['appArmorProfile', pod({ appArmorProfile: { type: 'RuntimeDefault' } }), undefined],
    [
      'appArmorProfile',
      pod({ appArmorProfile: { type: 'Unconfined' } }, { appArmorProfile: { type: 'Unconfined' } }),
      'forbidden AppArmor profile (pod and container "a" must not set AppArmor profile type to "Unconfined")',
    ],
    ['hostNamespaces', pod({}, {}, { hostPID: true, hostIPC: true }), 'host namespaces (hostPID=true, hostIPC=true)'],
    [
      'hostProbesAndHostLifecycle',
      { containers: [{ name: 'a', livenessProbe: { httpGet: { host: 'other', port: 80 } } }] },
      'probe or lifecycle host (container "a" uses probe or lifecycle host "other")',
    ],
    ['procMount', pod({ procMount: 'Unmasked' }, {}, { hostUsers: false }), undefined],
    [
      'procMount_restricted',
      pod({ procMount: 'Unmasked' }, {}, { hostUsers: false }),
      'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
    ],
    [
      'seLinuxOptions',
      pod({ seLinuxOptions: { type: 'spc_t', user: 'me' } }),
      'seLinuxOptions (container "a" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
    ],
    [
      'seccompProfile_baseline',
      pod({}, { seccompProfile: { type: 'Unconfined' } }),
      'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    ['seccompProfile_restricted', pod({}, { seccompProfile: { type: 'RuntimeDefault' } }), undefined],
    ['sysctls', pod({}, { sysctls: [{ name: 'net.ipv4.tcp_rmem' }] }), undefined],
    ['sysctls', pod({}, { sysctls: [{ name: 'kernel.msgmax' }] }), 'forbidden sysctls (kernel.msgmax)'],
    ['runAsUser', pod({ runAsUser: 0 }), 'runAsUser=0 (container "a" must not set runAsUser=0)'],
    [
      'runAsNonRoot',
      pod({ runAsNonRoot: false }, { runAsNonRoot: true }),
      'runAsNonRoot != true (container "a" must not set securityContext.runAsNonRoot=false)',
    ],
    [
      'restrictedVolumes',
      pod(
        {},
        {},
        {
          volumes: [
            { name: 'v', nfs: {} },
            { name: 'w', emptyDir: {} },
          ],
        },
      ),
      'restricted volume types (volume "v" uses restricted volume type "nfs")',
    ],
    [
      'capabilities_restricted',
      pod({ capabilities: { add: ['CHOWN', 'NET_BIND_SERVICE'], drop: ['ALL'] } }),
      'unrestricted capabilities (container "a" must not include "CHOWN" in securityContext.capabilities.add)',
    ],
    ['allowPrivilegeEscalation', pod({}, {}, { os: { name: 'windows' } }), undefined],
    [
      'windowsHostProcess',
      pod({ windowsOptions: { hostProcess: true } }),
      'hostProcess (container "a" must not set securityContext.windowsOptions.hostProcess=true)',
    ],
  ])('%s', (id, spec, expected) => {
    expect(problem(id, spec)).toBe(expected);
  });

  test('stand in the order in which problems are reported', () => {
    for (const list of [baselineChecks, restrictedChecks]) {
      const ids = list.map(({ id }) => id);
      expect(ids).toEqual([...ids].sort());
    }
  });
});
