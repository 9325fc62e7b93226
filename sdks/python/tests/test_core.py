"""Requests: what is sent, what is tried again, and what an answer becomes."""

from __future__ import annotations

import os
import socket
import unittest
import warnings
from unittest import mock

from scripted import Scripted, Step, ok, refused

from angarium import (
    AngariumError,
    AuthenticationError,
    Client,
    ConflictError,
    InvalidRequestError,
    NetworkError,
    NotFoundError,
    PlanLimitError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
)


class WhatIsSent(unittest.TestCase):
    def test_a_request(self) -> None:
        with Scripted(ok({"id": "evt_1"}), ok([])) as server:
            client = server.client()
            answer = client.events.publish(type="order.created", data={"name": "Zoë"})
            self.assertEqual(answer["id"], "evt_1")
            post, key = server.asked[0], server.asked[0].headers["idempotency-key"]
            self.assertEqual((post.method, post.path), ("POST", "/api/v1/events"))
            self.assertEqual(post.body, {"type": "order.created", "data": {"name": "Zoë"}})
            self.assertEqual(post.headers["authorization"], "Bearer sk_test_1")
            self.assertEqual(post.headers["content-type"], "application/json")
            self.assertTrue(post.headers["user-agent"].startswith("angarium-python/"))
            self.assertEqual(len(key), 36)
            client.deliveries.list(status="dead", limit=5)
            get = server.asked[1]
            self.assertEqual((get.method, get.path), ("GET", "/api/v1/deliveries?limit=5&status=dead"))
            self.assertNotIn("idempotency-key", get.headers)
            self.assertEqual(get.connection, post.connection, "the connection is used again")

    def test_ids_cannot_leave_their_place(self) -> None:
        with Scripted(ok({})) as server:
            client = server.client()
            client.webhooks.get("../../x?y=1#é")
            self.assertEqual(server.asked[0].path, "/api/v1/webhooks/..%2F..%2Fx%3Fy%3D1%23%C3%A9")
            with self.assertRaises(ValueError):
                client.webhooks.get("")

    def test_a_version_and_a_chosen_idempotency_key(self) -> None:
        with Scripted(ok({}), ok({}), ok({})) as server:
            client = server.client()
            client.webhooks.update("wh_1", if_match=3, name="x")
            client.webhooks.update("wh_1", if_match='"4"', name="x")
            client.events.publish(type="a.b", data={}, idempotency_key="mine")
            sent = [asked.headers for asked in server.asked]
            self.assertEqual([one.get("if-match") for one in sent], ['"3"', '"4"', None])
            self.assertEqual(sent[2]["idempotency-key"], "mine")

    def test_an_event_that_has_a_key_gets_no_other(self) -> None:
        with Scripted(*[ok({})] * 4) as server:
            client = server.client()
            client.events.publish(type="a.b", data={}, idempotencyKey="own")
            client.events.publish_batch(events=[{"type": "a.b", "data": {}, "id": "evt_1"}])
            client.events.publish_batch(events=[{"type": "a.b", "data": {}, "id": "evt_1"}, {"type": "a.b", "data": {}}])
            client.webhooks.create(name="x", url="https://example.com/", events=["*"])
            self.assertEqual(["idempotency-key" in one.headers for one in server.asked], [False, False, True, True])

    def test_a_session_says_what_it_means(self) -> None:
        with Scripted(ok({}), ok({}), ok({})) as server:
            with server.client(session_token="jwt", environment="production", tenant="acme") as client:
                client.api_keys.get("key_1")
                client.webhooks.get("wh_1")
            with server.client(api_key=None, session_token="jwt", environment="staging") as client:
                client.webhooks.get("wh_1")
            seen = [(one.headers["authorization"], one.headers.get("x-environment")) for one in server.asked]
            key = ("Bearer sk_test_1", None)
            self.assertEqual(seen, [("Bearer jwt", "production"), key, ("Bearer jwt", "staging")])
            self.assertEqual(server.asked[0].headers["x-tenant"], "acme")

    def test_settings_come_from_the_environment(self) -> None:
        with Scripted(ok({})) as server:
            given = {"ANGARIUM_API_KEY": "sk_test_env", "ANGARIUM_BASE_URL": server.url + "/"}
            with mock.patch.dict(os.environ, given):
                Client().webhooks.get("wh_1")
            self.assertEqual(server.asked[0].headers["authorization"], "Bearer sk_test_env")

    def test_a_base_url_may_have_a_path(self) -> None:
        with Scripted(ok({})) as server:
            server.client(base_url=server.url + "/hooks/").webhooks.get("wh_1")
            self.assertEqual(server.asked[0].path, "/hooks/api/v1/webhooks/wh_1")

    def test_wrong_settings_are_said_at_once(self) -> None:
        for url in ("localhost:3001", "ftp://x", "http://", "http://x?y"):
            with self.subTest(url), self.assertRaises(ValueError):
                Client("k", base_url=url)
        with self.assertRaises(ValueError):
            Client("k", timeout=0)
        with mock.patch.dict(os.environ, clear=True), self.assertRaisesRegex(ValueError, "needs an api_key"):
            Client().webhooks.get("wh_1")

    def test_the_key_is_not_shown(self) -> None:
        client = Client("sk_live_secret")
        self.assertNotIn("secret", repr(client) + repr(client.webhooks) + repr(client._core))


class WhatIsTriedAgain(unittest.TestCase):
    def test_until_it_succeeds_with_one_key(self) -> None:
        limited = refused(429, "RATE_LIMIT_EXCEEDED", {"Retry-After": "7"})
        with Scripted(Step(503, b"busy", close_after=True), Step(None), limited, ok({})) as server:
            server.client().events.publish(type="a.b", data={})
            self.assertEqual(len({asked.headers["idempotency-key"] for asked in server.asked}), 1)
            # With no chance in it: half of 0.5, of 1, and what Retry-After says.
            self.assertEqual(server.slept, [0.25, 0.5, 7.0])

    def test_while_another_with_the_same_key_is_running(self) -> None:
        with Scripted(refused(409, "IDEMPOTENCY_IN_PROGRESS", {"Retry-After": "1"}), ok({})) as server:
            server.client().events.publish(type="a.b", data={}, idempotency_key="k")
            self.assertEqual(server.slept, [1.0])

    def test_only_so_often(self) -> None:
        with Scripted(*[Step(500, {})] * 4) as server:
            with self.assertRaises(ServerError):
                server.client().webhooks.get("wh_1")
            self.assertEqual(len(server.asked), 4)
        with Scripted(Step(503, {})) as server, self.assertRaises(ServerError):
            server.client(retries=0).webhooks.get("wh_1")

    def test_not_what_will_be_wrong_again(self) -> None:
        for status in (400, 401, 403, 404, 409, 412, 422):
            with self.subTest(status), Scripted(refused(status, "CONFLICT")) as server:
                with self.assertRaises(AngariumError):
                    server.client().webhooks.get("wh_1")
                self.assertEqual(len(server.asked), 1)

    def test_not_after_an_hour(self) -> None:
        with Scripted(refused(429, "RATE_LIMIT_EXCEEDED", {"Retry-After": "3600"})) as server:
            with self.assertRaises(RateLimitError) as caught:
                server.client().webhooks.get("wh_1")
            self.assertEqual((caught.exception.retry_after, server.slept), (3600.0, []))

    def test_a_date_to_come_back_at(self) -> None:
        steps = [Step(503, {}, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), Step(503, {}, {"Retry-After": "soon"})]
        with Scripted(*steps, ok({})) as server:
            server.client().webhooks.get("wh_1")
            self.assertEqual(server.slept, [0.0, 0.5])

    def test_a_connection_that_the_server_closed_meanwhile(self) -> None:
        with Scripted(Step(200, {"success": True, "data": {}}, close_after=True), ok({"id": "2"})) as server:
            client = server.client(retries=0)
            client.webhooks.get("wh_1")
            self.assertEqual(client.webhooks.get("wh_1")["id"], "2")

    def test_jitter_spreads(self) -> None:
        client = Client("k")
        client._core._chance = lambda: 1.0
        self.assertEqual([client._core._wait(tries, None) for tries in (0, 1, 9)], [0.5, 1.0, 8.0])


class WhatAnAnswerBecomes(unittest.TestCase):
    def test_an_error(self) -> None:
        problem = {"path": ["url"], "message": "must be https", "code": "NOT_ALLOWED"}
        with Scripted(refused(422, "VALIDATION_ERROR", details={"errors": [problem]})) as server:
            with self.assertRaises(InvalidRequestError) as caught:
                server.client().webhooks.create(name="x", url="y", events=[])
        error = caught.exception
        self.assertEqual((error.status, error.code, error.request_id), (422, "VALIDATION_ERROR", "req_1"))
        self.assertEqual(error.errors, [problem])
        self.assertEqual(str(error), "no (422, VALIDATION_ERROR, req_1)")

    def test_its_family(self) -> None:
        for status, code, family in (
            (401, "API_KEY_EXPIRED", AuthenticationError),
            (403, "PLAN_LIMIT_EXCEEDED", PlanLimitError),
            (404, "RESOURCE_NOT_FOUND", NotFoundError),
            (412, "PRECONDITION_FAILED", ConflictError),
            (404, "A_CODE_OF_TOMORROW", NotFoundError),
            (418, "A_CODE_OF_TOMORROW", InvalidRequestError),
        ):
            with self.subTest(code), Scripted(refused(status, code)) as server, self.assertRaises(family):
                server.client().webhooks.get("wh_1")

    def test_what_a_proxy_says(self) -> None:
        for body in (b"<html>Bad gateway</html>", b"[]", b'{"error":"x"}', b"\xff"):
            with self.subTest(body), Scripted(Step(502, body, {"X-Request-Id": "r"})) as server:
                with self.assertRaises(ServerError) as caught:
                    server.client(retries=0).webhooks.get("wh_1")
                self.assertEqual((caught.exception.status, caught.exception.request_id), (502, "r"))
        with Scripted(Step(200, b"<html>")) as server, self.assertRaisesRegex(AngariumError, "not JSON"):
            server.client().webhooks.get("wh_1")

    def test_a_redirect_is_not_followed(self) -> None:
        with Scripted(Step(302, {}, {"Location": "http://example.com/"})) as server, self.assertRaises(AngariumError):
            server.client().webhooks.get("wh_1")

    def test_nobody_there(self) -> None:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            with self.assertRaises(NetworkError):
                Client("k", base_url=f"http://127.0.0.1:{one.getsockname()[1]}", retries=0).webhooks.get("wh_1")

    def test_silence(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as one, self.assertRaises(RequestTimeoutError):
            url = f"http://127.0.0.1:{one.getsockname()[1]}"
            Client("k", base_url=url, retries=0, timeout=0.1).webhooks.get("wh_1")

    def test_a_deprecation_is_said_once(self) -> None:
        headers = {"Deprecation": "@1767225600", "Sunset": "Wed, 01 Jul 2026 00:00:00 GMT"}
        with Scripted(*[ok({}, **headers)] * 3) as server, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            client = server.client()
            for _ in range(2):
                client.webhooks.get("wh_1")
            client.webhooks.pause("wh_1")
        said = [str(one.message) for one in caught if one.category is DeprecationWarning]
        self.assertEqual(len(said), 2)
        self.assertIn("GET /api/v1/webhooks/{id} is deprecated, and goes away on Wed, 01 Jul 2026", said[0])
        self.assertTrue(caught[0].filename.endswith("test_core.py"), caught[0].filename)


class Lists(unittest.TestCase):
    def test_by_cursor(self) -> None:
        def page(rows: list[int], cursor: object) -> Step:
            totals = {"total": 3, "page": 1, "limit": 2, "totalPages": 2, "nextCursor": cursor, "prevCursor": "xyz"}
            return Step(200, {"success": True, "data": [{"id": row} for row in rows], "pagination": totals})

        with Scripted(page([1, 2], "abc"), page([3], None)) as server:
            found = server.client().deliveries.list(limit=2)
            self.assertEqual((len(found), found.total, found[0]["id"], found.prev_cursor), (2, 3, 1, "xyz"))
            self.assertEqual([one["id"] for one in found.all()], [1, 2, 3])
            self.assertEqual(server.asked[1].path, "/api/v1/deliveries?limit=2&cursor=abc")

    def test_by_page(self) -> None:
        def page(number: int, rows: list[int]) -> Step:
            data = {"webhooks": [{"id": row} for row in rows], "total": 3, "page": number, "limit": 2, "totalPages": 2}
            return Step(200, {"success": True, "data": data})

        with Scripted(page(1, [1, 2]), page(2, [3])) as server:
            found = server.client().webhooks.list(isActive=True)
            self.assertEqual([one["id"] for one in found.all()], [1, 2, 3])
            self.assertEqual(server.asked[1].path, "/api/v1/webhooks?page=2&isActive=true")


if __name__ == "__main__":
    unittest.main()
