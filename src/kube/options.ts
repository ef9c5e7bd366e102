/** What every call takes. */
export interface CallOptions {
  /** Ends the call; it then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** The call is over within this time, waits and repetitions included. Default: 30,000. */
  timeoutMs?: number;
  /** Keep `metadata.managedFields` in the answer. Default: false. */
  managedFields?: boolean;
}

/** What every write takes. */
export interface WriteOptions extends CallOptions {
  /** Name under which the server records who owns which field; 1 to 128 characters. */
  fieldManager: string;
  /** Check and answer, but store nothing. */
  dryRun?: boolean;
  /** What the server does with unknown and duplicate fields. Default: the server's, `Warn`. */
  fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
}

/** What to delete, and how. */
export interface DeleteOptions extends CallOptions {
  /** Only the object with this uid. */
  uid?: string;
  /** Only in this version. */
  resourceVersion?: string;
  /** What happens to objects that it owns. Default: that of the kind, mostly `Background`. */
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  /** How long a pod may take to end; 0 removes it at once, as a kubelet does. Default: that of the pod. */
  gracePeriodSeconds?: number;
  /** Check and answer, but delete nothing. */
  dryRun?: boolean;
}

/** What to list. */
export interface ListOptions extends CallOptions {
  /** Default: all namespaces. */
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  /** Objects per page. Default: 500. */
  limit?: number;
  /** Not older than this; `0` takes whatever the server has cached. Default: the newest. */
  resourceVersion?: string;
}

/** What to watch, and from where on. */
export interface WatchOptions {
  signal?: AbortSignal | undefined;
  /** Default: all namespaces. */
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  /** Send what happened after this version. Default: everything there is as ADDED, then changes. */
  resourceVersion?: string;
  /** Ask the server to end the stream after this time. Default: 300. */
  timeoutSeconds?: number;
  /** Ask for a bookmark about every minute. Default: true. */
  allowBookmarks?: boolean;
  /** A stream that is silent for this long is dead. Default: 75,000, because bookmarks come every minute. */
  idleTimeoutMs?: number;
  /** The server must begin to answer within this time. Default: 30,000. */
  timeoutMs?: number;
  managedFields?: boolean;
}

/** One page of a list. */
export interface Page<T> {
  items: T[];
  /** Version of the whole list: from here a watch continues without a gap. */
  resourceVersion: string;
}
