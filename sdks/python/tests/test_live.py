"""The client against the program itself, `ANGARIUM_BIN` or the newest build."""

from __future__ import annotations

import threading
import unittest
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import running

from angarium import (
    AuthenticationError,
    Client,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    SignatureError,
    Verified,
    types,
    verify,
)


class Receiver(BaseHTTPRequestHandler):
    """Verifies what comes, as a receiver would."""

    secrets: list[str] = []
    verified: list[Verified] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            self.verified.append(verify(body, self.headers, self.secrets))  # type: ignore[arg-type]
            self.send_response(204)
        except SignatureError as error:
            print(error.reason)
            self.send_response(401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Live(unittest.TestCase):
    client: Client
    url: str

    @classmethod
    def setUpClass(cls) -> None:
        stack = ExitStack()
        cls.addClassCleanup(stack.close)
        process = stack.enter_context(running.dev())
        cls.url = process.url
        cls.client = stack.enter_context(Client(process.api_key, base_url=process.url))

    def test_an_event_arrives_and_verifies(self) -> None:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        url = f"http://127.0.0.1:{server.server_port}/"
        webhook = self.client.webhooks.create(name="python", url=url, events=["python.*"])
        Receiver.secrets.append(webhook["secret"] or "")
        data = {"name": "Zoë 🙂", "total": 1.5}
        event = self.client.events.publish(type="python.created", data=data)
        verified = running.wait_until("it arrives", lambda: Receiver.verified)[0]
        self.assertEqual(verified.id, event["id"])
        self.assertEqual(verified.json()["data"], data)

        def settled() -> bool:
            found = self.client.deliveries.list(eventId=event["id"], webhookId=webhook["id"])
            return [one["status"] for one in found] == ["delivered"]

        running.wait_until("it is delivered", settled)
        delivery = self.client.deliveries.list(eventId=event["id"], webhookId=webhook["id"])[0]
        shown = self.client.deliveries.get(delivery["id"])
        self.assertEqual([attempt["status"] for attempt in shown["attemptLog"]], [204])
        self.client.webhooks.delete(webhook["id"])
        with self.assertRaises(NotFoundError):
            self.client.webhooks.get(webhook["id"])

    def test_an_attempt_is_in_the_stream(self) -> None:
        webhook = self.client.webhooks.create(name="told", url="http://localhost:9999/", events=["told.*"])
        event = self.client.events.publish(type="told.a", data={})

        def told() -> list[types.StreamedAttempt]:
            since = event["createdAt"]
            return list(self.client.deliveries.stream(webhookId=webhook["id"], since=since, follow=False))

        first = running.wait_until("its attempt is told", told)[0]
        self.assertEqual((first["eventId"], first["attempt"]["number"]), (event["id"], 1))
        self.client.webhooks.delete(webhook["id"])

    def test_a_key_makes_an_event_once(self) -> None:
        first = self.client.events.publish(type="once.a", data={"n": 1}, idempotency_key="once")
        again = self.client.events.publish(type="once.a", data={"n": 1}, idempotency_key="once")
        self.assertEqual(first["id"], again["id"])
        with self.assertRaises(InvalidRequestError) as caught:
            self.client.events.publish(type="once.a", data={"n": 2}, idempotency_key="once")
        self.assertEqual(caught.exception.code, "IDEMPOTENCY_KEY_REUSED")

    def test_lists_are_read_to_their_end(self) -> None:
        batch = self.client.events.publish_batch(events=[{"type": "many.a", "data": {"n": n}} for n in range(7)])
        self.assertEqual((batch["accepted"], batch["failed"]), (7, 0))
        found = self.client.deliveries.list(eventType="many.a", limit=3)
        self.assertEqual(len(found), 3)
        self.assertEqual(len({one["id"] for one in found.all()}), 7)
        create = self.client.webhooks.create
        made = {create(name=f"w{n}", url="http://localhost:9999/", events=["none.x"])["id"] for n in range(3)}
        listed = [one["id"] for one in self.client.webhooks.list(limit=2).all()]
        self.assertEqual(len(listed), len(set(listed)))
        self.assertLessEqual(made, set(listed))

    def test_a_change_is_bound_to_a_version(self) -> None:
        webhook = self.client.webhooks.create(name="versioned", url="http://localhost:9999/", events=["none.x"])
        changed = self.client.webhooks.update(webhook["id"], if_match=webhook["version"], name="other")
        self.assertEqual(changed["name"], "other")
        with self.assertRaises(ConflictError):
            self.client.webhooks.update(webhook["id"], if_match=webhook["version"], name="third")

    def test_what_is_wrong_is_said_field_by_field(self) -> None:
        with self.assertRaises(InvalidRequestError) as caught:
            self.client.webhooks.create(name="", url="gopher://x", events=[])
        self.assertEqual({tuple(one["path"])[0] for one in caught.exception.errors}, {"name", "url", "events"})
        self.assertTrue((caught.exception.request_id or "").startswith("req_"))
        with self.assertRaises(AuthenticationError):
            Client("sk_test_wrong", base_url=self.url).webhooks.list()

    def test_health_takes_no_key(self) -> None:
        self.assertEqual(Client("", base_url=self.url).health.get(), {"status": "ok"})


if __name__ == "__main__":
    unittest.main()
