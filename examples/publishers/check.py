"""Publishes with each example, and looks at what became of it. Run by `test`, which has pika and the Rust program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pika

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "tests"))
from running import AMQP, TENANT, Running, deployment, wait_until  # noqa: E402

DATA = '{"id": 42, "name": "Zoë 🙂"}'


class Receiver(BaseHTTPRequestHandler):
    """Keeps what it gets."""

    bodies: list[bytes] = []

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def publish(program: list[str], exchange: str, *arguments: str, data: str = DATA) -> subprocess.CompletedProcess[str]:
    command = [*program, "--exchange", exchange, "--environment", "staging", *arguments, "--data", data]
    environment = {**os.environ, "AMQP_URL": os.environ.get("ANGARIUM_TEST_AMQP") or AMQP}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def rejected(channel: pika.adapters.blocking_connection.BlockingChannel, queue: str) -> tuple[str, str, bytes]:
    """The reason, the routing key and the body of the next rejected message."""

    def next_one():  # type: ignore[no-untyped-def]
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        return (properties, body) if method else None

    properties, body = wait_until("a message is rejected", next_one)
    return properties.headers["x-angarium-reason"], properties.headers["x-angarium-routing-key"], body


def check(running: Running, name: str, program: list[str], channel: pika.adapters.blocking_connection.BlockingChannel) -> None:
    exchange = running.environment["ANGARIUM__BROKER__INGEST_EXCHANGE"]
    queue = f"{exchange}.rejected"
    order = ["--tenant", TENANT, "--type", f"order.{name}", "--id", f"order-42-{name}"]
    deliveries = f"/api/v1/deliveries?eventType=order.{name}"

    def delivered() -> list[dict[str, object]]:
        return [one for one in running.call("GET", deliveries) if one["status"] == "delivered"]

    done = publish(program, exchange, *order)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"published order.{name} as order-42-{name}", done.stdout
    wait_until("the event is delivered", delivered)
    sent = [json.loads(body) for body in Receiver.bodies]
    assert [one["data"] for one in sent if one["event"] == f"order.{name}"] == [json.loads(DATA)], sent

    # The same again, then one that is seen to be rejected: after that the repeat has been seen too.
    assert publish(program, exchange, *order).returncode == 0
    assert publish(program, exchange, *order, data='{"id": 43}').returncode == 0
    reason, key, body = rejected(channel, queue)
    assert "message id" in reason and key == f"{TENANT}.order.{name}", (reason, key)
    assert json.loads(body) == {"id": 43}, body
    assert len(running.call("GET", deliveries)) == 1, "a repeat made a second event"

    for arguments, data, word in (
        (["--tenant", "nobody", "--type", "order.created"], DATA, "tenant"),
        (["--tenant", TENANT, "--type", "Order Created"], DATA, "event type"),
        (["--tenant", TENANT, "--type", "order.created"], "[1]", "JSON object"),
    ):
        assert publish(program, exchange, *arguments, data=data).returncode == 0
        reason, _, _ = rejected(channel, queue)
        assert word in reason, reason

    done = publish(program, "amq.topic", *order)
    assert done.returncode == 1 and "no queue takes it" in done.stderr, done
    print(f"publishers: {name} passed")


def main() -> int:
    receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    programs = {"python": [sys.executable, str(HERE / "python" / "publish.py")], "rust": [sys.argv[1]]}
    with deployment(ingest=True) as running:
        exchange = running.environment["ANGARIUM__BROKER__INGEST_EXCHANGE"]
        url = f"http://127.0.0.1:{receiver.server_port}/"
        running.call("POST", "/api/v1/webhooks", {"name": "publishers", "url": url, "events": ["*"]})
        with pika.BlockingConnection(pika.URLParameters(os.environ.get("ANGARIUM_TEST_AMQP") or AMQP)) as connection:
            channel = connection.channel()
            try:
                # The program declares it when it has connected to RabbitMQ.
                wait_until("there is an ingest queue", lambda: declared(connection, f"{exchange}.rejected"))
                for name, program in programs.items():
                    check(running, name, program, channel)
            finally:
                for queue in (f"{exchange}.ingest", f"{exchange}.rejected"):
                    channel.queue_delete(queue)
                for name in (exchange, f"{exchange}.rejected"):
                    channel.exchange_delete(name)
    return 0


def declared(connection: pika.BlockingConnection, queue: str) -> bool:
    channel = connection.channel()
    try:
        channel.queue_declare(queue, passive=True)
    except pika.exceptions.ChannelClosedByBroker:
        return False
    channel.close()
    return True


if __name__ == "__main__":
    sys.exit(main())
