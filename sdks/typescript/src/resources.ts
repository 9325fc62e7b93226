// The operations of the API, by what they are about.
// Written by generate.mjs from docs/openapi.json; not to be edited.

import type { BodyOf, DataOf, EventOf, InputOf, ItemOf, OperationId, QueryOf, StreamId } from "./operations.js";
import type { List } from "./pages.js";
import { Resource } from "./resource.js";
import type { Caller } from "./resource.js";
import type { Answer, CallOptions, Stream } from "./transport.js";

/** Where each operation is. */
export const ROUTES = {
  listEvents: "GET /api/v1/events",
  publishEvent: "POST /api/v1/events",
  publishEvents: "POST /api/v1/events/batch",
  getEvent: "GET /api/v1/events/{id}",
  replayEvent: "POST /api/v1/events/{id}/replay",
  expungeEvent: "POST /api/v1/events/{id}/expunge",
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
  getWebhookPublicKey: "GET /api/v1/webhooks/{id}/public-key",
  listWebhookLogs: "GET /api/v1/webhooks/{id}/logs",
  getWebhookStats: "GET /api/v1/webhooks/{id}/stats",
  verifyWebhookRequest: "POST /api/v1/webhooks/{id}/verify",
  listDeliveries: "GET /api/v1/deliveries",
  getDelivery: "GET /api/v1/deliveries/{id}",
  retryDelivery: "POST /api/v1/deliveries/{id}/retry",
  cancelDelivery: "POST /api/v1/deliveries/{id}/cancel",
  streamDeliveries: "GET /api/v1/deliveries/stream",
  listEventTypes: "GET /api/v1/event-types",
  createEventType: "POST /api/v1/event-types",
  getEventType: "GET /api/v1/event-types/{name}",
  replaceEventType: "PUT /api/v1/event-types/{name}",
  updateEventType: "PATCH /api/v1/event-types/{name}",
  deleteEventType: "DELETE /api/v1/event-types/{name}",
  explainEvent: "POST /api/v1/events/explain",
  listDeadLetters: "GET /api/v1/dead-letters",
  redriveDeadLetters: "POST /api/v1/dead-letters/redrive",
  redriveDeadLetter: "POST /api/v1/dead-letters/{id}/redrive",
  discardDeadLetters: "POST /api/v1/dead-letters/discard",
  discardDeadLetter: "POST /api/v1/dead-letters/{id}/discard",
  listReplays: "GET /api/v1/replays",
  startReplay: "POST /api/v1/replays",
  getReplay: "GET /api/v1/replays/{id}",
  pauseReplay: "POST /api/v1/replays/{id}/pause",
  resumeReplay: "POST /api/v1/replays/{id}/resume",
  cancelReplay: "POST /api/v1/replays/{id}/cancel",
  listReplayFailures: "GET /api/v1/replays/{id}/failures",
  listPortalLinks: "GET /api/v1/portal-links",
  createPortalLink: "POST /api/v1/portal-links",
  revokePortalLink: "DELETE /api/v1/portal-links/{id}",
  listApiKeys: "GET /api/tenant/api-keys",
  createApiKey: "POST /api/tenant/api-keys",
  getApiKey: "GET /api/tenant/api-keys/{id}",
  updateApiKey: "PUT /api/tenant/api-keys/{id}",
  deleteApiKey: "DELETE /api/tenant/api-keys/{id}",
  revokeApiKey: "POST /api/tenant/api-keys/{id}/revoke",
  rotateApiKey: "POST /api/tenant/api-keys/{id}/rotate",
  getApiKeyUsage: "GET /api/tenant/api-keys/{id}/usage",
  login: "POST /api/auth/login",
  logout: "POST /api/auth/logout",
  getMe: "GET /api/auth/me",
  changeMe: "PATCH /api/auth/me",
  changePassword: "POST /api/auth/password",
  listTeammates: "GET /api/tenant/users",
  createTeammate: "POST /api/tenant/users",
  getTeammate: "GET /api/tenant/users/{id}",
  updateTeammate: "PUT /api/tenant/users/{id}",
  deleteTeammate: "DELETE /api/tenant/users/{id}",
  setTeammatePassword: "POST /api/tenant/users/{id}/password",
  listAuditLog: "GET /api/tenant/audit-log",
  listCustomers: "GET /api/v1/customers",
  createCustomer: "POST /api/v1/customers",
  getCustomer: "GET /api/v1/customers/{id}",
  replaceCustomer: "PUT /api/v1/customers/{id}",
  updateCustomer: "PATCH /api/v1/customers/{id}",
  deleteCustomer: "DELETE /api/v1/customers/{id}",
  listConversations: "GET /api/v1/conversations",
  createConversation: "POST /api/v1/conversations",
  getConversation: "GET /api/v1/conversations/{id}",
  replaceConversation: "PUT /api/v1/conversations/{id}",
  updateConversation: "PATCH /api/v1/conversations/{id}",
  deleteConversation: "DELETE /api/v1/conversations/{id}",
  assignConversation: "POST /api/v1/conversations/{id}/assign",
  escalateConversation: "POST /api/v1/conversations/{id}/escalate",
  closeConversation: "POST /api/v1/conversations/{id}/close",
  reopenConversation: "POST /api/v1/conversations/{id}/reopen",
  listMessages: "GET /api/v1/messages",
  createMessage: "POST /api/v1/messages",
  getMessage: "GET /api/v1/messages/{id}",
  replaceMessage: "PUT /api/v1/messages/{id}",
  updateMessage: "PATCH /api/v1/messages/{id}",
  deleteMessage: "DELETE /api/v1/messages/{id}",
  listConversationMessages: "GET /api/v1/conversations/{id}/messages",
  createConversationMessage: "POST /api/v1/conversations/{id}/messages",
  listLeads: "GET /api/v1/leads",
  createLead: "POST /api/v1/leads",
  getLead: "GET /api/v1/leads/{id}",
  replaceLead: "PUT /api/v1/leads/{id}",
  updateLead: "PATCH /api/v1/leads/{id}",
  deleteLead: "DELETE /api/v1/leads/{id}",
  listUsers: "GET /api/v1/users",
  createUser: "POST /api/v1/users",
  getUser: "GET /api/v1/users/{id}",
  replaceUser: "PUT /api/v1/users/{id}",
  updateUser: "PATCH /api/v1/users/{id}",
  deleteUser: "DELETE /api/v1/users/{id}",
  listCalls: "GET /api/v1/calls",
  createCall: "POST /api/v1/calls",
  getCall: "GET /api/v1/calls/{id}",
  replaceCall: "PUT /api/v1/calls/{id}",
  updateCall: "PATCH /api/v1/calls/{id}",
  deleteCall: "DELETE /api/v1/calls/{id}",
  ringCall: "POST /api/v1/calls/{id}/ring",
  answerCall: "POST /api/v1/calls/{id}/answer",
  completeCall: "POST /api/v1/calls/{id}/complete",
  failCall: "POST /api/v1/calls/{id}/fail",
  recordingCall: "POST /api/v1/calls/{id}/recording",
  getUsage: "GET /api/v1/analytics/usage",
  getUsageHistory: "GET /api/v1/analytics/usage/history",
  getPerformance: "GET /api/v1/analytics/performance",
  getHealth: "GET /api/v1/health",
  getLiveness: "GET /healthz",
  getReadiness: "GET /readyz",
  getMetrics: "GET /metrics",
} as const satisfies Record<OperationId | StreamId, string>;

/** What only the session of a user may do. */
export const FOR_SESSIONS: ReadonlySet<OperationId> = new Set<OperationId>([
  "listApiKeys",
  "createApiKey",
  "getApiKey",
  "updateApiKey",
  "deleteApiKey",
  "revokeApiKey",
  "rotateApiKey",
  "getApiKeyUsage",
  "logout",
  "getMe",
  "changeMe",
  "changePassword",
  "listTeammates",
  "createTeammate",
  "getTeammate",
  "updateTeammate",
  "deleteTeammate",
  "setTeammatePassword",
  "listAuditLog",
]);

/** Publish what happened, read it again, send it again. */
export class Events extends Resource {
  /** List events. What was accepted, by whatever way it came. Their data is not in the list: read an event for it. */
  list(query?: QueryOf<"listEvents">, options?: CallOptions) {
    return this.walk("listEvents", { query }, options);
  }

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

  /**
   * Erase the data of an event. Its data, and what its deliveries kept of requests and answers, are gone for good;
   * ids, times and states stay. What waits to be delivered is cancelled, and the event cannot be sent again. An
   * attempt that is under way may still be made. Records of the core API are not touched. Doing it twice does it
   * once.
   */
  expunge(id: string, options?: CallOptions) {
    return this.call("expungeEvent", { path: { id } }, options);
  }

  /**
   * Explain an event. For each webhook, whether it would get the event, and if not, which condition keeps it from
   * it. Nothing is stored or sent.
   */
  explain(body: BodyOf<"explainEvent">, options?: CallOptions) {
    return this.call("explainEvent", { body }, options);
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

  /**
   * Read the public keys of a webhook. With them its receiver verifies the `v1a` signatures. The private ones are
   * never shown.
   */
  getPublicKey(id: string, options?: CallOptions) {
    return this.call("getWebhookPublicKey", { path: { id } }, options);
  }

  /** List what was sent to a webhook. */
  listLogs(id: string, query?: QueryOf<"listWebhookLogs">, options?: CallOptions) {
    return this.walk("listWebhookLogs", { path: { id }, query }, options);
  }

  /** Read how a webhook is doing. */
  getStats(id: string, query?: QueryOf<"getWebhookStats">, options?: CallOptions) {
    return this.call("getWebhookStats", { path: { id }, query }, options);
  }

  /**
   * Say why a request does not verify. Checks a received request by the webhook's secrets, which are not told.
   * Where it does not verify, the reasons say what has happened to it on its way: a header lost or renamed, the
   * body parsed and written again, a clock that is wrong, another secret.
   */
  verifyRequest(id: string, body: BodyOf<"verifyWebhookRequest">, options?: CallOptions) {
    return this.call("verifyWebhookRequest", { path: { id }, body }, options);
  }

  /** List portal links. Those that are over are kept for some days. */
  listPortalLinks(query?: QueryOf<"listPortalLinks">, options?: CallOptions) {
    return this.walk("listPortalLinks", { query }, options);
  }

  /**
   * Make a portal link. By its URL a customer of yours, who needs no account, opens the pages of the webhooks that
   * you name: their deliveries, and why signatures fail; and, where it is not `readOnly`, sends tests, retries,
   * pauses and resumes. It can be opened once, within ten minutes.
   */
  createPortalLink(body: BodyOf<"createPortalLink">, options?: CallOptions) {
    return this.call("createPortalLink", { body }, options);
  }

  /** Revoke a portal link. It cannot be opened any more, and the visit that it became is over at once. */
  revokePortalLink(id: string, options?: CallOptions) {
    return this.call("revokePortalLink", { path: { id } }, options);
  }
}

/** See what became of each event for each webhook, attempt by attempt, and step in. */
export class Deliveries extends Resource {
  /**
   * List deliveries. `total` is at most 10,000, and with a filter it counts those that are found among the newest
   * 10,000. A page looks at as many: where few of them are found it has fewer rows than `limit`, and there may be
   * more while `nextCursor` is not null, even on an empty page.
   */
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

  /**
   * Follow attempts as they end. Server-sent events: an `attempt` for each attempt that ends, in the order in which
   * they ended, at a pace of so many a second; what is more is told later, and nothing is left out. Each event has
   * an `id`, and so has the heartbeat that comes when there is nothing to tell: begin again with the last one in
   * `Last-Event-ID`, and the stream goes on from there. A few attempts may then come again; `id` and
   * `attempt.number` tell them apart. A stream ends after some minutes, and when the server goes down. This method
   * begins again by itself, and gives no attempt twice.
   */
  stream(query?: QueryOf<"streamDeliveries">, options?: CallOptions) {
    return this.listen("streamDeliveries", { query }, options);
  }
}

/** What events there are and what is in them; add types of your own, with schemas that judge. */
export class EventTypes extends Resource {
  /** List event types. Those that are built in and your own, by name. */
  list(query?: QueryOf<"listEventTypes">, options?: CallOptions) {
    return this.walk("listEventTypes", { query }, options);
  }

  /**
   * Create an event type. Events of types that are in no catalogue may be published too. One that is in it has a
   * description and an example, and a schema that can judge what is published: it `warn`s the publisher, or
   * `reject`s the event.
   */
  create(body: BodyOf<"createEventType">, options?: CallOptions) {
    return this.call("createEventType", { body }, options);
  }

  /** Read an event type. */
  get(name: string, options?: CallOptions) {
    return this.call("getEventType", { path: { name } }, options);
  }

  /** Change an event type with PUT. The same as with PATCH: what is not mentioned stays. */
  replace(name: string, body: BodyOf<"replaceEventType">, options?: CallOptions) {
    return this.call("replaceEventType", { path: { name }, body }, options);
  }

  /** Change an event type. What is not mentioned stays; null resets. Those that are built in cannot be changed. */
  update(name: string, body: BodyOf<"updateEventType">, options?: CallOptions) {
    return this.call("updateEventType", { path: { name }, body }, options);
  }

  /** Delete an event type. Events of that name may be published as before, and nothing judges them any more. */
  delete(name: string, options?: CallOptions) {
    return this.call("deleteEventType", { path: { name } }, options);
  }
}

/** Deliveries that used up their attempts: inspect them, and send them again. */
export class DeadLetters extends Resource {
  /**
   * List dead letters. `total` is at most 10,000, and with a filter it counts those that are found among the newest
   * 10,000. A page looks at as many: there may be more while `nextCursor` is not null, even on an empty page.
   */
  list(query?: QueryOf<"listDeadLetters">, options?: CallOptions) {
    return this.walk("listDeadLetters", { query }, options);
  }

  /**
   * Send many dead letters again. Those that are named, or all that the filter finds, up to `max`, at once. The
   * body may be left out. For more of them, or at a rate, start a replay.
   */
  redriveAll(body?: BodyOf<"redriveDeadLetters">, options?: CallOptions) {
    return this.call("redriveDeadLetters", { body }, options);
  }

  /** Send a dead letter again. */
  redrive(id: string, options?: CallOptions) {
    return this.call("redriveDeadLetter", { path: { id } }, options);
  }

  /** Give many dead letters up. */
  discardAll(body: BodyOf<"discardDeadLetters">, options?: CallOptions) {
    return this.call("discardDeadLetters", { body }, options);
  }

  /** Give a dead letter up. It is not sent again: the delivery is cancelled, and keeps the reason. */
  discard(id: string, body: BodyOf<"discardDeadLetter">, options?: CallOptions) {
    return this.call("discardDeadLetter", { path: { id }, body }, options);
  }
}

/** Have many deliveries attempted again, at a rate, in a job that can be watched and stopped. */
export class Replays extends Resource {
  /** List replays. */
  list(query?: QueryOf<"listReplays">, options?: CallOptions) {
    return this.walk("listReplays", { query }, options);
  }

  /**
   * Start a replay. Attempts all matching deliveries again, so many in a second, behind live traffic and within the
   * limits of their webhooks; each keeps its `webhook-id`. Those to webhooks that do not send are passed over. With
   * `dryRun` it is counted what would be done, and nothing is. The body may be left out: then it is all dead
   * letters.
   */
  start(body?: BodyOf<"startReplay">, options?: CallOptions) {
    return this.call("startReplay", { body }, options);
  }

  /** Read a replay. */
  get(id: string, options?: CallOptions) {
    return this.call("getReplay", { path: { id } }, options);
  }

  /** Pause a replay. What it has under way goes on. */
  pause(id: string, options?: CallOptions) {
    return this.call("pauseReplay", { path: { id } }, options);
  }

  /** Resume a replay. */
  resume(id: string, options?: CallOptions) {
    return this.call("resumeReplay", { path: { id } }, options);
  }

  /**
   * Call a replay off. What it has under way goes on: those are deliveries like all others, and can be cancelled as
   * such.
   */
  cancel(id: string, options?: CallOptions) {
    return this.call("cancelReplay", { path: { id } }, options);
  }

  /** List what a replay could not deliver. */
  listFailures(id: string, query?: QueryOf<"listReplayFailures">, options?: CallOptions) {
    return this.walk("listReplayFailures", { path: { id }, query }, options);
  }
}

/** Make keys for programs, limit them, rotate and revoke them. For people who have signed in, never for keys. */
export class ApiKeys extends Resource {
  /** List API keys. */
  list(query?: QueryOf<"listApiKeys">, options?: CallOptions) {
    return this.walk("listApiKeys", { query }, options);
  }

  /** Make an API key. The answer shows it, this once. */
  create(body: BodyOf<"createApiKey">, options?: CallOptions) {
    return this.call("createApiKey", { body }, options);
  }

  /** Read an API key. Not the key itself, of which only a hash is kept. */
  get(id: string, options?: CallOptions) {
    return this.call("getApiKey", { path: { id } }, options);
  }

  /** Change an API key. What is not mentioned stays. */
  update(id: string, body: BodyOf<"updateApiKey">, options?: CallOptions) {
    return this.call("updateApiKey", { path: { id }, body }, options);
  }

  /** Delete an API key. */
  delete(id: string, options?: CallOptions) {
    return this.call("deleteApiKey", { path: { id } }, options);
  }

  /** Revoke an API key. It stops at once, for good. */
  revoke(id: string, options?: CallOptions) {
    return this.call("revokeApiKey", { path: { id } }, options);
  }

  /**
   * Replace an API key. The answer shows the new one, this once; the old one goes on working until the overlap
   * ends. The body may be left out.
   */
  rotate(id: string, body?: BodyOf<"rotateApiKey">, options?: CallOptions) {
    return this.call("rotateApiKey", { path: { id }, body }, options);
  }

  /** Read what an API key was used for. */
  getUsage(id: string, query?: QueryOf<"getApiKeyUsage">, options?: CallOptions) {
    return this.call("getApiKeyUsage", { path: { id }, query }, options);
  }
}

/** Sessions of people. */
export class Auth extends Resource {
  /** Sign in. The answer also sets a cookie, for browsers. */
  login(body: BodyOf<"login">, options?: CallOptions) {
    return this.call("login", { body }, options);
  }

  /** Sign out. */
  logout(options?: CallOptions) {
    return this.call("logout", {}, options);
  }

  /** Say who is signed in. */
  getMe(options?: CallOptions) {
    return this.call("getMe", {}, options);
  }

  /** Say whether one gets mails. */
  changeMe(body: BodyOf<"changeMe">, options?: CallOptions) {
    return this.call("changeMe", { body }, options);
  }

  /** Change one's password. All other sessions end. */
  changePassword(body: BodyOf<"changePassword">, options?: CallOptions) {
    return this.call("changePassword", { body }, options);
  }
}

/**
 * Your people who sign in to Angarium: let them in, give them roles and passwords. For owners and admins, never for
 * keys.
 */
export class Teammates extends Resource {
  /** List the users of the tenant. */
  list(query?: QueryOf<"listTeammates">, options?: CallOptions) {
    return this.walk("listTeammates", { query }, options);
  }

  /** Make a user. Without a `password` one is drawn; the answer shows it, this once. */
  create(body: BodyOf<"createTeammate">, options?: CallOptions) {
    return this.call("createTeammate", { body }, options);
  }

  /** Read a user. A member reads themselves only. */
  get(id: string, options?: CallOptions) {
    return this.call("getTeammate", { path: { id } }, options);
  }

  /**
   * Change a user. What is not mentioned stays. An owner changes everybody, an admin members and their own name.
   * The last owner stays.
   */
  update(id: string, body: BodyOf<"updateTeammate">, options?: CallOptions) {
    return this.call("updateTeammate", { path: { id }, body }, options);
  }

  /** Remove a user. Their sessions end at once. The last owner stays. */
  delete(id: string, options?: CallOptions) {
    return this.call("deleteTeammate", { path: { id } }, options);
  }

  /**
   * Set a user's password. Everybody sets their own, with the old one. An owner sets everybody's, an admin those of
   * members; without a `newPassword` one is drawn, and the answer shows it, this once. All sessions of the user
   * end, but the one that asks.
   */
  setPassword(id: string, body?: BodyOf<"setTeammatePassword">, options?: CallOptions) {
    return this.call("setTeammatePassword", { path: { id }, body }, options);
  }
}

/** Who changed what, when, and from where. For owners and admins. */
export class AuditLog extends Resource {
  /** List who changed what. */
  list(query?: QueryOf<"listAuditLog">, options?: CallOptions) {
    return this.walk("listAuditLog", { query }, options);
  }
}

/** The people and companies that your users talk to. */
export class Customers extends Resource {
  /** List customers. All filters together. */
  list(query?: QueryOf<"listCustomers">, options?: CallOptions) {
    return this.walk("listCustomers", { query }, options);
  }

  /** Create a customer. Emits `customer.created`, in the same transaction. */
  create(body: BodyOf<"createCustomer">, options?: CallOptions) {
    return this.call("createCustomer", { body }, options);
  }

  /** Get a customer. */
  get(id: string, options?: CallOptions) {
    return this.call("getCustomer", { path: { id } }, options);
  }

  /**
   * Change a customer with PUT. What is not mentioned stays, null resets. Emits `customer.updated`, in the same
   * transaction.
   */
  replace(id: string, body: BodyOf<"replaceCustomer">, options?: CallOptions) {
    return this.call("replaceCustomer", { path: { id }, body }, options);
  }

  /** Change a customer. What is not mentioned stays, null resets. Emits `customer.updated`, in the same transaction. */
  update(id: string, body: BodyOf<"updateCustomer">, options?: CallOptions) {
    return this.call("updateCustomer", { path: { id }, body }, options);
  }

  /** Delete a customer. Emits no event. What names it keeps its id. */
  delete(id: string, options?: CallOptions) {
    return this.call("deleteCustomer", { path: { id } }, options);
  }
}

/** What customers want, who looks after it, and where it stands. */
export class Conversations extends Resource {
  /** List conversations. All filters together. */
  list(query?: QueryOf<"listConversations">, options?: CallOptions) {
    return this.walk("listConversations", { query }, options);
  }

  /** Create a conversation. Emits `conversation.created`, in the same transaction. */
  create(body: BodyOf<"createConversation">, options?: CallOptions) {
    return this.call("createConversation", { body }, options);
  }

  /** Get a conversation. */
  get(id: string, options?: CallOptions) {
    return this.call("getConversation", { path: { id } }, options);
  }

  /**
   * Change a conversation with PUT. What is not mentioned stays, null resets. Emits `conversation.updated` or
   * `conversation.closed` or `conversation.escalated` or `conversation.assigned`, in the same transaction.
   */
  replace(id: string, body: BodyOf<"replaceConversation">, options?: CallOptions) {
    return this.call("replaceConversation", { path: { id }, body }, options);
  }

  /**
   * Change a conversation. What is not mentioned stays, null resets. Emits `conversation.updated` or
   * `conversation.closed` or `conversation.escalated` or `conversation.assigned`, in the same transaction.
   */
  update(id: string, body: BodyOf<"updateConversation">, options?: CallOptions) {
    return this.call("updateConversation", { path: { id }, body }, options);
  }

  /** Delete a conversation. Emits no event. What names it keeps its id. */
  delete(id: string, options?: CallOptions) {
    return this.call("deleteConversation", { path: { id } }, options);
  }

  /** Assign a conversation. Gives it to a user. In a state that does not allow it: 409. */
  assign(id: string, body: BodyOf<"assignConversation">, options?: CallOptions) {
    return this.call("assignConversation", { path: { id }, body }, options);
  }

  /** Escalate a conversation. Asks for a person to take over. In a state that does not allow it: 409. */
  escalate(id: string, body?: BodyOf<"escalateConversation">, options?: CallOptions) {
    return this.call("escalateConversation", { path: { id }, body }, options);
  }

  /** Close a conversation. Ends it. In a state that does not allow it: 409. */
  close(id: string, options?: CallOptions) {
    return this.call("closeConversation", { path: { id } }, options);
  }

  /**
   * Reopen a conversation. Takes it up again. It is then no longer escalated. In a state that does not allow it:
   * 409.
   */
  reopen(id: string, options?: CallOptions) {
    return this.call("reopenConversation", { path: { id } }, options);
  }
}

/** What was said in conversations. */
export class Messages extends Resource {
  /** List messages. All filters together. */
  list(query?: QueryOf<"listMessages">, options?: CallOptions) {
    return this.walk("listMessages", { query }, options);
  }

  /** Create a message. Emits `message.received` or `ai.reply.created` or `message.sent`, in the same transaction. */
  create(body: BodyOf<"createMessage">, options?: CallOptions) {
    return this.call("createMessage", { body }, options);
  }

  /** Get a message. */
  get(id: string, options?: CallOptions) {
    return this.call("getMessage", { path: { id } }, options);
  }

  /** Change a message with PUT. What is not mentioned stays, null resets. Emits no event. */
  replace(id: string, body: BodyOf<"replaceMessage">, options?: CallOptions) {
    return this.call("replaceMessage", { path: { id }, body }, options);
  }

  /** Change a message. What is not mentioned stays, null resets. Emits no event. */
  update(id: string, body: BodyOf<"updateMessage">, options?: CallOptions) {
    return this.call("updateMessage", { path: { id }, body }, options);
  }

  /** Delete a message. Emits no event. What names it keeps its id. */
  delete(id: string, options?: CallOptions) {
    return this.call("deleteMessage", { path: { id } }, options);
  }

  /** List the messages of a conversation. */
  listOfConversation(id: string, query?: QueryOf<"listConversationMessages">, options?: CallOptions) {
    return this.walk("listConversationMessages", { path: { id }, query }, options);
  }

  /**
   * Create a message in a conversation. Emits `message.received` or `ai.reply.created` or `message.sent`, in the
   * same transaction.
   */
  createInConversation(id: string, body: BodyOf<"createConversationMessage">, options?: CallOptions) {
    return this.call("createConversationMessage", { path: { id }, body }, options);
  }
}

/** Those who left a way to reach them. */
export class Leads extends Resource {
  /** List leads. All filters together. */
  list(query?: QueryOf<"listLeads">, options?: CallOptions) {
    return this.walk("listLeads", { query }, options);
  }

  /** Create a lead. Emits `lead.captured`, in the same transaction. */
  create(body: BodyOf<"createLead">, options?: CallOptions) {
    return this.call("createLead", { body }, options);
  }

  /** Get a lead. */
  get(id: string, options?: CallOptions) {
    return this.call("getLead", { path: { id } }, options);
  }

  /** Change a lead with PUT. What is not mentioned stays, null resets. Emits no event. */
  replace(id: string, body: BodyOf<"replaceLead">, options?: CallOptions) {
    return this.call("replaceLead", { path: { id }, body }, options);
  }

  /** Change a lead. What is not mentioned stays, null resets. Emits no event. */
  update(id: string, body: BodyOf<"updateLead">, options?: CallOptions) {
    return this.call("updateLead", { path: { id }, body }, options);
  }

  /** Delete a lead. Emits no event. What names it keeps its id. */
  delete(id: string, options?: CallOptions) {
    return this.call("deleteLead", { path: { id } }, options);
  }
}

/** Your people, who look after conversations. Not those who sign in to Angarium. */
export class Users extends Resource {
  /** List users. All filters together. */
  list(query?: QueryOf<"listUsers">, options?: CallOptions) {
    return this.walk("listUsers", { query }, options);
  }

  /** Create a user. Emits `user.created`, in the same transaction. */
  create(body: BodyOf<"createUser">, options?: CallOptions) {
    return this.call("createUser", { body }, options);
  }

  /** Get a user. */
  get(id: string, options?: CallOptions) {
    return this.call("getUser", { path: { id } }, options);
  }

  /**
   * Change a user with PUT. What is not mentioned stays, null resets. Emits `user.updated`, in the same
   * transaction.
   */
  replace(id: string, body: BodyOf<"replaceUser">, options?: CallOptions) {
    return this.call("replaceUser", { path: { id }, body }, options);
  }

  /** Change a user. What is not mentioned stays, null resets. Emits `user.updated`, in the same transaction. */
  update(id: string, body: BodyOf<"updateUser">, options?: CallOptions) {
    return this.call("updateUser", { path: { id }, body }, options);
  }

  /** Delete a user. Emits no event. What names it keeps its id. */
  delete(id: string, options?: CallOptions) {
    return this.call("deleteUser", { path: { id } }, options);
  }
}

/** Phone calls, step by step. */
export class Calls extends Resource {
  /** List calls. All filters together. */
  list(query?: QueryOf<"listCalls">, options?: CallOptions) {
    return this.walk("listCalls", { query }, options);
  }

  /** Create a call. Emits `call.initiated`, in the same transaction. */
  create(body: BodyOf<"createCall">, options?: CallOptions) {
    return this.call("createCall", { body }, options);
  }

  /** Get a call. */
  get(id: string, options?: CallOptions) {
    return this.call("getCall", { path: { id } }, options);
  }

  /**
   * Change a call with PUT. What is not mentioned stays, null resets. Emits `call.ringing` or `call.answered` or
   * `call.completed` or `call.failed` or `call.recording.available`, in the same transaction.
   */
  replace(id: string, body: BodyOf<"replaceCall">, options?: CallOptions) {
    return this.call("replaceCall", { path: { id }, body }, options);
  }

  /**
   * Change a call. What is not mentioned stays, null resets. Emits `call.ringing` or `call.answered` or
   * `call.completed` or `call.failed` or `call.recording.available`, in the same transaction.
   */
  update(id: string, body: BodyOf<"updateCall">, options?: CallOptions) {
    return this.call("updateCall", { path: { id }, body }, options);
  }

  /** Delete a call. Emits no event. What names it keeps its id. */
  delete(id: string, options?: CallOptions) {
    return this.call("deleteCall", { path: { id } }, options);
  }

  /** Ring a call. It rings at the other end. In a state that does not allow it: 409. */
  ring(id: string, options?: CallOptions) {
    return this.call("ringCall", { path: { id } }, options);
  }

  /** Answer a call. The other end picked up. In a state that does not allow it: 409. */
  answer(id: string, options?: CallOptions) {
    return this.call("answerCall", { path: { id } }, options);
  }

  /** Complete a call. They have hung up. In a state that does not allow it: 409. */
  complete(id: string, body?: BodyOf<"completeCall">, options?: CallOptions) {
    return this.call("completeCall", { path: { id }, body }, options);
  }

  /** Fail a call. It broke off, or did not come about. In a state that does not allow it: 409. */
  fail(id: string, body?: BodyOf<"failCall">, options?: CallOptions) {
    return this.call("failCall", { path: { id }, body }, options);
  }

  /** Recording a call. Its recording is available. In a state that does not allow it: 409. */
  addRecording(id: string, body: BodyOf<"recordingCall">, options?: CallOptions) {
    return this.call("recordingCall", { path: { id }, body }, options);
  }
}

/** What was used of a plan, and how quickly requests were answered. */
export class Analytics extends Resource {
  /** Usage of a month. */
  getUsage(query?: QueryOf<"getUsage">, options?: CallOptions) {
    return this.call("getUsage", { query }, options);
  }

  /** Usage of the last months. Oldest first, this month last. */
  getUsageHistory(query?: QueryOf<"getUsageHistory">, options?: CallOptions) {
    return this.call("getUsageHistory", { query }, options);
  }

  /** Performance of a month. */
  getPerformance(query?: QueryOf<"getPerformance">, options?: CallOptions) {
    return this.call("getPerformance", { query }, options);
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
  readonly eventTypes = new EventTypes(this);
  readonly deadLetters = new DeadLetters(this);
  readonly replays = new Replays(this);
  readonly apiKeys = new ApiKeys(this);
  readonly auth = new Auth(this);
  readonly teammates = new Teammates(this);
  readonly auditLog = new AuditLog(this);
  readonly customers = new Customers(this);
  readonly conversations = new Conversations(this);
  readonly messages = new Messages(this);
  readonly leads = new Leads(this);
  readonly users = new Users(this);
  readonly calls = new Calls(this);
  readonly analytics = new Analytics(this);
  readonly health = new Health(this);

  abstract request<O extends OperationId>(
    operation: O,
    input: InputOf<O>,
    options?: CallOptions,
  ): Promise<Answer<DataOf<O>>>;
  abstract list<O extends OperationId>(operation: O, input: InputOf<O>, options?: CallOptions): List<ItemOf<O>>;
  abstract stream<O extends StreamId>(operation: O, input: InputOf<O>, options?: CallOptions): Stream<EventOf<O>>;
}
