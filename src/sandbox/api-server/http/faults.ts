/** What a test wants a request to suffer. */
export interface Fault {
  /** Before it is carried out, or after that and instead of its answer. */
  readonly when: 'before' | 'after';
  /** `reset` closes the connection; a number is an HTTP status to answer with. */
  readonly what: 'reset' | number;
}

/** What is known about a request before it is carried out. */
export interface InterceptedRequest {
  readonly method: string;
  /** Path and query. */
  readonly uri: string;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Parameters, the very ones that the request is carried out with: an interceptor may change them. */
  readonly query: URLSearchParams;
  /** Who asks; the impersonated one where there is one. */
  readonly user: string;
}

/** Looks at each request before it is carried out, and may let it fail. */
export type Interceptor = (request: InterceptedRequest) => Fault | undefined | void;
