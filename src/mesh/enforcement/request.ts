/** What a proxy sees of a request, or of a connection on which it does not speak HTTP. Addresses are IP addresses. */
export interface ProxyRequest {
  readonly source: {
    /** Who the caller's certificate says it is, such as `cluster.local/ns/shop/sa/web`; none if the caller sends plaintext. */
    readonly principal?: string;
    readonly address: string;
  };
  /** Where the request comes from by `X-Forwarded-For` (the source's address). */
  readonly remoteAddress?: string;
  /** Where the proxy takes it to be going: the pod for a sidecar, the Service for a waypoint. */
  readonly destination: { readonly address: string; readonly port: number };
  /** Server name that the caller's TLS asks for; none if the caller sends plaintext. */
  readonly sni?: string;
  /** None on a port whose protocol is not HTTP. */
  readonly http?: HttpRequest;
  /** What filters of Envoy have noted: name of the filter → key → value. It is what `experimental.envoy.filters.*` reads. */
  readonly metadata?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** A request as it comes from the caller: nothing is normalised or removed yet. */
export interface HttpRequest {
  readonly method: string;
  /** With the port if the caller sends it. */
  readonly host: string;
  /** With the query. */
  readonly path: string;
  /** By names in lower case. */
  readonly headers: Headers;
  /** What the tokens in headers, query and cookies say, by their text. A text that is not here is no token. */
  readonly tokens?: Readonly<Record<string, Token>>;
}

/** Names in lower case, with all their values in order. */
export type Headers = Readonly<Record<string, readonly string[]>>;

/** A JSON Web Token, read. */
export interface Token {
  readonly claims: Claims;
  /**
   * `Forged` if no key of its issuer has signed it. The clocks may differ by a minute, so a token is `Expired` or `NotYetValid`
   * only a minute later or earlier than it says. (`Good`)
   */
  readonly state?: 'Good' | 'Forged' | 'Expired' | 'NotYetValid';
}

/** The payload of a token: `iss`, `sub`, `aud`, and whatever else. */
export type Claims = Readonly<Record<string, unknown>>;

/** What of the mesh's configuration decides with the policies. Names are those of `meshConfig`. */
export interface ProxySettings {
  readonly trustDomain: string;
  readonly trustDomainAliases?: readonly string[];
  /** How paths are put into one form before anything reads them (`BASE`, which `DEFAULT` means, too). */
  readonly pathNormalization?: 'NONE' | 'BASE' | 'MERGE_SLASHES' | 'DECODE_AND_MERGE_SLASHES';
  /** Names of `extensionProviders` that can be asked to authorize, and how they are asked. (none) */
  readonly authorizationProviders?: Readonly<Record<string, 'http' | 'grpc'>>;
}
