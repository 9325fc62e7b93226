"""Bytes to events, and events to attempts."""

from __future__ import annotations

import unittest

from angarium import AngariumError, _events
from angarium._events import Attempts, Event, EventParser


def read(*chunks: bytes) -> list[tuple[str, str, str | None]]:
    parser = EventParser()
    return [(event.id, event.name, event.data) for chunk in chunks for event in parser.feed(chunk)]


class Parsing(unittest.TestCase):
    def test_events(self) -> None:
        for what, stream, events in (
            ("all fields", b"id: 1\nevent: attempt\ndata: x\n\n", [("1", "attempt", "x")]),
            ("no name", b"data: x\n\n", [("", "message", "x")]),
            ("a name is of one event", b"event: a\ndata: x\n\ndata: y\n\n", [("", "a", "x"), ("", "message", "y")]),
            ("an id stays", b"id: 1\ndata: x\n\ndata: y\n\n", [("1", "message", "x"), ("1", "message", "y")]),
            ("CR LF", b"id: 1\r\ndata: x\r\n\r\ndata: y\r\n\r\n", [("1", "message", "x"), ("1", "message", "y")]),
            ("CR", b"id: 1\rdata: x\r\rdata: y\r\r", [("1", "message", "x"), ("1", "message", "y")]),
            ("other line ends are text", "data: a\u2028b\x0bc\n\n".encode(), [("", "message", "a\u2028b\x0bc")]),
            ("comments", b": hello\n:\ndata: x\n: more\n\n", [("", "message", "x")]),
            ("lines of data", b"data: a\ndata:\ndata: b\n\n", [("", "message", "a\n\nb")]),
            ("a field without a value", b"data\n\n", [("", "message", "")]),
            ("one space goes", b"data:  x \n\ndata:y\n\n", [("", "message", " x "), ("", "message", "y")]),
            ("a colon in a value", b"data: a:b\n\n", [("", "message", "a:b")]),
            ("an unknown field", b"colour: red\nDATA: y\n data: z\ndata: x\n\n", [("", "message", "x")]),
            ("an end without an empty line", b"data: x\n\ndata: y\n", [("", "message", "x")]),
            ("a byte order mark", "\ufeffdata: x\n\n".encode(), [("", "message", "x")]),
            ("only the first is one", "\ufeff\ufeffdata: x\ndata: y\n\n".encode(), [("", "message", "y")]),
            ("an id with NUL", b"id: 1\n\nid: 2\x002\ndata: x\n\n", [("1", "message", None), ("1", "message", "x")]),
            ("an empty id", b"id: 1\ndata: x\n\nid\ndata: y\n\n", [("1", "message", "x"), ("", "message", "y")]),
            ("a heartbeat", b"id: 1\n\n", [("1", "message", None)]),
            ("no news", b"id: 1\n\nid: 1\n\n\n\nevent: a\n\n", [("1", "message", None)]),
            ("what is not UTF-8", b"data: \xff\n\n", [("", "message", "\ufffd")]),
        ):
            with self.subTest(what):
                self.assertEqual(read(stream), events)

    def test_wherever_the_bytes_are_cut(self) -> None:
        stream = "\ufeffid: ž1\r\ndata: Zoë 🙂\r\n\r\n: c\rid: 2\r\rdata: x\n\n".encode()
        whole = [("ž1", "message", "Zoë 🙂"), ("2", "message", None), ("2", "message", "x")]
        self.assertEqual(read(*[stream[n : n + 1] for n in range(len(stream))]), whole)
        for cut in range(len(stream)):
            self.assertEqual(read(stream[:cut], b"", stream[cut:]), whole, cut)

    def test_a_line_that_ends_in_cr_waits_for_nothing(self) -> None:
        self.assertEqual(read(b"data: x\r\r"), [("", "message", "x")])

    def test_the_pause(self) -> None:
        for said, pause in (
            (b"retry: 250\n", 0.25),
            (b"retry: 0\n", 0.0),
            (b"retry\n", 1.0),
            (b"retry: -1\n", 1.0),
            (b"retry: 1.5\n", 1.0),
            (b"retry: 2s\n", 1.0),
            ("retry: ²\n".encode(), 1.0),
            ("retry: ٣\n".encode(), 1.0),
        ):
            with self.subTest(said):
                parser = EventParser()
                parser.feed(said)
                self.assertEqual(parser.retry, pause)

    def test_a_new_connection(self) -> None:
        parser = EventParser()
        parser.feed(b"retry: 7\nid: 1\n\nid: 2\nevent: a\ndata: lost\ndata: al")
        self.assertEqual(parser.last_id, "1", "an id counts where its event ends")
        parser.begin()
        self.assertEqual(parser.feed(b"\ndata: x\n\n"), [Event("1", "message", "x")])
        self.assertEqual((parser.last_id, parser.retry), ("1", 0.007))


class Telling(unittest.TestCase):
    def take(self, attempts: Attempts, delivery: str, number: int) -> object:
        return attempts.take(Event("1", "attempt", f'{{"id": "{delivery}", "attempt": {{"number": {number}}}}}'))

    def test_an_attempt_is_told_once(self) -> None:
        attempts = Attempts()
        self.assertEqual(self.take(attempts, "a", 1), {"id": "a", "attempt": {"number": 1}})
        self.assertIsNone(self.take(attempts, "a", 1))
        self.assertIsNotNone(self.take(attempts, "a", 2))
        self.assertIsNotNone(self.take(attempts, "b", 1))

    def test_the_last_ones_are_known(self) -> None:
        attempts = Attempts()
        for number in range(_events.ATTEMPTS_KEPT + 1):
            self.assertIsNotNone(self.take(attempts, "a", number))
        self.assertIsNone(self.take(attempts, "a", 1))
        self.assertIsNotNone(self.take(attempts, "a", 0), "it is too long ago")

    def test_other_events_are_none(self) -> None:
        for event in (Event("1", "message", None), Event("1", "attempt", None), Event("1", "news", "{}")):
            self.assertIsNone(Attempts().take(event))

    def test_what_is_no_attempt(self) -> None:
        for data in ("", "{", "[]", "1", "{}", '{"id": "a"}', '{"id": "a", "attempt": null}'):
            with self.subTest(data), self.assertRaisesRegex(AngariumError, "not an attempt"):
                Attempts().take(Event("1", "attempt", data))


if __name__ == "__main__":
    unittest.main()
