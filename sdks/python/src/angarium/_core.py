"""The one way that requests are made: connections, retries, and what an answer means.

A request is tried again after a network error, 408, 429 and 5xx, and while another request with the same idempotency
key is still running. That is safe for POST as well, because every POST carries an `Idempotency-Key` that is made once
per call. PUT, PATCH and DELETE need none; but when an answer to them is lost, the next try may find their work done,
and say so with 404, or with 412 where a version was named. Between tries it waits as long as `Retry-After` says, else
twice as long each time, with jitter.

A stream goes on over many connections: each begins behind the last event of the one before. Only failures in a row,
with no event between them, are counted against its retries.
"""

from __future__ import annotations

import email.utils
import http.client
import json
import random
import socket
import ssl
import threading
import time
import uuid
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Callable, Union
from urllib.parse import quote, urlencode, urlsplit

from ._events import MEDIA_TYPE, Attempts, Event, EventParser
from .errors import AngariumError, NetworkError, RequestTimeoutError, family

VERSION = "0.1.0"

BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 8.0
RETRY_AFTER_MAX_S = 60.0
"""A longer `Retry-After` is not waited for: the error says how long it is."""
IDLE_CONNECTIONS_MAX = 8
READ_BYTES = 65_536
"""The most that is read of a stream at once."""

Json = Any
QueryValue = Union[str, int, bool, Sequence[str], None]


@dataclass(frozen=True)
class Operation:
    """What is fixed about a request: everything but its arguments."""

    id: str
    method: str
    path: str
    auth: tuple[str, ...] = ("apiKey",)
    """What may authenticate it, the first choice first; empty where nothing is needed."""
    media_type: str = "application/json"


@dataclass
class Answer:
    """A successful answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    request_id: str | None = field(default=None)

    def json(self) -> Json:
        """The body, parsed."""
        if not self.body:
            return None
        try:
            return json.loads(self.body)
        except ValueError as error:
            message = f"the answer is not JSON: {error}"
            raise AngariumError(message, status=self.status, request_id=self.request_id) from None

    def data(self) -> Json:
        """What is in the envelope, or the whole body where there is none."""
        body = self.json()
        return body["data"] if isinstance(body, dict) and body.get("success") is True and "data" in body else body


class Core:
    """Makes requests. One may be used from many threads."""

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str | None,
        session_token: str | None,
        session_headers: Mapping[str, str] | None = None,
        timeout: float,
        retries: int,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("base_url must be like https://api.example.com")
        if timeout <= 0 or retries < 0:
            raise ValueError("timeout must be positive, and retries not negative")
        self.base_url = base_url.rstrip("/")
        self._parts = parts
        self._prefix = parts.path.rstrip("/")
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self.api_key = api_key
        self.session_token = session_token
        self._session_headers = dict(session_headers or {})
        self._timeout = timeout
        self._retries = retries
        self._sleep = sleep
        self._chance = chance
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        self._warned: set[str] = set()

    def __repr__(self) -> str:
        return f"Core({self.base_url!r})"

    def close(self) -> None:
        """Closes the connections that nobody uses."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def call(
        self,
        operation: Operation,
        ids: Sequence[str] = (),
        *,
        query: Mapping[str, QueryValue] | None = None,
        body: Json = None,
        headers: Mapping[str, str | None] | None = None,
        idempotency_key: str | None = None,
    ) -> Answer:
        """One call of the API, tried until it succeeds or there is no hope."""
        sent = self._headers(operation, headers or {})
        if idempotency_key is None and operation.method == "POST" and not _is_keyed(operation, body):
            idempotency_key = str(uuid.uuid4())
        if idempotency_key is not None:
            sent["Idempotency-Key"] = idempotency_key
        data: bytes | None = None
        if body is not None:
            data = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
            sent["Content-Type"] = operation.media_type
        target = self._target(operation.path, ids, query or {})
        tries = 0
        while True:
            failure: AngariumError
            try:
                answer = self._exchange(operation.method, target, sent, data)
            except NetworkError as error:
                failure = error
            else:
                # Redirects are not followed: they would carry the key to another place.
                if answer.status < 300:
                    self._warn_of_deprecation(operation, answer.headers)
                    return answer
                failure = _failure(answer)
            self._pause(failure, tries)
            tries += 1

    def stream(
        self, operation: Operation, ids: Sequence[str] = (), *, query: Mapping[str, QueryValue] | None = None
    ) -> Generator[Any, None, None]:
        """What a stream tells, one by one, until the server says that this was all, or the generator is closed."""
        # What is wrong with the call is said before anything is taken.
        self._headers(operation, {})
        first = self._target(operation.path, ids, query or {})
        later = self._target(operation.path, ids, {**(query or {}), "since": None})
        return self._follow(operation, first, later)

    def _follow(self, operation: Operation, first: str, later: str) -> Generator[Any, None, None]:
        parser, attempts, tries = EventParser(), Attempts(), 0
        while True:
            target = later if parser.last_id else first
            try:
                with closing(self._events(operation, target, parser)) as events:
                    for event in events:
                        tries = 0
                        if event.name == "end":
                            return
                        attempt = attempts.take(event)
                        if attempt is not None:
                            yield attempt
            except AngariumError as failure:
                self._pause(failure, tries)
                tries += 1
            else:
                self._sleep(min(parser.retry, RETRY_AFTER_MAX_S))

    def _events(self, operation: Operation, target: str, parser: EventParser) -> Generator[Event, None, None]:
        """What one connection brings; it is of the stream alone, and closed with it."""
        # To be closed: a proxy may give the answer a length, and must not leave its end open.
        given = {"Accept": MEDIA_TYPE, "Connection": "close", "Last-Event-ID": parser.last_id or None}
        headers = self._headers(operation, given)
        parser.begin()
        connection = self._connect()
        try:
            connection.request(operation.method, target, headers=headers)
            with connection.getresponse() as response:
                _check_stream(response)
                self._warn_of_deprecation(operation, response.headers)
                # Each read may take as long as the timeout; a heartbeat comes sooner.
                while chunk := response.read1(READ_BYTES):
                    yield from parser.feed(chunk)
        except (OSError, http.client.HTTPException) as error:
            raise self._lost(error) from error
        finally:
            connection.close()

    def _pause(self, failure: AngariumError, tries: int) -> None:
        """Waits until the next try; raises the failure where there is none."""
        wait = self._wait(tries, failure.retry_after)
        if not _is_temporary(failure) or tries >= self._retries or wait is None:
            raise failure
        self._sleep(wait)

    def _wait(self, tries: int, retry_after: float | None) -> float | None:
        backoff: float = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2**tries)
        jitter = backoff * self._chance() / 2
        if retry_after is None:
            return backoff / 2 + jitter
        # Not all who were told the same time come back in the same moment.
        return retry_after + jitter if retry_after <= RETRY_AFTER_MAX_S else None

    def _headers(self, operation: Operation, given: Mapping[str, str | None]) -> dict[str, str]:
        sent = {"Accept": "application/json", "User-Agent": f"angarium-python/{VERSION}"}
        if operation.auth:
            credentials = {"apiKey": self.api_key, "session": self.session_token}
            found = [name for name in operation.auth if credentials[name]]
            if not found:
                needed = " or ".join("a session_token" if name == "session" else "an api_key" for name in operation.auth)
                raise ValueError(f"{operation.id} needs {needed}")
            sent["Authorization"] = f"Bearer {credentials[found[0]]}"
            if found[0] == "session":
                sent.update(self._session_headers)
        sent.update({name: value for name, value in given.items() if value is not None})
        return sent

    def _target(self, path: str, ids: Sequence[str], query: Mapping[str, QueryValue]) -> str:
        filled = path
        for value in ids:
            if not value:
                raise ValueError(f"an empty id for {path}")
            before, _, rest = filled.partition("{")
            filled = before + quote(str(value), safe="") + rest.partition("}")[2]
        pairs: list[tuple[str, str]] = []
        for name, given in query.items():
            values = given if isinstance(given, (list, tuple)) else [given]
            pairs += [(name, _text(value)) for value in values if value is not None]
        return self._prefix + filled + ("?" + urlencode(pairs) if pairs else "")

    def _exchange(self, method: str, target: str, headers: Mapping[str, str], data: bytes | None) -> Answer:
        connection, used = self._connection()
        try:
            try:
                answer = _once(connection, method, target, headers, data)
            except ConnectionError:
                if not used:
                    raise
                # The server closed it while nobody used it: nothing is wrong.
                connection.close()
                answer = _once(connection, method, target, headers, data)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._lost(error) from error
        except BaseException:
            connection.close()
            raise
        with self._lock:
            if connection.sock is not None and len(self._idle) < IDLE_CONNECTIONS_MAX:
                self._idle.append(connection)
                return answer
        connection.close()
        return answer

    def _connection(self) -> tuple[http.client.HTTPConnection, bool]:
        with self._lock:
            if self._idle:
                return self._idle.pop(), True
        return self._connect(), False

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._tls:
            return http.client.HTTPSConnection(host, port, timeout=self._timeout, context=self._tls)
        return http.client.HTTPConnection(host, port, timeout=self._timeout)

    def _lost(self, error: OSError | http.client.HTTPException) -> NetworkError:
        if isinstance(error, socket.timeout):
            return RequestTimeoutError(f"no answer within {self._timeout:g} s")
        return NetworkError(f"no answer: {error or type(error).__name__}")

    def _warn_of_deprecation(self, operation: Operation, headers: http.client.HTTPMessage) -> None:
        if headers.get("Deprecation") is None or operation.id in self._warned:
            return
        self._warned.add(operation.id)
        sunset = headers.get("Sunset")
        until = f", and goes away on {sunset}" if sunset else ""
        text = f"{operation.method} {operation.path} is deprecated{until}"
        warnings.warn(text, DeprecationWarning, stacklevel=4)


def _once(
    connection: http.client.HTTPConnection, method: str, target: str, headers: Mapping[str, str], data: bytes | None
) -> Answer:
    connection.request(method, target, body=data, headers=dict(headers))
    return _read(connection.getresponse())


def _read(response: http.client.HTTPResponse) -> Answer:
    return Answer(response.status, response.headers, response.read(), response.headers.get("X-Request-Id"))


def _check_stream(response: http.client.HTTPResponse) -> None:
    if response.status >= 300:
        raise _failure(_read(response))
    if response.headers.get_content_type() != MEDIA_TYPE:
        request_id = response.headers.get("X-Request-Id")
        raise AngariumError("the answer is not a stream", status=response.status, request_id=request_id)


def _is_keyed(operation: Operation, body: Json) -> bool:
    """An event with a key or an id of its own is accepted once already, and another key would contradict it."""
    if operation.id == "publishEvents" and isinstance(body, dict):
        events = body.get("events")
        return isinstance(events, list) and all(_has_own_key(event) for event in events)
    return operation.id == "publishEvent" and _has_own_key(body)


def _has_own_key(event: Json) -> bool:
    return isinstance(event, dict) and (event.get("id") is not None or event.get("idempotencyKey") is not None)


def _is_temporary(failure: AngariumError) -> bool:
    if isinstance(failure, NetworkError) or failure.code == "IDEMPOTENCY_IN_PROGRESS":
        return True
    return failure.status is not None and (failure.status in (408, 429) or failure.status >= 500)


def _failure(answer: Answer) -> AngariumError:
    try:
        parsed = json.loads(answer.body)
    except ValueError:
        parsed = None
    outer = parsed if isinstance(parsed, dict) else {}
    error = outer.get("error") if isinstance(outer.get("error"), dict) else {}
    assert isinstance(error, dict)
    code = error.get("code")
    details = error.get("details") if isinstance(error.get("details"), dict) else None
    errors = details.get("errors") if details else None
    return family(answer.status, code)(
        str(error.get("message") or f"the server answered {answer.status}"),
        status=answer.status,
        code=code,
        request_id=error.get("requestId") or answer.request_id,
        errors=errors if isinstance(errors, list) else (),
        details=details,
        retry_after=_retry_after(answer.headers.get("Retry-After"), outer.get("retryAfter")),
    )


def _retry_after(header: str | None, body: Json) -> float | None:
    """Seconds, from a number or a date."""
    text = (header or "").strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    if text:
        try:
            then = email.utils.parsedate_to_datetime(text)
        except (TypeError, ValueError, IndexError):
            then = None
        if then is not None:
            return max(0.0, then.timestamp() - time.time())
    return float(body) if isinstance(body, (int, float)) and not isinstance(body, bool) and body >= 0 else None


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
