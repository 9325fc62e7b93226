"""What can go wrong: one exception per family, all of them an `AngariumError`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class AngariumError(Exception):
    """A request that did not succeed.

    `code` is the API's word for what happened, `None` where there was no answer. `errors` lists what is wrong with the
    fields of a request, each with `path`, `code` and `message`. `request_id` finds the request in the server's log.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        details: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.request_id = request_id
        self.errors = list(errors)
        self.details = dict(details or {})
        self.retry_after = retry_after

    def __str__(self) -> str:
        about = [str(part) for part in (self.status, self.code, self.request_id) if part]
        return f"{self.message} ({', '.join(about)})" if about else self.message


class NetworkError(AngariumError):
    """There was no answer, or not all of it."""


class RequestTimeoutError(NetworkError):
    """There was no answer in time, or 408: the request did not arrive in time."""


class AuthenticationError(AngariumError):
    """401: the key or the session is missing, unknown, revoked or expired."""


class PermissionDeniedError(AngariumError):
    """403: the key may not do this, or not from this address."""


class PlanLimitError(AngariumError):
    """403: what the plan includes is used up."""


class NotFoundError(AngariumError):
    """404: there is no such thing, or it is somebody else's."""


class InvalidRequestError(AngariumError):
    """400, 405, 413, 415, 422: the request itself is wrong, and will be wrong the next time."""


class ConflictError(AngariumError):
    """409, 412: the state does not allow it, or it has changed since it was read."""


class RateLimitError(AngariumError):
    """429: too many requests, or too many messages, for now; see `retry_after`."""


class ServerError(AngariumError):
    """5xx: trouble on the other side."""


CODES: dict[str, type[AngariumError]] = {
    "API_KEY_EXPIRED": AuthenticationError,
    "API_KEY_INVALID": AuthenticationError,
    "AUTH_REQUIRED": AuthenticationError,
    "CONFLICT": ConflictError,
    "IDEMPOTENCY_IN_PROGRESS": ConflictError,
    "IDEMPOTENCY_KEY_REUSED": InvalidRequestError,
    "INTERNAL_ERROR": ServerError,
    "MESSAGES_LIMIT_REACHED": RateLimitError,
    "METHOD_NOT_ALLOWED": InvalidRequestError,
    "PAYLOAD_TOO_LARGE": InvalidRequestError,
    "PERMISSION_DENIED": PermissionDeniedError,
    "PLAN_LIMIT_EXCEEDED": PlanLimitError,
    "PRECONDITION_FAILED": ConflictError,
    "RATE_LIMIT_EXCEEDED": RateLimitError,
    "REQUEST_MALFORMED": InvalidRequestError,
    "REQUEST_TIMEOUT": RequestTimeoutError,
    "RESOURCE_NOT_FOUND": NotFoundError,
    "SESSION_INVALID": AuthenticationError,
    "UNAVAILABLE": ServerError,
    "UNSUPPORTED_MEDIA_TYPE": InvalidRequestError,
    "VALIDATION_ERROR": InvalidRequestError,
}
"""Every code of the API, and its exception."""

_STATUSES: dict[int, type[AngariumError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    408: RequestTimeoutError,
    409: ConflictError,
    412: ConflictError,
    429: RateLimitError,
}


def family(status: int, code: str | None) -> type[AngariumError]:
    """The exception for an answer: by its code, else by its status, since a proxy may have written it."""
    if code in CODES:
        return CODES[code]
    if status in _STATUSES:
        return _STATUSES[status]
    return ServerError if status >= 500 else InvalidRequestError if status >= 400 else AngariumError
