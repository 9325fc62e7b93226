// The client: its options, and the one way from an operation's id to its answer.

import { UnexpectedAnswerError } from "./errors.js";
import type { DataOf, EventOf, InputOf, ItemOf, OperationId, StreamId } from "./operations.js";
import { List } from "./pages.js";
import type { Page, Position } from "./pages.js";
import { FOR_SESSIONS, ROUTES, Resources } from "./resources.js";
import { Transport } from "./transport.js";
import type { Answer, Call, CallOptions, Received, Stream } from "./transport.js";

/** How a client is made. Every part may be left out. */
export interface AngariumOptions {
  /** `sk_live_…` or `sk_test_…`; the variable `ANGARIUM_API_KEY` if not given. */
  apiKey?: string | undefined;
  /** The session of a user who is signed in, for what no API key may do, such as managing API keys. */
  sessionToken?: string | undefined;
  /** For a session: which environment is meant. An API key belongs to one. */
  environment?: "production" | "staging" | undefined;
  /** For the session of an operator: which tenant is meant. */
  tenant?: string | undefined;
  /** The variable `ANGARIUM_BASE_URL` if not given, or `http://localhost:3001`. */
  baseUrl?: string | undefined;
  /** How long each attempt of a call may take; 30000 if not given. */
  timeoutMs?: number | undefined;
  /** How often a call is tried again; 3 if not given. */
  retries?: number | undefined;
  /** Instead of the global `fetch`. */
  fetch?: typeof globalThis.fetch | undefined;
  /** Told once of each operation that is deprecated; `console.warn` if not given. */
  warn?: ((message: string) => void) | undefined;
}

const BASE_URL = "http://localhost:3001";
const TIMEOUT_MS = 30_000;
const RETRIES = 3;

/** A client of the API. It holds no connection and no state but its options, and may be shared. */
export class Angarium extends Resources {
  readonly #transport: Transport;
  readonly #apiKey: string | undefined;
  readonly #sessionToken: string | undefined;
  readonly #sessionHeaders: Readonly<Record<string, string>>;

  constructor(options: AngariumOptions = {}) {
    super();
    const { timeoutMs = TIMEOUT_MS, retries = RETRIES, sessionToken, environment, tenant } = options;
    // What was given goes before what happens to be set.
    this.#apiKey = options.apiKey ?? (sessionToken === undefined ? variable("ANGARIUM_API_KEY") : undefined);
    this.#sessionToken = sessionToken;
    this.#sessionHeaders = {
      ...(environment === undefined ? {} : { "x-environment": environment }),
      ...(tenant === undefined ? {} : { "x-tenant": tenant }),
    };
    this.#transport = new Transport({
      baseUrl: (options.baseUrl ?? variable("ANGARIUM_BASE_URL") ?? BASE_URL).replace(/\/+$/, ""),
      timeoutMs,
      retries,
      // Not the function itself: some platforms refuse to call it on another object than theirs.
      fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
      warn: options.warn ?? ((message) => console.warn(message)),
    });
  }

  async request<O extends OperationId>(
    operation: O,
    input: InputOf<O>,
    options?: CallOptions,
  ): Promise<Answer<DataOf<O>>> {
    const { body, ...answer } = await this.#send(operation, input as Input, options);
    return { ...answer, data: (isObject(body) && "data" in body ? body["data"] : body) as DataOf<O> };
  }

  list<O extends OperationId>(operation: O, input: InputOf<O>, options?: CallOptions): List<ItemOf<O>> {
    const { page, cursor, limit, ...filters } = (input.query ?? {}) as Position;
    return new List({ page, cursor, limit }, async (position) => {
      const query = { ...filters, ...position };
      const { body } = await this.#send(operation, { ...(input as Input), query }, options);
      return pageOf<ItemOf<O>>(body);
    });
  }

  stream<O extends StreamId>(operation: O, input: InputOf<O>, options?: CallOptions): Stream<EventOf<O>> {
    const call = this.#call(operation, input as Input, options);
    return this.#transport.stream(call, options) as Stream<EventOf<O>>;
  }

  #send(operation: OperationId, input: Input, options?: CallOptions): Promise<Received> {
    return this.#transport.send(this.#call(operation, input, options), options);
  }

  #call(operation: OperationId | StreamId, { path, query, body }: Input, options?: CallOptions): Call {
    const [method = "", route = ""] = ROUTES[operation].split(" ");
    const forSessions: ReadonlySet<string> = FOR_SESSIONS;
    const isForSession = forSessions.has(operation) || this.#apiKey === undefined;
    const credential = isForSession ? this.#sessionToken : this.#apiKey;
    const headers = isForSession ? this.#sessionHeaders : {};
    const needsKey = method === "POST" && !isKeyed(operation, body);
    const idempotencyKey = options?.idempotencyKey ?? (needsKey ? crypto.randomUUID() : undefined);
    return { method, route, path, query, body, credential, headers, idempotencyKey };
  }
}

/** An event with a key or an id of its own is accepted once already, and another key would contradict it. */
function isKeyed(operation: OperationId | StreamId, body: unknown): boolean {
  const hasOwn = (event: unknown) => isObject(event) && (event["id"] ?? event["idempotencyKey"]) !== undefined;
  if (operation === "publishEvent") return hasOwn(body);
  if (operation !== "publishEvents" || !isObject(body)) return false;
  return Array.isArray(body["events"]) && body["events"].every(hasOwn);
}

/** What every `InputOf` is. */
interface Input {
  path?: Parameters;
  query?: Parameters;
  body?: unknown;
}
type Parameters = Readonly<Record<string, unknown>> | undefined;

/** Totals stand beside the rows in `data`, or in `pagination` beside `data`. */
function pageOf<T>(body: unknown): Page<T> {
  const { data, pagination } = isObject(body) ? body : {};
  const totals = isObject(pagination) ? pagination : isObject(data) ? data : {};
  const items = Array.isArray(data) ? data : Object.values(totals).find(Array.isArray);
  if (items === undefined) {
    throw new UnexpectedAnswerError({ message: "the answer is not a list", code: "UNEXPECTED_ANSWER", body });
  }
  const { total, page, limit, totalPages, nextCursor, prevCursor } = totals as Omit<Page<T>, "items">;
  const cursors = {
    ...(nextCursor === undefined ? {} : { nextCursor }),
    ...(prevCursor === undefined ? {} : { prevCursor }),
  };
  return { items, total, page, limit, totalPages, ...cursors };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Of the environment, on platforms that have one. */
function variable(name: string): string | undefined {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return process?.env?.[name] || undefined;
}
