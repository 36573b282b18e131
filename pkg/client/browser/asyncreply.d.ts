// The client of asyncreply for browsers and Node.js 20.3 or newer.

export interface ClientOptions {
  /** URL of the acceptor. Needed to submit. */
  acceptor?: string | URL;

  /** URL of the status service. Needed only to resume a job by its id. */
  status?: string | URL;

  /**
   * Headers for both services, such as Authorization; a function is asked
   * before each request, so that a token can be renewed. Storage never gets
   * them, unless a result is fetched with the delivery "redirect".
   */
  headers?: HeadersInit | ((url: string) => HeadersInit | Promise<HeadersInit>);

  /**
   * How to hear of progress. "auto" (default): by events, where they do not come
   * through by long polls, and where those are not heeded by polls. "wait": by
   * long polls, else polls. "poll": by polls.
   */
  transport?: 'auto' | 'wait' | 'poll';

  /** How long a request is tried again while a service cannot be reached or is not able to serve, in ms. Default 2 min. */
  retryFor?: number;

  /** Called before each repetition of a request. */
  onRetry?: (retry: Retry) => void;

  /** How many connections to one origin are held open to listen, by all tabs together. Default 4 of the browser's 6. */
  maxStreams?: number;

  /** Used instead of the global fetch. */
  fetch?: typeof fetch;
}

export interface Retry {
  url: string;
  error: ConnectionError | ProblemError;
  attempt: number;
  /** ms until the repetition. */
  delay: number;
}

export interface CallOptions {
  /** Ends the call. AbortSignal.timeout(ms) is a deadline. It cancels no job. */
  signal?: AbortSignal;
}

export interface SubmitOptions extends CallOptions {
  /** Query parameters of the operation. */
  params?: Record<string, string | number | boolean | null | undefined>;

  /** Media type of the payload. Default: a Blob's own, application/json for values, text/plain for strings. */
  contentType?: string;

  /**
   * The same key with the same payload is the same job. Default: a new one,
   * which lets the request be sent again without harm. Null: none.
   */
  idempotencyKey?: string | null;
}

export interface WaitOptions extends CallOptions {
  onProgress?: (status: Status) => void;
}

export interface ResultOptions extends WaitOptions {
  /**
   * Where the bytes come from. "link" (default): from storage by a signed URL.
   * "redirect": the same by way of the status service's redirect. "stream":
   * from the status service itself, which needs nothing of storage.
   */
  delivery?: 'link' | 'redirect' | 'stream';
}

/** What is sent: bytes, text, or a value that is sent as JSON. A ReadableStream is sent once and never again. */
export type Payload = Blob | ArrayBuffer | ArrayBufferView<ArrayBuffer> | ReadableStream<Uint8Array> | string | number | boolean | object | null | undefined;

export type State = 'Accepted' | 'Running' | 'Succeeded' | 'Failed' | 'Canceled';

export interface Failure {
  code: string;
  message: string;
  /** What a backend answered. */
  detail?: unknown;
}

/** How a job stands. Times are RFC 3339, in UTC. */
export interface Status {
  id: string;
  status: State;
  /** Absent while the job waits in its queue. */
  operation?: string;
  percentComplete?: number;
  /** What the handler says about its progress. */
  message?: string;
  /** 0 while the job waits in its queue. */
  attempt?: number;
  /** Why the attempt before failed. */
  lastError?: Failure;
  nextAttemptAt?: string;
  /** Why the job failed, or that it was canceled. */
  error?: Failure;
  submittedAt?: string;
  startedAt?: string;
  updatedAt?: string;
  finishedAt?: string;
  statusUrl?: string;
  operationUrl?: string;
  resultUrl?: string;
  /** Seconds. */
  retryAfter?: number;
}

/** An operation that the acceptor offers. */
export interface Operation {
  name: string;
  description?: string;
  path: string;
  /** Absent: any. */
  contentTypes?: string[];
  /** Bytes. */
  maxPayload: number;
  /** A JSON Schema for each query parameter. Absent: any. */
  parameters?: Record<string, Record<string, unknown>>;
  /** JSON Schema of the payload. */
  schema?: Record<string, unknown>;
}

/** Calls an acceptor, and the status service that it names. */
export class Client {
  constructor(options?: ClientOptions);

  /** Lists the operations that the acceptor offers. */
  operations(options?: CallOptions): Promise<Operation[]>;

  /** Sends a request and gives the job that it became. */
  submit(operation: string, payload?: Payload, options?: SubmitOptions): Promise<Job>;

  /** Submits, waits, and gives the result. */
  run(operation: string, payload?: Payload, options?: SubmitOptions & ResultOptions): Promise<Result>;

  /** Gives the job of a token that was kept, or of an id where the option "status" is set. It asks nothing. */
  resume(token: string): Job;
}

/** A request that was accepted. It is iterable: see progress. */
export class Job implements AsyncIterable<Status> {
  private constructor();

  readonly id: string;
  readonly statusUrl: string;
  readonly submittedAt?: string;

  /** What to keep in order to resume the job later, after a restart for instance. */
  readonly token: string;

  /** Asks once how the job gets on. */
  status(options?: CallOptions): Promise<Status>;

  /** Gives each status that the job is seen in. The last one is final; a failed job is no error here. */
  progress(options?: CallOptions): AsyncGenerator<Status, void, undefined>;

  [Symbol.asyncIterator](): AsyncGenerator<Status, void, undefined>;

  /** Waits for success. A job that fails or is canceled throws a JobError. */
  wait(options?: WaitOptions): Promise<Status>;

  /** Waits for success and gives the result, whose bytes are not fetched before they are asked for. */
  result(options?: ResultOptions): Promise<Result>;

  /** Cancels the job unless it has ended, and gives the status that it has then. */
  cancel(options?: CallOptions): Promise<Status>;
}

/** The result of a job that succeeded. */
export class Result {
  private constructor();

  /** Bytes. */
  readonly size: number;
  readonly type: string;
  readonly fileName?: string;
  /** Hexadecimal. */
  readonly sha256?: string;

  /** A URL that anybody may read the result from, for some minutes. */
  url(options?: CallOptions & { fresh?: boolean }): Promise<string>;

  /** The bytes as they come. A download that breaks off is resumed where it broke. Their digest is not checked. */
  stream(options?: CallOptions): ReadableStream<Uint8Array>;

  /** The bytes; up to 64 MiB are checked against the digest, in secure contexts. */
  blob(options?: CallOptions): Promise<Blob>;
  arrayBuffer(options?: CallOptions): Promise<ArrayBuffer>;
  text(options?: CallOptions): Promise<string>;
  json<T = unknown>(options?: CallOptions): Promise<T>;
}

/** A request that was refused. */
export class ProblemError extends Error {
  /** Stable and machine-readable, such as InvalidPayload. "Http" for an answer without a problem document. */
  readonly code: string;
  /** HTTP status. */
  readonly status?: number;
  /** What is wrong with payload or query string. */
  readonly errors: Violation[];
  /** Names the request in the service's log. */
  readonly requestId?: string;
  /** The problem document (RFC 9457) with all its members. */
  readonly problem: Record<string, unknown>;
}

export interface Violation {
  /** JSON Pointer into the payload. */
  pointer?: string;
  /** Query parameter. */
  name?: string;
  detail: string;
}

/** A job that ended without a result. Its code is the job's. */
export class JobError extends ProblemError {
  readonly job: Status;
  readonly canceled: boolean;
}

/** A service that could not be reached for too long; its cause is what fetch threw last. */
export class ConnectionError extends Error {}

/** A result whose bytes are not those that the job produced. */
export class IntegrityError extends Error {}
