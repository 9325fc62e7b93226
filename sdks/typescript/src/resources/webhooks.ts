import type { BodyOf, QueryOf } from "../operations.js";
import type { CallOptions } from "../transport.js";
import { Resource } from "./resource.js";

/** Registered URLs, and what each is sent. */
export class Webhooks extends Resource {
  /** Registers a webhook. The answer has its secret, this once. */
  create(body: BodyOf<"createWebhook">, options?: CallOptions) {
    return this.call("createWebhook", { body }, options);
  }

  list(query?: QueryOf<"listWebhooks">, options?: CallOptions) {
    return this.client.list("listWebhooks", { query }, options);
  }

  get(id: string, options?: CallOptions) {
    return this.call("getWebhook", { path: { id } }, options);
  }

  /** The same as `update`, by PUT: what `body` does not mention stays. */
  replace(id: string, body: BodyOf<"replaceWebhook">, options?: CallOptions) {
    return this.call("replaceWebhook", { path: { id }, body }, options);
  }

  /** Changes what `body` mentions; `null` resets a setting to its default. */
  update(id: string, body: BodyOf<"updateWebhook">, options?: CallOptions) {
    return this.call("updateWebhook", { path: { id }, body }, options);
  }

  delete(id: string, options?: CallOptions) {
    return this.call("deleteWebhook", { path: { id } }, options);
  }

  /** Sends a test event to this webhook alone. */
  test(id: string, options?: CallOptions) {
    return this.call("testWebhook", { path: { id } }, options);
  }

  pause(id: string, options?: CallOptions) {
    return this.call("pauseWebhook", { path: { id } }, options);
  }

  resume(id: string, options?: CallOptions) {
    return this.call("resumeWebhook", { path: { id } }, options);
  }

  /** Makes a new secret; the old one goes on signing beside it for `overlapSeconds`. */
  rotateSecret(id: string, body?: BodyOf<"rotateWebhookSecret">, options?: CallOptions) {
    return this.call("rotateWebhookSecret", { path: { id }, body }, options);
  }

  logs(id: string, query?: QueryOf<"listWebhookLogs">, options?: CallOptions) {
    return this.client.list("listWebhookLogs", { path: { id }, query }, options);
  }
}
