/**
 * Names of labels that Sidestep reads or writes. Names under `sidestep.dev/` are ours; all others belong to Istio or
 * Kubernetes and mean what their source says.
 */
export const LABEL = {
  /**
   * Namespace or pod: `ambient` lets ztunnel capture the pods, `none` keeps a pod out of an ambient namespace. On a
   * Namespace it acts at once on running pods that have no sidecar.
   *
   * @see istio/api label/labels.yaml, istio.io/dataplane-mode
   */
  dataplaneMode: 'istio.io/dataplane-mode',

  /**
   * Namespace: `enabled` injects sidecars into new pods, `disabled` does not; it beats the revision label.
   *
   * @see istio/istio manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml
   */
  injection: 'istio-injection',

  /**
   * Namespace, pod or Gateway: the revision or tag of istiod that injects and owns it.
   *
   * @see istio/api label/labels.yaml, istio.io/rev
   */
  revision: 'istio.io/rev',

  /**
   * Pod: `true` or `false` overrides the namespace's injection.
   *
   * @see istio/api label/labels.yaml, sidecar.istio.io/inject
   */
  inject: 'sidecar.istio.io/inject',

  /**
   * Pod with a sidecar: `http` if the sidecar speaks HBONE, so that ambient pods reach it with mTLS; set by the injector.
   *
   * @see istio/api label/labels.yaml, networking.istio.io/tunnel
   */
  tunnel: 'networking.istio.io/tunnel',

  /**
   * Pod with a sidecar: `istio`, set by the injector; tells callers that they may use mTLS.
   *
   * @see istio/istio pkg/model/proxy.go, TunnelLabel and TLSModeLabelName
   */
  tlsMode: 'security.istio.io/tlsMode',

  /**
   * Namespace, Service, ServiceEntry or pod: the waypoint that its traffic goes through.
   *
   * @see istio/api label/labels.yaml, istio.io/use-waypoint
   */
  useWaypoint: 'istio.io/use-waypoint',

  /**
   * Beside `istio.io/use-waypoint`: the namespace of that waypoint, if it is another one.
   *
   * @see istio/api label/labels.yaml, istio.io/use-waypoint-namespace
   */
  useWaypointNamespace: 'istio.io/use-waypoint-namespace',

  /**
   * Pod of a proxy that was deployed for a Gateway: the Gateway's name.
   *
   * @see kubernetes-sigs/gateway-api GEP-1762
   */
  gatewayName: 'gateway.networking.k8s.io/gateway-name',

  /**
   * Who manages the object; `sidestep` on everything that we create.
   *
   * @see Kubernetes docs, "Recommended Labels"
   */
  managedBy: 'app.kubernetes.io/managed-by',

  /**
   * The application that an object is part of; on our own Deployment also the selector.
   *
   * @see Kubernetes docs, "Recommended Labels"
   */
  name: 'app.kubernetes.io/name',

  /** ControllerRevision that holds the state of a namespace before its migration: `before`. Ours. */
  snapshot: 'sidestep.dev/snapshot',
} as const;

/** Names of annotations that Sidestep reads or writes; the prefix `sidestep.dev/` marks ours. */
export const ANNOTATION = {
  /**
   * Pod: what the injector did, as JSON. Its presence alone keeps the pod out of ambient mode.
   *
   * @see istio/api annotation/annotations.yaml, sidecar.istio.io/status; istio/istio cni/pkg/util/podutil.go
   */
  sidecarStatus: 'sidecar.istio.io/status',

  /**
   * Pod: comma-separated injection templates; a gateway's names one that is not `sidecar`.
   *
   * @see istio/api annotation/annotations.yaml, inject.istio.io/templates
   */
  injectTemplates: 'inject.istio.io/templates',

  /**
   * Pod: `enabled` once the CNI agent has captured it for ztunnel.
   *
   * @see istio/api annotation/annotations.yaml, ambient.istio.io/redirection
   */
  redirection: 'ambient.istio.io/redirection',

  /**
   * Prefix of the annotations that exclude ports and addresses from a sidecar's capture; ztunnel ignores them.
   *
   * @see istio/api annotation/annotations.yaml, traffic.sidecar.istio.io/*
   */
  trafficPrefix: 'traffic.sidecar.istio.io/',

  /**
   * AuthorizationPolicy: `true` logs what it would do and enforces nothing.
   *
   * @see istio/api annotation/annotations.yaml, istio.io/dry-run
   */
  dryRun: 'istio.io/dry-run',

  /**
   * Pod template: when `kubectl rollout restart` last changed it, RFC 3339; we write it too, so that tools which know it
   * show our restarts.
   *
   * @see kubernetes/kubectl pkg/polymorphichelpers/objectrestarter.go
   */
  restartedAt: 'kubectl.kubernetes.io/restartedAt',

  /** Pod template: which restart of ours made its pods, `<goal>.<generation>.<attempt>`. Ours. */
  restart: 'sidestep.dev/restart',

  /** Namespace: its injection and data-plane labels are set by us, `<generation>.<attempt>`. Ours. */
  enrolled: 'sidestep.dev/enrolled',

  /** On a snapshot: a rollback has brought its state back, so that it speaks of the past. Written by Sidestep. */
  restored: 'sidestep.dev/restored',

  /** Any object that we create: hash of the content that we wanted. Ours. */
  contentHash: 'sidestep.dev/content-hash',
} as const;
