// The operations of the API, by what they are about.
// Written by generate.mjs from docs/openapi.json; not to be edited.

import type { BodyOf, DataOf, InputOf, ItemOf, OperationId, QueryOf } from "./operations.js";
import type { List } from "./pages.js";
import { Resource } from "./resource.js";
import type { Caller } from "./resource.js";
import type { Answer, CallOptions } from "./transport.js";

/** Where each operation is. */
export const ROUTES = {
  publishEvent: "POST /api/v1/events",
  publishEvents: "POST /api/v1/events/batch",
  getEvent: "GET /api/v1/events/{id}",
  replayEvent: "POST /api/v1/events/{id}/replay",
  listWebhooks: "GET /api/v1/webhooks",
  createWebhook: "POST /api/v1/webhooks",
  getWebhook: "GET /api/v1/webhooks/{id}",
  replaceWebhook: "PUT /api/v1/webhooks/{id}",
  updateWebhook: "PATCH /api/v1/webhooks/{id}",
  deleteWebhook: "DELETE /api/v1/webhooks/{id}",
  testWebhook: "POST /api/v1/webhooks/{id}/test",
  pauseWebhook: "POST /api/v1/webhooks/{id}/pause",
  resumeWebhook: "POST /api/v1/webhooks/{id}/resume",
  rotateWebhookSecret: "POST /api/v1/webhooks/{id}/rotate-secret",
  listWebhookLogs: "GET /api/v1/webhooks/{id}/logs",
  listDeliveries: "GET /api/v1/deliveries",
  getDelivery: "GET /api/v1/deliveries/{id}",
  retryDelivery: "POST /api/v1/deliveries/{id}/retry",
  cancelDelivery: "POST /api/v1/deliveries/{id}/cancel",
  listDeadLetters: "GET /api/v1/dead-letters",
  redriveDeadLetters: "POST /api/v1/dead-letters/redrive",
  redriveDeadLetter: "POST /api/v1/dead-letters/{id}/redrive",
  getHealth: "GET /api/v1/health",
  getLiveness: "GET /healthz",
  getReadiness: "GET /readyz",
  getMetrics: "GET /metrics",
} as const satisfies Record<OperationId, string>;

/** What only the session of a user may do. */
export const FOR_SESSIONS: ReadonlySet<OperationId> = new Set<OperationId>([
]);

/** Publish what happened, read it again, send it again. */
export class Events extends Resource {
  /**
   * Publish an event. It is answered when it is stored; then it is delivered to every webhook that matches, at
   * least once.
   */
  publish(body: BodyOf<"publishEvent">, options?: CallOptions) {
    return this.call("publishEvent", { body }, options);
  }

  /** Publish up to 1,000 events. Each is judged and accepted alone; the answer says of each what became of it. */
  publishBatch(body: BodyOf<"publishEvents">, options?: CallOptions) {
    return this.call("publishEvents", { body }, options);
  }

  /** Read an event. */
  get(id: string, options?: CallOptions) {
    return this.call("getEvent", { path: { id } }, options);
  }

  /**
   * Send an event again. New deliveries with the same `webhook-id`: to one webhook, or to those that subscribe to
   * the event now. The body may be left out.
   */
  replay(id: string, body?: BodyOf<"replayEvent">, options?: CallOptions) {
    return this.call("replayEvent", { path: { id }, body }, options);
  }
}

/** Register URLs, and say what each of them is sent and how. */
export class Webhooks extends Resource {
  /** List webhooks. */
  list(query?: QueryOf<"listWebhooks">, options?: CallOptions) {
    return this.walk("listWebhooks", { query }, options);
  }

  /** Register a webhook. The answer shows its signing secret, this once. */
  create(body: BodyOf<"createWebhook">, options?: CallOptions) {
    return this.call("createWebhook", { body }, options);
  }

  /** Read a webhook. Its secret is not shown, nor are the values of headers that may hold a credential. */
  get(id: string, options?: CallOptions) {
    return this.call("getWebhook", { path: { id } }, options);
  }

  /** Change a webhook with PUT. The same as with PATCH: what is not mentioned stays. */
  replace(id: string, body: BodyOf<"replaceWebhook">, options?: CallOptions) {
    return this.call("replaceWebhook", { path: { id }, body }, options);
  }

  /**
   * Change a webhook. What is not mentioned stays; null resets a field to its default. `isActive` pauses and
   * resumes.
   */
  update(id: string, body: BodyOf<"updateWebhook">, options?: CallOptions) {
    return this.call("updateWebhook", { path: { id }, body }, options);
  }

  /** Delete a webhook. What waits for it is cancelled. Its log stays as long as the retention. */
  delete(id: string, options?: CallOptions) {
    return this.call("deleteWebhook", { path: { id } }, options);
  }

  /** Send a test event to a webhook. */
  test(id: string, options?: CallOptions) {
    return this.call("testWebhook", { path: { id } }, options);
  }

  /** Pause a webhook. Deliveries are kept and wait until it is resumed. */
  pause(id: string, options?: CallOptions) {
    return this.call("pauseWebhook", { path: { id } }, options);
  }

  /** Resume a webhook. Also one that was disabled because it kept failing. */
  resume(id: string, options?: CallOptions) {
    return this.call("resumeWebhook", { path: { id } }, options);
  }

  /**
   * Rotate the secret of a webhook. Requests are signed with the new secret, and with the older ones too until the
   * overlap ends. The body may be left out.
   */
  rotateSecret(id: string, body?: BodyOf<"rotateWebhookSecret">, options?: CallOptions) {
    return this.call("rotateWebhookSecret", { path: { id }, body }, options);
  }

  /** List what was sent to a webhook. */
  listLogs(id: string, query?: QueryOf<"listWebhookLogs">, options?: CallOptions) {
    return this.walk("listWebhookLogs", { path: { id }, query }, options);
  }
}

/** See what became of each event for each webhook, attempt by attempt, and step in. */
export class Deliveries extends Resource {
  /** List deliveries. */
  list(query?: QueryOf<"listDeliveries">, options?: CallOptions) {
    return this.walk("listDeliveries", { query }, options);
  }

  /** Read a delivery and its attempts. */
  get(id: string, options?: CallOptions) {
    return this.call("getDelivery", { path: { id } }, options);
  }

  /** Try a delivery now. One that waits for its next attempt has it at once; one that is final starts anew. */
  retry(id: string, options?: CallOptions) {
    return this.call("retryDelivery", { path: { id } }, options);
  }

  /** Cancel a delivery. */
  cancel(id: string, options?: CallOptions) {
    return this.call("cancelDelivery", { path: { id } }, options);
  }
}

/** Deliveries that used up their attempts: inspect them, and send them again. */
export class DeadLetters extends Resource {
  /** List dead letters. */
  list(query?: QueryOf<"listDeadLetters">, options?: CallOptions) {
    return this.walk("listDeadLetters", { query }, options);
  }

  /** Send many dead letters again. All that the filter finds, up to `max`. The body may be left out. */
  redriveAll(body?: BodyOf<"redriveDeadLetters">, options?: CallOptions) {
    return this.call("redriveDeadLetters", { body }, options);
  }

  /** Send a dead letter again. */
  redrive(id: string, options?: CallOptions) {
    return this.call("redriveDeadLetter", { path: { id } }, options);
  }
}

/** For orchestrators and dashboards. No key is asked for. */
export class Health extends Resource {
  /** Say that the API answers. */
  get(options?: CallOptions) {
    return this.call("getHealth", {}, options);
  }

  /** Say that the process is alive. */
  getLiveness(options?: CallOptions) {
    return this.call("getLiveness", {}, options);
  }

  /**
   * Say whether the process takes requests. A broker that is down is told and changes nothing: it delays
   * deliveries, and keeps no event from being accepted.
   */
  getReadiness(options?: CallOptions) {
    return this.call("getReadiness", {}, options);
  }

  /** Read the metrics. */
  getMetrics(options?: CallOptions) {
    return this.call("getMetrics", {}, options);
  }
}

/** Every resource. */
export abstract class Resources implements Caller {
  readonly events = new Events(this);
  readonly webhooks = new Webhooks(this);
  readonly deliveries = new Deliveries(this);
  readonly deadLetters = new DeadLetters(this);
  readonly health = new Health(this);

  abstract request<O extends OperationId>(
    operation: O,
    input: InputOf<O>,
    options?: CallOptions,
  ): Promise<Answer<DataOf<O>>>;
  abstract list<O extends OperationId>(operation: O, input: InputOf<O>, options?: CallOptions): List<ItemOf<O>>;
}
