// What the package gives.

export { Angarium } from "./client.js";
export type { AngariumOptions } from "./client.js";
export {
  AngariumError,
  AuthenticationError,
  ConflictError,
  ConnectionError,
  ERROR_CODES,
  InvalidRequestError,
  NotFoundError,
  PermissionError,
  RateLimitError,
  ServerError,
  TimeoutError,
  UnexpectedAnswerError,
} from "./errors.js";
export type { ErrorCode, FieldError, LocalErrorCode } from "./errors.js";
export type { BodyOf, DataOf, EventOf, InputOf, ItemOf, OperationId, QueryOf, StreamId } from "./operations.js";
export { List } from "./pages.js";
export type { Page, Position } from "./pages.js";
export type { components } from "./schema.js";
export type { Answer, CallOptions, Stream } from "./transport.js";
export * from "./verify/index.js";
