// Server-sent events: how bytes become events, and events attempts, none of them twice. Pure.
// Bytes are read as the HTML standard says: https://html.spec.whatwg.org/multipage/server-sent-events.html

import { UnexpectedAnswerError } from "./errors.js";

export const EVENT_STREAM = "text/event-stream";
/** The pause before a stream that ended is begun again, until the server says another. */
const RETRY_MS = 1_000;
/** So many of the last attempts are known when they come again. */
export const ATTEMPTS_KEPT = 10_000;

/** One event. A heartbeat has an id, and no data. */
export interface ServerEvent {
  readonly id: string;
  readonly name: string;
  readonly data: string | undefined;
}

/**
 * Makes events of bytes, and keeps over all connections of a stream where it goes on. The standard gives no event
 * without data. Here there is one if its id is new, because the stream came further then.
 */
export class EventParser {
  #lastId = "";
  #retryMs = RETRY_MS;
  #unfinished = begun("");

  get lastId(): string {
    return this.#lastId;
  }

  get retryMs(): number {
    return this.#retryMs;
  }

  /** There is a new connection; what the one before left unfinished is dropped. */
  begin(): void {
    // The standard has no id here. But an event without one must not make the stream forget where it is.
    this.#unfinished = begun(this.#lastId);
  }

  /** The events that end in these bytes. */
  feed(bytes: Uint8Array): ServerEvent[] {
    const lines = this.#lines(this.#unfinished.decoder.decode(bytes, { stream: true }));
    return lines.map((line) => this.#take(line)).filter((event) => event !== undefined);
  }

  #lines(text: string): string[] {
    const state = this.#unfinished;
    if (text === "") return [];
    // The line of a CR has ended already.
    const more = state.endedByCr && text.startsWith("\n") ? text.slice(1) : text;
    state.endedByCr = more.endsWith("\r");
    const lines = (state.rest + more).split(/\r\n|\r|\n/);
    state.rest = lines.pop() ?? "";
    return lines;
  }

  #take(line: string): ServerEvent | undefined {
    if (line === "") return this.#end();
    // The name of a comment is empty.
    const [, name, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (name === "data") this.#unfinished.data.push(value);
    else if (name === "event") this.#unfinished.name = value;
    else if (name === "id" && !value.includes("\0")) this.#unfinished.id = value;
    else if (name === "retry" && /^\d+$/.test(value)) this.#retryMs = Number(value);
    return undefined;
  }

  #end(): ServerEvent | undefined {
    const { id, name, data } = this.#unfinished;
    const cameFurther = id !== this.#lastId;
    this.#lastId = id;
    this.#unfinished.name = "";
    this.#unfinished.data = [];
    if (data.length === 0) return cameFurther ? { id, name: name || "message", data: undefined } : undefined;
    return { id, name: name || "message", data: data.join("\n") };
  }
}

function begun(id: string) {
  return { decoder: new TextDecoder(), rest: "", endedByCr: false, id, name: "", data: [] as string[] };
}

/** Makes attempts of events. Where a stream goes on, the last ones may come again; they are left out. */
export class Attempts {
  /** In the order in which they came. */
  readonly #known = new Set<string>();

  /** The attempt that an event tells; `undefined` if it tells none, or one that is known. */
  take({ name, data }: ServerEvent): Attempt | undefined {
    if (name !== "attempt" || data === undefined) return undefined;
    const attempt = parse(data);
    return this.#isNew(`${attempt.id} ${attempt.attempt.number}`) ? attempt : undefined;
  }

  #isNew(key: string): boolean {
    if (this.#known.has(key)) return false;
    this.#known.add(key);
    const { value: oldest } = this.#known.values().next();
    if (this.#known.size > ATTEMPTS_KEPT && oldest !== undefined) this.#known.delete(oldest);
    return true;
  }
}

/** What tells one attempt from another. */
interface Attempt {
  readonly id: string;
  readonly attempt: { readonly number: number };
}

function parse(data: string): Attempt {
  let told: Partial<Attempt> | null;
  try {
    told = JSON.parse(data);
  } catch {
    told = null;
  }
  if (typeof told?.id === "string" && typeof told.attempt?.number === "number") return told as Attempt;
  const message = "an event of the stream is not an attempt";
  throw new UnexpectedAnswerError({ message, code: "UNEXPECTED_ANSWER", body: data });
}
