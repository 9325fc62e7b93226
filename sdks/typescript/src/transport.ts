// One call: the request, its attempts, and what became of it.

import { ConnectionError, TimeoutError, UnexpectedAnswerError, errorOf } from "./errors.js";
import type { AngariumError, FieldError } from "./errors.js";
import { Attempts, EVENT_STREAM, EventParser } from "./events.js";
import type { ServerEvent } from "./events.js";
import { WAIT_MAX_MS, isRetryable, readRetryAfter, waitBefore } from "./retry.js";

/** What can be said about a single call. */
export interface CallOptions {
  /** Ends the call, its waiting included; it then throws the signal's reason. */
  signal?: AbortSignal | undefined;
  /** How long each attempt may take; how long a stream may be silent. */
  timeoutMs?: number | undefined;
  /** How often to try again; for a stream, without an event between. */
  retries?: number | undefined;
  /** For a POST: a key of your own, by which another process can repeat it. Otherwise one is made for each call. */
  idempotencyKey?: string | undefined;
  /** Only if the thing's `ETag` is still this one. */
  ifMatch?: string | undefined;
  /** Sent along; they cannot replace those of the client. */
  headers?: Readonly<Record<string, string>> | undefined;
}

/** A request as the transport takes it. */
export interface Call {
  method: string;
  /** With `{name}` where a parameter goes. */
  route: string;
  path?: Readonly<Record<string, unknown>> | undefined;
  query?: Readonly<Record<string, unknown>> | undefined;
  body?: unknown;
  credential: string | undefined;
  headers: Readonly<Record<string, string>>;
  /** Of all of its attempts. */
  idempotencyKey: string | undefined;
  /** Of the answer; JSON if not given. */
  mediaType?: string | undefined;
  /** Behind which event a stream goes on. */
  lastEventId?: string | undefined;
}

/** A success, as it was received. */
export interface Received {
  readonly body: unknown;
  readonly status: number;
  readonly headers: Headers;
  readonly requestId: string | undefined;
  /** Whether an earlier request with the same idempotency key did the work. */
  readonly replayed: boolean;
}

/** A success: the `data` of its body, or a body that is bare. */
export interface Answer<T> extends Omit<Received, "body"> {
  readonly data: T;
}

/** What is told one by one, for `for await`; leaving the loop closes the connection. */
export type Stream<T> = AsyncGenerator<T, void, undefined>;

/** What all calls of a client have in common. */
export interface TransportOptions {
  baseUrl: string;
  timeoutMs: number;
  retries: number;
  fetch: typeof globalThis.fetch;
  warn: (message: string) => void;
  /** Instead of one that really waits. */
  sleep?: ((ms: number, signal: AbortSignal | undefined) => Promise<void>) | undefined;
}

const USER_AGENT = "angarium-typescript/0.1.0";

/** Sends calls, and tries again where that helps. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #sleep: NonNullable<TransportOptions["sleep"]>;
  readonly #warned = new Set<string>();

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#sleep = options.sleep ?? sleep;
  }

  /** Throws the last attempt's error when no attempt succeeded, or none can. */
  async send(call: Call, options: CallOptions = {}): Promise<Received> {
    const { signal, retries = this.#options.retries } = options;
    const what = nameOf(call);
    const request = requestOf(call, this.#options.baseUrl, options);
    for (let retry = 1; ; retry++) {
      signal?.throwIfAborted();
      try {
        const [response, text] = await this.#exchange(what, request, options);
        this.#warnIfDeprecated(what, response.headers);
        return read(call, response, text);
      } catch (error) {
        await this.#sleep(waitAfter(error, retry, retries), signal);
      }
    }
  }

  /**
   * What a stream tells, one by one, until the server says that this was all. Where a connection ends or breaks,
   * another goes on behind its last event. Throws when too many fail with no event between, or none can succeed.
   */
  async *stream(call: Call, options: CallOptions = {}): Stream<unknown> {
    const { signal, retries = this.#options.retries } = options;
    const parser = new EventParser();
    const attempts = new Attempts();
    for (let failures = 0; ; ) {
      signal?.throwIfAborted();
      let wait: number;
      try {
        for await (const event of this.#events(behind(call, parser.lastId), parser, options)) {
          failures = 0;
          if (event.name === "end") return;
          const attempt = attempts.take(event);
          if (attempt !== undefined) yield attempt;
          signal?.throwIfAborted();
        }
        wait = Math.min(parser.retryMs, WAIT_MAX_MS);
      } catch (error) {
        wait = waitAfter(error, ++failures, retries);
      }
      await this.#sleep(wait, signal);
    }
  }

  /** What one connection brings; it is closed with the generator. */
  async *#events(call: Call, parser: EventParser, options: CallOptions): Stream<ServerEvent> {
    const what = nameOf(call);
    const { url, init } = requestOf(call, this.#options.baseUrl, options);
    const exchange = this.#begin(what, options);
    parser.begin();
    try {
      const response = await exchange.step(() => this.#options.fetch(url, { ...init, signal: exchange.signal }));
      this.#warnIfDeprecated(what, response.headers);
      const reader = isStream(response) ? response.body.getReader() : undefined;
      if (reader === undefined) throw noStream(response, await exchange.step(() => response.text()));
      // Each read may take as long as the timeout; a heartbeat comes sooner.
      for (;;) {
        const { done, value } = await exchange.step(() => reader.read());
        if (done) return;
        yield* parser.feed(value);
      }
    } finally {
      exchange.close();
    }
  }

  /** One attempt, its answer read to the end. */
  async #exchange(what: string, { url, init }: Request, options: CallOptions): Promise<[Response, string]> {
    const exchange = this.#begin(what, options);
    try {
      return await exchange.step(async () => {
        const response = await this.#options.fetch(url, { ...init, signal: exchange.signal });
        return [response, await response.text()];
      });
    } finally {
      exchange.close();
    }
  }

  #begin(what: string, { signal, timeoutMs = this.#options.timeoutMs }: CallOptions): Exchange {
    return new Exchange(what, timeoutMs, signal);
  }

  #warnIfDeprecated(what: string, headers: Headers): void {
    if (!headers.has("deprecation") || this.#warned.has(what)) return;
    this.#warned.add(what);
    const sunset = headers.get("sunset");
    this.#options.warn(`angarium: ${what} is deprecated${sunset === null ? "" : ` and ends on ${sunset}`}`);
  }
}

/** A request and its answer, until it is closed, the signal is aborted, or a step takes too long. */
class Exchange {
  readonly #what: string;
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #controller = new AbortController();
  readonly #abort = () => this.#controller.abort();

  constructor(what: string, timeoutMs: number, signal: AbortSignal | undefined) {
    this.#what = what;
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#abort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  async step<T>(run: () => Promise<T>): Promise<T> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#abort();
    }, this.#timeoutMs);
    try {
      return await run();
    } catch (error) {
      const what = this.#what;
      if (this.#signal?.aborted) throw this.#signal.reason;
      if (isLate) throw new TimeoutError({ message: `${what}: no answer in ${this.#timeoutMs} ms`, code: "TIMED_OUT" });
      throw new ConnectionError({ message: `${what}: ${reasonOf(error)}`, code: "CONNECTION_FAILED", cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#abort();
  }
}

/** How long to wait before retry number `retry`; throws the error if there is none. */
function waitAfter(error: unknown, retry: number, retries: number): number {
  if (retry > retries || !isRetryable(error)) throw error;
  const wait = waitBefore(retry, error.retryAfter, Math.random());
  if (wait === undefined) throw error;
  return wait;
}

/** `fetch` says only that it failed; why is in its cause. */
function reasonOf(error: unknown): string {
  const { message = String(error), cause } = error as Partial<Error>;
  return (cause as Partial<Error> | undefined)?.message || message;
}

interface Request {
  readonly url: string;
  readonly init: RequestInit;
}

function nameOf({ method, route }: Call): string {
  return `${method} ${route}`;
}

/** Of a stream, from its beginning or from behind an event; `since` means nothing then. */
function behind(call: Call, lastEventId: string): Call {
  const stream = { ...call, mediaType: EVENT_STREAM };
  return lastEventId === "" ? stream : { ...stream, lastEventId, query: { ...call.query, since: undefined } };
}

/** The same for every attempt. */
function requestOf(call: Call, baseUrl: string, options: CallOptions): Request {
  const { method, route, path, query, body, credential, idempotencyKey, mediaType = "application/json" } = call;
  const headers = new Headers({ ...call.headers, ...options.headers });
  headers.set("accept", mediaType);
  headers.set("user-agent", USER_AGENT);
  if (credential !== undefined) headers.set("authorization", `Bearer ${credential}`);
  if (idempotencyKey !== undefined) headers.set("idempotency-key", idempotencyKey);
  if (call.lastEventId !== undefined) headers.set("last-event-id", call.lastEventId);
  if (options.ifMatch !== undefined) headers.set("if-match", options.ifMatch);
  if (body !== undefined) headers.set("content-type", "application/json");
  // The API redirects nobody, and a key must not follow whoever does.
  const init: RequestInit = { method, headers, redirect: "manual" };
  if (body !== undefined) init.body = JSON.stringify(body);
  return { url: baseUrl + filled(route, path) + queryString(query), init };
}

function filled(route: string, path: Call["path"] = {}): string {
  return route.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = path[name];
    // An empty one would make another route of it, and so would a dot or two.
    if (typeof value !== "string" || /^\.{0,2}$/.test(value)) throw new TypeError(`${name} must be a non-empty string`);
    return encodeURIComponent(value);
  });
}

function queryString(query: Call["query"] = {}): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null) pairs.append(name, one instanceof Date ? one.toISOString() : String(one));
    }
  }
  const text = pairs.toString();
  return text === "" ? "" : `?${text}`;
}

function read({ route }: Call, response: Response, text: string): Received {
  const { status, headers } = response;
  const requestId = headers.get("x-request-id") ?? undefined;
  const body = parse(text, headers);
  if (!response.ok) throw failure(response, body, requestId);
  // Outside of the API there are metrics and such, which are text.
  if (typeof body === "string" && route.startsWith("/api/")) throw unexpected(status, body, requestId, undefined);
  const replayed = headers.get("idempotent-replayed") === "true";
  return { body, status, headers, requestId, replayed };
}

function isStream(response: Response): response is Response & { body: NonNullable<Response["body"]> } {
  const [mediaType = ""] = (response.headers.get("content-type") ?? "").split(";");
  return response.ok && mediaType.trim().toLowerCase() === EVENT_STREAM && response.body !== null;
}

function noStream(response: Response, text: string): AngariumError {
  const { status, headers } = response;
  const requestId = headers.get("x-request-id") ?? undefined;
  const body = parse(text, headers);
  return response.ok ? unexpected(status, body, requestId, undefined) : failure(response, body, requestId);
}

/** JSON where it says so and is; anything else as text. */
function parse(text: string, headers: Headers): unknown {
  if (text === "") return undefined;
  if (!/^application\/(\w[\w.-]*\+)?json\b/i.test(headers.get("content-type") ?? "")) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

interface ErrorBody {
  error: { code: string; message: string; requestId?: string; details?: { errors?: FieldError[]; hint?: string } };
  retryAfter?: number;
}

function isErrorBody(body: unknown): body is ErrorBody {
  const error = (body as Partial<ErrorBody> | undefined)?.error;
  return typeof error?.code === "string" && typeof error.message === "string";
}

function failure(response: Response, body: unknown, requestId: string | undefined): AngariumError {
  const { status, headers } = response;
  const retryAfter = readRetryAfter(headers.get("retry-after"), Date.now());
  if (!isErrorBody(body)) return unexpected(status, body, requestId, retryAfter);
  const { code, message, details } = body.error;
  return errorOf({
    message,
    code,
    status,
    requestId: body.error.requestId ?? requestId,
    errors: details?.errors,
    hint: details?.hint,
    retryAfter: retryAfter ?? body.retryAfter,
  });
}

function unexpected(
  status: number,
  body: unknown,
  requestId: string | undefined,
  retryAfter: number | undefined,
): UnexpectedAnswerError {
  const message = `HTTP ${status}, and not as Angarium answers`;
  return new UnexpectedAnswerError({ message, code: "UNEXPECTED_ANSWER", status, requestId, retryAfter, body });
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
