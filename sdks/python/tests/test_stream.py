"""A stream: what is asked for, and how it goes on."""

from __future__ import annotations

import http.client
import unittest
import warnings
from typing import Any
from unittest.mock import patch

from scripted import Scripted, Step, Stream, ok, refused

from angarium import AngariumError, AuthenticationError, NetworkError, RateLimitError, RequestTimeoutError, ServerError

STREAM = "/api/v1/deliveries/stream"


def attempt(number: int, event_id: str = "t1") -> bytes:
    data = f'{{"id":"dlv_1","attempt":{{"number":{number}}}}}'
    return f"id: {event_id}\nevent: attempt\ndata: {data}\n\n".encode()


def beat(event_id: str) -> bytes:
    return f"id: {event_id}\n\n".encode()


END = b"id: t9\nevent: end\ndata: all was told\n\n"


def numbers(server: Scripted, **options: Any) -> list[int]:
    return [one["attempt"]["number"] for one in server.client(**options).deliveries.stream()]


class WhatIsAsked(unittest.TestCase):
    def test_a_stream(self) -> None:
        with Scripted(Stream([beat("t0"), attempt(1), END])) as server:
            stream = server.client().deliveries.stream(webhookId="wh_1", since="2026-11-21T20:00:00Z", follow=False)
            self.assertEqual(server.asked, [], "nothing is asked before something is taken")
            self.assertEqual(list(stream), [{"id": "dlv_1", "attempt": {"number": 1}}])
            asked = server.asked[0]
            query = "webhookId=wh_1&since=2026-11-21T20%3A00%3A00Z&follow=false"
            self.assertEqual((asked.method, asked.path), ("GET", f"{STREAM}?{query}"))
            self.assertEqual(asked.headers["accept"], "text/event-stream")
            self.assertEqual(asked.headers["authorization"], "Bearer sk_test_1")
            self.assertEqual(asked.headers["connection"], "close")
            self.assertNotIn("last-event-id", asked.headers)
            self.assertEqual((len(server.asked), server.slept), (1, []), "it ended where the server said so")

    def test_without_a_key(self) -> None:
        with Scripted() as server, self.assertRaisesRegex(ValueError, "needs an api_key"):
            server.client(api_key="").deliveries.stream()

    def test_a_deprecation_is_said(self) -> None:
        old = Stream([END], headers={"content-type": "text/event-stream; charset=utf-8", "deprecation": "@1767225600"})
        with Scripted(old) as server, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            numbers(server)
        said = [one for one in caught if one.category is DeprecationWarning]
        self.assertEqual([one.filename.endswith("test_stream.py") for one in said], [True])


class HowItGoesOn(unittest.TestCase):
    def test_behind_the_last_event(self) -> None:
        first = Stream([b"id: t0\nretry: 2500\n\n", attempt(1, "t1"), beat("t2")])
        with Scripted(first, Stream([attempt(2, "t3")]), Stream([END])) as server:
            stream = server.client().deliveries.stream(eventType="a.b", since="2026-11-21T20:00:00Z")
            self.assertEqual([one["attempt"]["number"] for one in stream], [1, 2])
            self.assertEqual([asked.headers.get("last-event-id") for asked in server.asked], [None, "t2", "t3"])
            since = "&since=2026-11-21T20%3A00%3A00Z"
            paths = [asked.path for asked in server.asked]
            self.assertEqual(paths, [f"{STREAM}?eventType=a.b{of}" for of in (since, "", "")])
            self.assertEqual(server.slept, [2.5, 2.5])

    def test_after_a_second_if_the_server_does_not_say(self) -> None:
        with Scripted(Stream([]), Stream([b"retry: 3600000\n"]), Stream([END])) as server:
            numbers(server)
            self.assertEqual(server.slept, [1.0, 60.0])

    def test_after_a_connection_that_broke(self) -> None:
        unfinished = b"id: t2\nevent: attempt\ndata: {"
        with Scripted(Stream([attempt(1), unfinished], "break"), Stream([attempt(2), END])) as server:
            self.assertEqual(numbers(server), [1, 2])
            self.assertEqual([asked.headers.get("last-event-id") for asked in server.asked], [None, "t1"])
            self.assertEqual(server.slept, [0.25])

    def test_from_its_beginning_if_nothing_came(self) -> None:
        with Scripted(Step(None), Stream([], "break"), Stream([END])) as server:
            self.assertEqual(list(server.client().deliveries.stream(since="2026-11-21T20:00:00Z")), [])
            self.assertEqual(len({asked.path for asked in server.asked}), 1)
            self.assertEqual(server.slept, [0.25, 0.5])

    def test_no_attempt_comes_twice(self) -> None:
        again = Stream([attempt(1), attempt(2), attempt(3), END])
        with Scripted(Stream([attempt(1), attempt(2)], "break"), again) as server:
            self.assertEqual(numbers(server), [1, 2, 3])

    def test_after_silence(self) -> None:
        with Scripted(Stream([attempt(1)], "silence"), Stream([attempt(2), END])) as server:
            self.assertEqual(numbers(server, timeout=0.2), [1, 2])
            self.assertTrue(server.left.wait(10))
        with Scripted(Stream([beat("t1")], "silence")) as server, self.assertRaises(RequestTimeoutError):
            numbers(server, timeout=0.1, retries=0)

    def test_after_what_the_server_asks_for(self) -> None:
        busy = refused(503, "UNAVAILABLE", {"Retry-After": "7"})
        limited = refused(429, "RATE_LIMIT_EXCEEDED", {"Retry-After": "9"})
        with Scripted(Stream([attempt(1)]), busy, limited, Stream([attempt(2), END])) as server:
            self.assertEqual(numbers(server), [1, 2])
            self.assertEqual(server.slept, [1.0, 7.0, 9.0])
            self.assertEqual([asked.headers.get("last-event-id") for asked in server.asked[1:]], ["t1"] * 3)


class WhereItEnds(unittest.TestCase):
    def test_with_what_stays_wrong(self) -> None:
        with Scripted(Stream([attempt(1)]), refused(401, "API_KEY_INVALID")) as server:
            stream = server.client().deliveries.stream()
            next(stream)
            with self.assertRaises(AuthenticationError) as caught:
                next(stream)
            self.assertEqual((caught.exception.code, len(server.asked)), ("API_KEY_INVALID", 2))

    def test_with_a_pause_that_is_too_long(self) -> None:
        limited = refused(429, "RATE_LIMIT_EXCEEDED", {"Retry-After": "3600"})
        with Scripted(limited) as server, self.assertRaises(RateLimitError):
            numbers(server)

    def test_with_what_is_no_stream(self) -> None:
        page = Stream([END], headers={"content-type": "text/html"})
        for step in (page, ok({}), Step(302, b"", {"Location": "/"}), Step(204, b"")):
            with self.subTest(step), Scripted(step) as server, self.assertRaises(AngariumError):
                numbers(server)

    def test_with_an_event_that_is_no_attempt(self) -> None:
        with Scripted(Stream([b"event: attempt\ndata: {\n\n"])) as server:
            with self.assertRaisesRegex(AngariumError, "not an attempt"):
                numbers(server)

    def test_with_failures_in_a_row(self) -> None:
        with Scripted(Stream([attempt(1)]), *[Step(503, {})] * 3) as server:
            stream = server.client(retries=2).deliveries.stream()
            next(stream)
            with self.assertRaises(ServerError):
                next(stream)
            self.assertEqual(server.slept, [1.0, 0.25, 0.5])

    def test_with_connections_that_break_before_there_is_news(self) -> None:
        # The server says first of all where it begins, which brings nothing.
        with Scripted(*[Stream([beat("t1")], "break")] * 3) as server:
            with self.assertRaises(NetworkError):
                numbers(server, retries=2)
            self.assertEqual(server.slept, [0.25, 0.5])

    def test_not_with_failures_between_events(self) -> None:
        broken = [Stream([beat(f"t{n}")], "break") for n in range(4)]
        attempts = [Stream([attempt(n)], "break") for n in range(4)]
        with Scripted(*broken, *attempts, Stream([END])) as server:
            self.assertEqual(numbers(server, retries=1), [0, 1, 2, 3])
            self.assertEqual(server.slept, [0.25] * 8)

    def test_where_it_is_closed(self) -> None:
        answer, kept = http.client.HTTPConnection.getresponse, []

        def keep(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
            # What is forgotten would be closed too.
            kept.append(answer(connection))
            return kept[-1]

        keeping = patch.object(http.client.HTTPConnection, "getresponse", keep)
        with keeping, Scripted(ok({}), Stream([attempt(1)], "silence"), ok({})) as server:
            client = server.client()
            client.webhooks.get("wh_1")
            stream = client.deliveries.stream()
            next(stream)
            self.assertFalse(server.left.is_set())
            stream.close()
            self.assertTrue(server.left.wait(10), "its connection is closed")
            client.webhooks.get("wh_1")
            before, of_the_stream, after = [asked.connection for asked in server.asked]
            self.assertEqual(before, after)
            self.assertNotEqual(of_the_stream, after)


if __name__ == "__main__":
    unittest.main()
