import type { BodyOf, QueryOf } from "../operations.js";
import type { CallOptions } from "../transport.js";
import { Resource } from "./resource.js";

/** Deliveries that used up their attempts. */
export class DeadLetters extends Resource {
  list(query?: QueryOf<"listDeadLetters">, options?: CallOptions) {
    return this.client.list("listDeadLetters", { query }, options);
  }

  /** Sends one again. */
  redrive(id: string, options?: CallOptions) {
    return this.call("redriveDeadLetter", { path: { id } }, options);
  }

  /** Sends all again that match. */
  redriveAll(body?: BodyOf<"redriveDeadLetters">, options?: CallOptions) {
    return this.call("redriveDeadLetters", { body }, options);
  }
}
