import { it } from 'vitest';
import type { Cluster } from '../support/cluster.js';
import { yaml } from '../support/fixtures.js';
import { restartOperator } from './crashes.js';
import { NAME, policy, principals, VIEW, Views } from './views.js';

/** What ztunnel knows of a namespace, after the operator was away. */
export function ztunnelViewRestarts(cluster: () => Cluster): void {
  const views = new Views(cluster);

  it('leaves none of its parts behind where it is deleted itself while no operator runs', async () => {
    const name = 'view-without-index';
    await views.make(name);
    await cluster().apply(yaml(...['a', 'b', 'c'].map((each) => policy(name, each, principals(6_000)))));
    await views.annotate(name, `${VIEW}=true`);
    await views.untilNamed(name, NAME, `${NAME}-1`, `${NAME}-2`);
    await cluster().operator.stop();
    await cluster().kubectl('delete', 'configmap', '-n', name, NAME);
    await views.annotate(name, `${VIEW}-`);
    await cluster().operator.start();
    await views.untilNamed(name);
    await cluster().kubectl('delete', 'authorizationpolicies', '-n', name, '--all');
  });

  it('goes too if the annotation went while no operator ran', async () => {
    const name = 'view-orphan';
    await views.make(name);
    await views.annotate(name, `${VIEW}=true`);
    await views.file(name, 'protocol: HBONE');
    await cluster().operator.stop();
    await views.annotate(name, `${VIEW}-`);
    await cluster().operator.start();
    await views.untilGone(name);
  });

  it('is whole after a crash at its first write', async () => {
    const name = 'view-crash';
    await views.make(name);
    const killed = cluster().killOperatorAfter(
      ({ verb, objectRef }) => verb === 'patch' && objectRef?.resource === 'configmaps' && objectRef.namespace === name,
    );
    await Promise.all([killed, views.annotate(name, `${VIEW}=true`)]);
    await cluster().apply(yaml(policy(name, 'meanwhile')));
    await restartOperator(cluster());
    await views.file(name, 'meanwhile');
    await views.annotate(name, `${VIEW}-`);
    await views.untilGone(name);
  });
}
