#!/usr/bin/env python3
"""Writes down what the program really sends, so that the receivers' own libraries can be asked what they think of it.

    tests/libraries/capture.py captures.json

Starts the program, registers a webhook of each profile, publishes a few events and takes the deliveries in. The file is
a list of `{profile, secret, publicKey?, signature?, headers, bodyBase64, receivedAt}`: header names are in lower
case, `receivedAt` is in Unix seconds, `signature` is what the webhook was told about its signatures. Only the standard
library; `ANGARIUM_BIN` names the program.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from running import Running, dev, wait_until  # noqa: E402

# With the settings that a profile needs or may have. Of a profile that takes them, each is a webhook of its own.
WEBHOOKS: dict[str, dict[str, Any]] = {
    "default": {"profile": "default"},
    "default-v1a": {"profile": "default", "signature": {"schemes": ["v1", "v1a"]}},
    "g-tateth": {"profile": "g-tateth"},
    "g-tateth-custom": {
        "profile": "g-tateth",
        "signature": {"header": "x-acme-signature", "prefix": "sha256=", "encoding": "base64"},
    },
    "contextgpt": {"profile": "contextgpt", "secret": "correct horse battery staple"},
    "github": {"profile": "github"},
    "stripe": {"profile": "stripe"},
    "slack": {"profile": "slack"},
    "shopify": {"profile": "shopify"},
    "cloudevents": {"profile": "cloudevents"},
}
# The types are those that every profile sends. What is inside is what goes wrong: other scripts, escapes, numbers whose
# spelling matters, blanks that a parser would drop.
EVENTS = {
    "message.received": '{"text":"hi"}',
    "lead.captured": '{"name":"Zoë Krüger 🙂","note":"日本語 \\u2028 \\"quoted\\" \\\\ </script>","price":1.10}',
    "conversation.escalated": '{ "b" : [ 1e3, -0.0, 12345678901234567890 ],\n "a":\t{"z": null, "y": true} }',
}


class Receiver(BaseHTTPRequestHandler):
    """Keeps what comes, under the path that it comes to."""

    received: list[tuple[str, dict[str, str], bytes, float]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if len(headers) != len(self.headers):
            print(f"capture: a header came twice at {self.path}", file=sys.stderr)
        self.received.append((self.path.strip("/"), headers, body, time.time()))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def register(running: Running, name: str, settings: dict[str, Any], port: int) -> Any:
    body = {"name": name, "url": f"http://127.0.0.1:{port}/{name}", "events": list(EVENTS), **settings}
    try:
        return running.call("POST", "/api/v1/webhooks", body)
    except urllib.error.HTTPError as error:
        raise SystemExit(f"capture: a webhook {name}: {json.load(error)['error']['message']}") from None


def publish(running: Running) -> None:
    for event, data in EVENTS.items():
        # Put together as text, so that the bytes of `data` are those above.
        request = urllib.request.Request(
            f"{running.url}/api/v1/events",
            data=f'{{"type":"{event}","data":{data}}}'.encode(),
            headers={"content-type": "application/json", "x-api-key": running.api_key},
        )
        urllib.request.urlopen(request, timeout=30).close()


def capture(running: Running) -> list[dict[str, Any]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    webhooks = {name: register(running, name, settings, server.server_port) for name, settings in WEBHOOKS.items()}
    publish(running)
    expected = len(webhooks) * len(EVENTS)
    wait_until(f"{expected} deliveries", lambda: len(Receiver.received) >= expected)
    captures = []
    for name, headers, body, received_at in sorted(Receiver.received, key=lambda one: one[0]):
        settings, webhook = WEBHOOKS[name], webhooks[name]
        one = {
            "profile": settings["profile"],
            "secret": webhook.get("secret") or settings.get("secret"),
            "publicKey": webhook.get("publicKey"),
            "signature": settings.get("signature"),
            "headers": headers,
            "bodyBase64": base64.b64encode(body).decode(),
            "receivedAt": int(received_at),
        }
        captures.append({key: value for key, value in one.items() if value is not None})
    return captures


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with dev() as running:
        captures = capture(running)
    Path(sys.argv[1]).write_text(json.dumps(captures, indent=2) + "\n", encoding="utf-8")
    profiles = {one["profile"] for one in captures}
    print(f"capture: {len(captures)} deliveries of {len(profiles)} profiles: {', '.join(sorted(profiles))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
