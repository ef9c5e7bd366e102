/** Names of Istio's pod annotations that say which traffic a proxy takes, and set up a sidecar. */
export const CAPTURE_ANNOTATION = {
  /**
   * Pod: settings of its sidecar, a ProxyConfig in YAML.
   *
   * @see istio/api annotation/annotations.yaml, proxy.istio.io/config
   */
  proxyConfig: 'proxy.istio.io/config',

  /**
   * Pod: how a sidecar takes traffic, `REDIRECT`, `TPROXY` or `NONE`.
   *
   * @see istio/api annotation/annotations.yaml, sidecar.istio.io/interceptionMode
   */
  interceptionMode: 'sidecar.istio.io/interceptionMode',

  /**
   * Prefix of the annotations that set up a sidecar, or tell of one.
   *
   * @see istio/api annotation/annotations.yaml, sidecar.istio.io/*
   */
  sidecarPrefix: 'sidecar.istio.io/',

  /**
   * Prefix of the annotations that exclude ports and addresses from a sidecar's capture; ztunnel ignores them.
   *
   * @see istio/api annotation/annotations.yaml, traffic.sidecar.istio.io/*
   */
  trafficPrefix: 'traffic.sidecar.istio.io/',

  /**
   * Pod: comma-separated interfaces; what arrives there is outbound traffic, in both modes.
   *
   * @see istio/api annotation/annotations.yaml, istio.io/reroute-virtual-interfaces
   */
  rerouteVirtualInterfaces: 'istio.io/reroute-virtual-interfaces',

  /**
   * Pod: `true` keeps inbound traffic from ztunnel, and from every policy.
   *
   * @see istio/api annotation/annotations.yaml, ambient.istio.io/bypass-inbound-capture
   */
  bypassInboundCapture: 'ambient.istio.io/bypass-inbound-capture',
} as const;
