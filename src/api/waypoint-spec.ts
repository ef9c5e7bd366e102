import * as z from 'zod';
import { text, withRules } from './schema.js';
import { WaypointReplicasSchema, WaypointResourcesSchema } from './sizing.js';

/** Istio takes this value of `istio.io/use-waypoint` for "no waypoint". */
const NO_WAYPOINT = 'none';

const OTHER_NAMESPACE = 'of another namespace is only bound to: remove it, or remove spec.waypoint.namespace';

/** `spec.waypoint` of an AmbientMigration. */
export const WaypointSchema = withRules(
  z.object({
    provision: z
      .enum(['Auto', 'Always', 'Never'])
      .default('Auto')
      .describe(
        'Whether the namespace gets a waypoint. Auto: only if a policy or a route needs one. Never: none is created and nothing is bound.',
      ),
    name: withRules(
      // The Service of a waypoint has the Gateway's name.
      text(/^[a-z]([-a-z0-9]*[a-z0-9])?$/, 'must be a name of a Service, such as waypoint', 63),
      {
        cel: `self != '${NO_WAYPOINT}'`,
        holds: (name) => name !== NO_WAYPOINT,
        message: `must not be ${NO_WAYPOINT}, which Istio takes for "no waypoint": choose another name, or set provision to Never`,
      },
    )
      .default('waypoint')
      .describe('Name of the Gateway. One that is there is used as it is; one that is not is created.'),
    namespace: text(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must be the name of a namespace', 63)
      .exactOptional()
      .describe(
        'Another namespace, whose Gateway is used. It must exist and allow this namespace; nothing is created or changed there. Unset: this namespace.',
      ),
    className: text(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'must be the name of a GatewayClass', 253)
      .default('istio-waypoint')
      .describe('GatewayClass of the Gateway, if it is created.'),
    scope: z
      .enum(['Namespace', 'ServiceAccount', 'Service'])
      .default('Namespace')
      .describe(
        'What is labelled with the waypoint: the Namespace, the ServiceAccounts of its workloads, or each Service that has pods in the mesh.',
      ),
    replicas: WaypointReplicasSchema.exactOptional().describe(
      'How many replicas the waypoint has. Unset: as the class says, or else 2 to 5, if it is created; one that is there stays as it is.',
    ),
    resources: WaypointResourcesSchema.exactOptional().describe(
      'What a replica requests and may use. Unset: as the mesh says.',
    ),
  }),
  {
    cel: '!has(self.namespace) || !has(self.replicas)',
    holds: ({ namespace, replicas }) => namespace === undefined || replicas === undefined,
    message: OTHER_NAMESPACE,
    forbids: '.replicas',
  },
  {
    cel: '!has(self.namespace) || !has(self.resources)',
    holds: ({ namespace, resources }) => namespace === undefined || resources === undefined,
    message: OTHER_NAMESPACE,
    forbids: '.resources',
  },
  {
    cel: "!has(self.namespace) || self.scope != 'ServiceAccount'",
    holds: ({ namespace, scope }) => namespace === undefined || scope !== 'ServiceAccount',
    message:
      'ServiceAccount takes a Gateway of this namespace only: set scope to Namespace or Service, or remove spec.waypoint.namespace',
    forbids: '.scope',
  },
);

/** `status.waypoints[]`. */
export const WaypointStatusSchema = z.object({
  name: z.string().describe('Name of the Gateway.'),
  namespace: z.string().describe('Namespace of the Gateway.'),
  className: z.string().exactOptional().describe('Class of the Gateway. Unset: it is not there yet.'),
  created: z.boolean().describe('Whether the migration has created it; then a rollback deletes it.'),
  ready: z.boolean().describe('Whether it takes traffic.'),
  services: z.string().describe('Services whose traffic goes through it, of those that are meant to: 3/3.'),
});
