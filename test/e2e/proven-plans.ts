import { join } from 'node:path';
import { expect, it } from 'vitest';
import { AMBIENT_MIGRATION } from '../../src/api/ambient-migration.js';
import { AUTHORIZATION_POLICY } from '../../src/api/istio.js';
import type { AssessReport } from '../../src/cli/assess.js';
import { run } from '../../src/cli/program.js';
import { changesIn } from '../support/changes.js';
import type { Cluster } from '../support/cluster.js';
import { namespace, yaml } from '../support/fixtures.js';
import { listedFindings } from '../support/listed-findings.js';
import { NOBODY_ELSE_CALLS, ownAccount, policy, service } from './layer7-policies.js';

/** Policies of which each by itself is no obstacle. */
export function provenPlans(cluster: () => Cluster): void {
  /** What the command line says of a namespace, before there is a migration. */
  const assessed = async (name: string): Promise<AssessReport['findings']> => {
    let text = '';
    await run(['assess', '-n', name, '--prove', '-o', 'json'], {
      version: '',
      kubeconfig: join(cluster().dir, 'kubeconfig'),
      print: (more) => (text += more),
      complain: (more) => expect.unreachable(more),
    });
    return (JSON.parse(text) as AssessReport).findings;
  };

  it('does not begin where a request would be let in that is refused, shows it, and goes on once that is mended', async () => {
    const name = 'proven-open';
    const allow = (path: string, whom: object): object => ({
      ...whom,
      rules: [{ to: [{ operation: { paths: [path] } }] }],
    });
    const selector = { matchLabels: { app: 'api' } };
    const targetRefs = [{ group: '', kind: 'Service', name: 'api' }];
    await cluster().apply(
      yaml(
        namespace(name),
        service(name, 'api'),
        policy('AuthorizationPolicy', name, 'only-ip', allow('/ip', { selector })),
        // No sidecar reads it, and a waypoint adds it to the copy of the other.
        policy('AuthorizationPolicy', name, 'headers-too', allow('/headers', { targetRefs })),
      ),
    );
    await cluster().apply(yaml(...ownAccount(name, 'api')));
    await cluster().podsReady(name, 1);
    const told = await assessed(name);

    await cluster().migrate(name, {
      waypoint: { replicas: { min: 1, max: 1 } },
      acknowledge: NOBODY_ELSE_CALLS,
    });
    await cluster().condition(name, 'Stalled', { status: 'True', reason: 'BlockedByFindings' });
    const listed = (await cluster().until('the list of findings', () => listedFindings(cluster(), name))) ?? [];
    const blocking = listed.filter((one) => one.verdict === 'BLOCK' && !one.acknowledged);
    expect([...new Set(blocking.map(({ code, object }) => `${code} ${object}`))]).toEqual([
      `SST2042 Namespace/${name}`,
    ]);
    const by = `Waypoint Gateway/${name}/waypoint: ALLOW ${name}/headers-too, rule 0`;
    expect(blocking[0]?.message).toMatch(new RegExp(`GET /headers .*refused before.* is let in \\(${by}; Sidecar`));
    expect(changesIn(cluster(), name)).toEqual([]);
    // In the end only pods without sidecar reach it: who else calls until then changes with other namespaces.
    const atLast = (messages: readonly string[]): string[] =>
      messages.filter((one) => one.startsWith('step After')).map((one) => one.replace(' and others', ''));
    const shown = atLast(blocking.map(({ message }) => message));
    expect(shown).toHaveLength(1);
    expect(atLast(told.flatMap(({ code, reason }) => (code === 'SST2042' ? [reason] : [])))).toEqual(shown);

    await cluster().client.delete(AUTHORIZATION_POLICY, { namespace: name, name: 'headers-too' });
    const migrated = await cluster().ready(name, 'Migrated');
    expect(migrated.status?.plan?.findings.filter(({ code }) => code === 'SST2042')).toEqual([]);
    // What it says of others changes with them.
    await cluster().client.delete(AMBIENT_MIGRATION, { namespace: name, name });
  });
}
