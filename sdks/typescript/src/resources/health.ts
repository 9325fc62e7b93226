import type { CallOptions } from "../transport.js";
import { Resource } from "./resource.js";

/** How the deployment is. No key is needed. */
export class Health extends Resource {
  /** Whether the API answers. */
  get(options?: CallOptions) {
    return this.call("getHealth", {}, options);
  }

  /** Whether the process is alive. */
  live(options?: CallOptions) {
    return this.call("getLiveness", {}, options);
  }

  /** Whether the process takes requests; throws when it does not. */
  ready(options?: CallOptions) {
    return this.call("getReadiness", {}, options);
  }

  /** The metrics, as OpenMetrics text. */
  metrics(options?: CallOptions) {
    return this.call("getMetrics", {}, options);
  }
}
