// The API's operations by their ids: where each is, and the types of what it takes and gives, as the schema has them.

import type { operations, paths } from "./schema.js";

/** The `operationId`s of the API's document. */
export type OperationId = keyof operations;

type Route = `${"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} ${keyof paths & string}`;

/** Where each operation is. A new one of the document does not compile until it is here. */
export const ROUTES = {
  publishEvent: "POST /api/v1/events",
  publishEvents: "POST /api/v1/events/batch",
  getEvent: "GET /api/v1/events/{id}",
  replayEvent: "POST /api/v1/events/{id}/replay",

  createWebhook: "POST /api/v1/webhooks",
  listWebhooks: "GET /api/v1/webhooks",
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
  redriveDeadLetter: "POST /api/v1/dead-letters/{id}/redrive",
  redriveDeadLetters: "POST /api/v1/dead-letters/redrive",

  getHealth: "GET /api/v1/health",
  getLiveness: "GET /healthz",
  getReadiness: "GET /readyz",
  getMetrics: "GET /metrics",
} as const satisfies Record<OperationId, Route>;

type Defined<T> = Exclude<T, undefined>;
type Content<T> = T extends { content: infer C } ? (C extends { "application/json": infer J } ? J : C[keyof C]) : never;
type SuccessOf<R> = R[Extract<keyof R, 200 | 201 | 202>];

/** The parameters in the path; there are none for `never`. */
type PathOf<O extends OperationId> = operations[O]["parameters"] extends { path: infer P } ? P : never;
/** The parameters in the query. */
export type QueryOf<O extends OperationId> = operations[O]["parameters"] extends { query?: infer Q } ? Defined<Q> : never;
/** The body. */
export type BodyOf<O extends OperationId> = operations[O] extends { requestBody?: infer B } ? Content<Defined<B>> : never;
/** The body of a success. */
type SuccessBodyOf<O extends OperationId> = Content<SuccessOf<operations[O]["responses"]>>;
/** What is in the `data` of a success; the whole body, where it is bare. */
export type DataOf<O extends OperationId> = SuccessBodyOf<O> extends { data: infer D } ? D : SuccessBodyOf<O>;
/** What a list is a list of: its `data` is the rows, or has them in its one array. */
export type ItemOf<O extends OperationId> = RowOf<DataOf<O>>;
type RowOf<D> = D extends readonly (infer Row)[]
  ? Row
  : Extract<D[keyof D], readonly unknown[]> extends readonly (infer Row)[]
    ? Row
    : never;

/** Everything that an operation takes. */
export type InputOf<O extends OperationId> = ([PathOf<O>] extends [never] ? unknown : { path: PathOf<O> }) & {
  query?: QueryOf<O> | undefined;
  body?: BodyOf<O> | null | undefined;
};
