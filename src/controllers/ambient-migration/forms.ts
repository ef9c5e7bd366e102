import { isGateway } from '../../mesh/dataplane.js';
import { type AmbientForms, type FormsScope, ambientForms } from '../../mesh/translation/ambient-forms.js';
import { isRouting } from '../../mesh/translation/other-ways.js';
import { type WrittenRoutes, writtenRoutes } from '../../mesh/translation/routes/written-routes.js';
import type { AccountedPods } from '../../mesh/translation/ways-around.js';
import { perVersion } from '../../runtime/per-version.js';
import { waypointOf } from './intended-waypoint.js';
import type { Observed } from './observed.js';
import { labelsBefore } from './template-enrolment.js';
import { templateLabels, workloadName } from './workloads.js';

/** The ambient forms of the namespace's policies, whether or not they are asked for. Pure. */
export const formsOf: (observed: Observed) => AmbientForms = perVersion((observed: Observed) =>
  ambientForms(observed.policies, formsScope(observed)),
);

/** Whether a policy asks for a waypoint, and Sidestep may write what the waypoint has to be told. */
export function needsTranslation(observed: Observed): boolean {
  return (
    mayTranslate(observed) && formsOf(observed).forms.some(({ isLayer7, objects }) => isLayer7 && objects.length > 0)
  );
}

/** Whether the spec leaves policies for the waypoint to Sidestep. */
export function mayTranslate({ spec }: Observed): boolean {
  return spec.policies.translation === 'Auto' && spec.waypoint.provision !== 'Never';
}

/** What is written for VirtualServices of the namespace; undefined: people do it. Pure. */
export const routesOf: (observed: Observed) => WrittenRoutes | undefined = perVersion((observed: Observed) =>
  mayTranslate(observed)
    ? writtenRoutes({ namespace: observed.namespace.metadata.name, objects: observed.policies })
    : undefined,
);

/** What decides about those forms. */
export function formsScope(observed: Observed): FormsScope {
  return {
    namespace: observed.namespace.metadata.name,
    rootNamespace: observed.mesh.rootNamespace,
    waypoint: waypointOf(observed),
    traffic: observed.waypoint.traffic,
    services: observed.waypoint.services,
    pods: podGroups(observed),
    listedPods: observed.waypoint.listedPods,
    mesh: observed.mesh.settings,
    routing: [...observed.policies, ...(routesOf(observed)?.written ?? []).map(({ object }) => object)].filter(
      isRouting,
    ),
  };
}

/** The pods of the namespace by what makes them, as they were before their workloads were enrolled; proxies of Gateways left out. */
export function podGroups({ workloads, cronJobs, jobPods, strayPods }: Observed): AccountedPods[] {
  const ofTemplates = [
    ...workloads.map((one) => ({
      name: workloadName(one),
      labels: labelsBefore(templateLabels(one), one.enrolment),
      template: one.template,
    })),
    ...cronJobs.map(({ name, template }) => ({
      name: `CronJob/${name}`,
      labels: template.metadata?.labels ?? {},
      template,
    })),
  ];
  const pods = [...jobPods, ...strayPods].filter(({ gateway, counts }) => counts && !gateway);
  return [
    ...ofTemplates
      .filter(({ template: { metadata = {}, spec } }) => spec.hostNetwork !== true && !isGateway({ metadata }))
      .map(({ name, labels, template: { spec } }) => ({
        name,
        labels,
        account: spec.serviceAccountName ?? 'default',
        ports: spec.containers.flatMap(({ ports = [] }) => ports),
      })),
    ...pods.map(({ name, labels, account }) => ({ name: `Pod/${name}`, labels, account, ports: [] })),
  ];
}
