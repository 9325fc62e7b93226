// What can go wrong: one class for each family of the API's codes, and one for each way of getting no answer.

/** One problem with one field of a request. */
export interface FieldError {
  /** Where in the request it is, for example `["retryPolicy", "maxRetries"]`. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly code: string;
}

/** What an error is made of. */
export interface ErrorParts<C extends string> {
  message: string;
  code: C;
  status?: number | undefined;
  requestId?: string | undefined;
  errors?: readonly FieldError[] | undefined;
  hint?: string | undefined;
  retryAfter?: number | undefined;
  cause?: unknown;
}

/** Every error that a call throws, except the reason of a signal that you aborted yourself. */
export class AngariumError<C extends string = string> extends Error {
  /** For programs: one of {@link ErrorCode}, a {@link LocalErrorCode}, or one that is newer than this package. */
  readonly code: C;
  /** The HTTP status, where there was an answer. */
  readonly status: number | undefined;
  /** What to tell support: the server's log has it. */
  readonly requestId: string | undefined;
  /** Every problem of the request's fields. */
  readonly errors: readonly FieldError[];
  /** What to do about it, where the server knows. */
  readonly hint: string | undefined;
  /** Seconds after which the server wants to see the request again. */
  readonly retryAfter: number | undefined;

  constructor({ message, code, status, requestId, errors = [], hint, retryAfter, cause }: ErrorParts<C>) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.status = status;
    this.requestId = requestId;
    this.errors = errors;
    this.hint = hint;
    this.retryAfter = retryAfter;
  }
}

/** 401: no key, or not a good one. */
export class AuthenticationError extends AngariumError<
  "AUTH_REQUIRED" | "API_KEY_INVALID" | "API_KEY_EXPIRED" | "SESSION_INVALID"
> {}
/** 403: the key lacks a permission, or the plan's quota is used up. */
export class PermissionError extends AngariumError<"PERMISSION_DENIED" | "PLAN_LIMIT_EXCEEDED"> {}
/** 404 and 405: there is no such thing, at least not for this key. */
export class NotFoundError extends AngariumError<"RESOURCE_NOT_FOUND" | "METHOD_NOT_ALLOWED"> {}
/** 409 and 412: the state of things does not allow it. */
export class ConflictError extends AngariumError<"CONFLICT" | "IDEMPOTENCY_IN_PROGRESS" | "PRECONDITION_FAILED"> {}
/** 400, 413, 415 and 422: the request is wrong, and stays wrong however often it is sent. */
export class InvalidRequestError extends AngariumError<
  | "REQUEST_MALFORMED"
  | "PAYLOAD_TOO_LARGE"
  | "UNSUPPORTED_MEDIA_TYPE"
  | "VALIDATION_ERROR"
  | "IDEMPOTENCY_KEY_REUSED"
> {}
/** 429: too much at once; `retryAfter` says when to come back. */
export class RateLimitError extends AngariumError<"RATE_LIMIT_EXCEEDED" | "MESSAGES_LIMIT_REACHED"> {}
/** 408, 500 and 503: the server could not do it now. */
export class ServerError extends AngariumError<"REQUEST_TIMEOUT" | "INTERNAL_ERROR" | "UNAVAILABLE"> {}

/** No answer: the connection failed. */
export class ConnectionError extends AngariumError<"CONNECTION_FAILED"> {}
/** No answer in time. */
export class TimeoutError extends AngariumError<"TIMED_OUT"> {}
/** An answer, but none of Angarium's: from a proxy, perhaps. */
export class UnexpectedAnswerError extends AngariumError<"UNEXPECTED_ANSWER"> {
  /** What came instead. */
  readonly body: unknown;

  constructor({ body, ...parts }: ErrorParts<"UNEXPECTED_ANSWER"> & { body?: unknown }) {
    super(parts);
    this.body = body;
  }
}

const CLASS_OF_CODE = {
  AUTH_REQUIRED: AuthenticationError,
  API_KEY_INVALID: AuthenticationError,
  API_KEY_EXPIRED: AuthenticationError,
  SESSION_INVALID: AuthenticationError,
  PERMISSION_DENIED: PermissionError,
  PLAN_LIMIT_EXCEEDED: PermissionError,
  RESOURCE_NOT_FOUND: NotFoundError,
  METHOD_NOT_ALLOWED: NotFoundError,
  CONFLICT: ConflictError,
  IDEMPOTENCY_IN_PROGRESS: ConflictError,
  PRECONDITION_FAILED: ConflictError,
  REQUEST_MALFORMED: InvalidRequestError,
  PAYLOAD_TOO_LARGE: InvalidRequestError,
  UNSUPPORTED_MEDIA_TYPE: InvalidRequestError,
  VALIDATION_ERROR: InvalidRequestError,
  IDEMPOTENCY_KEY_REUSED: InvalidRequestError,
  RATE_LIMIT_EXCEEDED: RateLimitError,
  MESSAGES_LIMIT_REACHED: RateLimitError,
  REQUEST_TIMEOUT: ServerError,
  INTERNAL_ERROR: ServerError,
  UNAVAILABLE: ServerError,
} as const;

/** The codes of the API. */
export type ErrorCode = keyof typeof CLASS_OF_CODE;
/** The codes of failures that the API had no part in. */
export type LocalErrorCode = "CONNECTION_FAILED" | "TIMED_OUT" | "UNEXPECTED_ANSWER";

/** The codes of the API, for programs that list them. */
export const ERROR_CODES = Object.keys(CLASS_OF_CODE) as readonly ErrorCode[];

function isKnown(code: string): code is ErrorCode {
  return Object.hasOwn(CLASS_OF_CODE, code);
}

/** The error of a code; of one that is newer than this package, the base class. */
export function errorOf(parts: ErrorParts<string>): AngariumError {
  if (!isKnown(parts.code)) return new AngariumError(parts);
  const Class = CLASS_OF_CODE[parts.code] as new (parts: ErrorParts<string>) => AngariumError;
  return new Class(parts);
}
