/** Names of Sidestep's own labels. */
export const OWN_LABEL = {
  /** ControllerRevision that holds the state of a namespace before its migration: `before`. */
  snapshot: 'sidestep.dev/snapshot',
} as const;

/** Names of Sidestep's own annotations: what it marks, and what people ask of it. */
export const OWN_ANNOTATION = {
  /** Pod template: which restart of ours made its pods, `<goal>.<generation>.<attempt>.<migration>`. */
  restart: 'sidestep.dev/restart',

  /** Namespace: which of its injection and data-plane labels a migration has set, with their values of before, as JSON. */
  enrolled: 'sidestep.dev/enrolled',

  /** Namespace, Service or ServiceAccount: which waypoint labels a migration has set on it, as JSON. */
  waypointLabels: 'sidestep.dev/waypoint-labels',

  /** Gateway: the AmbientMigration of its namespace that has created it; a rollback deletes it. */
  createdBy: 'sidestep.dev/created-by',

  /** AuthorizationPolicy or RequestAuthentication that a migration has written: what for, `Kind/name` or `Kind/namespace/name`. */
  translatedFrom: 'sidestep.dev/translated-from',

  /** Workload: labels of its pod template that a migration has set, with their values of before, as JSON. */
  enrolledTemplate: 'sidestep.dev/enrolled-template',

  /** Gateway: the sizing that a migration has set on one that it has not created; a rollback removes it. */
  migrationSizing: 'sidestep.dev/migration-sizing',

  /** On a snapshot: a rollback has brought its state back, so that it speaks of the past. Written by Sidestep. */
  restored: 'sidestep.dev/restored',

  /**
   * Service: the waypoint that Sidestep has bound it to, `<name>` or, in another namespace, `<namespace>/<name>`; while it says what
   * `istio.io/use-waypoint` says, that label is ours.
   */
  boundWaypoint: 'sidestep.dev/bound-waypoint',

  /**
   * Namespace or ServiceAccount: names of the waypoints that Sidestep has made for it, with commas. Named and missing means that a
   * person has deleted it.
   */
  waypointCreated: 'sidestep.dev/waypoint-created',

  /** Namespace or ServiceAccount: the waypoint that it names and that is missing, and since when: `<name>/<RFC 3339>`. */
  waypointMissingSince: 'sidestep.dev/waypoint-missing-since',

  /** Gateway: whose label Sidestep has made it for, `Namespace/<name>` or `ServiceAccount/<name>`. */
  createdFor: 'sidestep.dev/created-for',

  /** Gateway that Sidestep has made: since when nothing names it and no policy targets it, RFC 3339. */
  unusedSince: 'sidestep.dev/unused-since',

  /** Namespace: how its pods take part in the mesh, `Sidecar`, `Ambient`, `Mixed` or `None`. */
  dataplane: 'sidestep.dev/dataplane',

  /** Gateway: `false` keeps Sidestep from deploying a waypoint for it, `true` asks for it. */
  serve: 'sidestep.dev/serve',

  /** Gateway: its waypoint goes although something still depends on it; any value but `false`. */
  forceDelete: 'sidestep.dev/force-delete',

  /** Gateway: how large its waypoint is, as JSON: `{"replicas":{"min":2,"max":5}}`. */
  sizing: 'sidestep.dev/sizing',

  /** Deployment of a waypoint of ours: what it owes to the mesh's configuration, as a hash; a change of it is rolled out in turn. */
  meshHash: 'sidestep.dev/mesh-hash',

  /** Deployment of a waypoint of ours: what its Gateway asks for, as a hash; a change of it is rolled out at once. */
  gatewayHash: 'sidestep.dev/gateway-hash',

  /** Any object that we create: hash of the content that we wanted. */
  contentHash: 'sidestep.dev/content-hash',

  /** Namespace: `true` keeps what ztunnel knows of it in the ConfigMap `sidestep-ztunnel`. */
  ztunnelView: 'sidestep.dev/ztunnel-view',

  /** ConfigMap `sidestep-ztunnel`: hash of what it and its parts were made from and of what they hold. */
  viewHash: 'sidestep.dev/view-hash',

  /** ConfigMap `sidestep-ztunnel`: when its content last changed, RFC 3339 by the operator's clock. */
  writtenAt: 'sidestep.dev/written-at',
} as const;
