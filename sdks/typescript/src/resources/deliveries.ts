import type { QueryOf } from "../operations.js";
import type { CallOptions } from "../transport.js";
import { Resource } from "./resource.js";

/** What became of each event for each webhook. */
export class Deliveries extends Resource {
  list(query?: QueryOf<"listDeliveries">, options?: CallOptions) {
    return this.client.list("listDeliveries", { query }, options);
  }

  /** A delivery with all of its attempts. */
  get(id: string, options?: CallOptions) {
    return this.call("getDelivery", { path: { id } }, options);
  }

  /** Tries now, instead of when it would be next. */
  retry(id: string, options?: CallOptions) {
    return this.call("retryDelivery", { path: { id } }, options);
  }

  cancel(id: string, options?: CallOptions) {
    return this.call("cancelDelivery", { path: { id } }, options);
  }
}
