import type { BodyOf } from "../operations.js";
import type { CallOptions } from "../transport.js";
import { Resource } from "./resource.js";

/** What happened. */
export class Events extends Resource {
  /** Accepts an event: when this returns, it is stored, and so are its deliveries. */
  publish(body: BodyOf<"publishEvent">, options?: CallOptions) {
    return this.call("publishEvent", { body }, options);
  }

  /** Accepts many events, each alone: the answer says of each whether it was accepted, and throws for none. */
  publishBatch(events: BodyOf<"publishEvents">["events"], options?: CallOptions) {
    return this.call("publishEvents", { body: { events } }, options);
  }

  get(id: string, options?: CallOptions) {
    return this.call("getEvent", { path: { id } }, options);
  }

  /** Sends an event again, to one webhook or to all that want it now, under the same `webhook-id`. */
  replay(id: string, body?: BodyOf<"replayEvent">, options?: CallOptions) {
    return this.call("replayEvent", { path: { id }, body }, options);
  }
}
