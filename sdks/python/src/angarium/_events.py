"""Server-sent events: how bytes become events, and events attempts, none of them twice.

Bytes are read as the HTML standard says: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import codecs
import json
import re
from collections import deque
from dataclasses import dataclass
from typing import Any

from .errors import AngariumError

MEDIA_TYPE = "text/event-stream"
RETRY_S = 1.0
"""The pause before a stream that ended is begun again, until the server says another."""
ATTEMPTS_KEPT = 10_000
"""So many of the last attempts are known when they come again."""

_LINE_END = re.compile("\r\n|\r|\n")


@dataclass(frozen=True)
class Event:
    """One event. A heartbeat has an id, and no data."""

    id: str
    name: str
    data: str | None


class EventParser:
    """Makes events of bytes, and keeps over all connections of a stream where it goes on.

    The standard gives no event without data. Here there is one if its id is new, because the stream came further then.
    """

    def __init__(self) -> None:
        self.last_id = ""
        self.retry = RETRY_S
        self.begin()

    def begin(self) -> None:
        """There is a new connection; what the one before left unfinished is dropped."""
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._rest = ""
        self._ended_by_cr = False
        # The standard has no id here. But an event without one must not make the stream forget where it is.
        self._id = self.last_id
        self._name = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that end in these bytes."""
        found = [self._take(line) for line in self._lines(self._decoder.decode(chunk))]
        return [event for event in found if event is not None]

    def _lines(self, text: str) -> list[str]:
        if not text:
            return []
        if self._ended_by_cr:
            # Its line has ended already.
            text = text.removeprefix("\n")
        self._ended_by_cr = text.endswith("\r")
        *lines, self._rest = _LINE_END.split(self._rest + text)
        return lines

    def _take(self, line: str) -> Event | None:
        if not line:
            return self._end()
        # The name of a comment is empty.
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._name = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdecimal():
            self.retry = float(value) / 1000
        return None

    def _end(self) -> Event | None:
        came_further, self.last_id = self._id != self.last_id, self._id
        name, data = self._name or "message", "\n".join(self._data) if self._data else None
        self._name, self._data = "", []
        return Event(self._id, name, data) if came_further or data is not None else None


class Attempts:
    """Makes attempts of events. Where a stream goes on, the last ones may come again; they are left out."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._order: deque[str] = deque()

    def take(self, event: Event) -> Any:
        """The attempt that an event tells; `None` if it tells none, or one that is known."""
        if event.name != "attempt" or event.data is None:
            return None
        try:
            attempt = json.loads(event.data)
            key = f"{attempt['id']} {attempt['attempt']['number']}"
        except (ValueError, TypeError, LookupError):
            raise AngariumError("an event of the stream is not an attempt") from None
        return attempt if self._is_new(key) else None

    def _is_new(self, key: str) -> bool:
        if key in self._known:
            return False
        self._known.add(key)
        self._order.append(key)
        if len(self._order) > ATTEMPTS_KEPT:
            self._known.remove(self._order.popleft())
        return True
