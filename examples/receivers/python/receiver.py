#!/usr/bin/env python3
"""Receives Angarium's webhooks and verifies them. Nothing but the standard library: copy `reason_to_refuse`.

    ANGARIUM_SECRET=whsec_… ./receiver.py [--profile default] [--port 8000]
    ./receiver.py --vectors ../../../tests/vectors/signatures.json

During a rotation ANGARIUM_SECRET may hold the old and the new secret, with a space between.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import re
import sys
import time
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE_S = 300
SIGNATURES_MAX = 16
BODY_BYTES_MAX = 1 << 20
IDS_REMEMBERED = 100_000
# Of each profile: the signature's header, what it starts with, its encoding.
HEADERS = {
    "default": ("webhook-signature", "v1,", "base64"),
    "cloudevents": ("webhook-signature", "v1,", "base64"),
    "g-tateth": ("x-webhook-signature", "", "hex"),
    "contextgpt": ("x-signature", "sha256=", "hex"),
    "github": ("x-hub-signature-256", "sha256=", "hex"),
    "stripe": ("stripe-signature", "v1=", "hex"),
    "slack": ("x-slack-signature", "v0=", "hex"),
    "shopify": ("x-shopify-hmac-sha256", "", "base64"),
}


def reason_to_refuse(body, headers, secrets, profile="default", now=None, header=None, prefix=None, encoding=None):
    """None for a request that is Angarium's, whole and fresh. `body` is the bytes as they came."""
    headers = {name.lower(): value for name, value in headers.items()}
    usual_header, usual_prefix, usual_encoding = HEADERS[profile]
    value = headers.get((header or usual_header).lower())
    if not value:
        return "missing_header"
    given, timestamp, signed = [value], None, body
    if profile in ("default", "cloudevents"):
        id, timestamp = headers.get("webhook-id"), headers.get("webhook-timestamp")
        if not id or not timestamp:
            return "missing_header"
        given, signed = value.split(" "), f"{id}.{timestamp}.".encode() + body
    elif profile == "stripe":
        given = value.split(",")
        timestamp = next((part[2:] for part in given if part.startswith("t=")), "")
        given, signed = [part for part in given if part.startswith("v1=")], f"{timestamp}.".encode() + body
    elif profile == "slack":
        timestamp = headers.get("x-slack-request-timestamp")
        if not timestamp:
            return "missing_header"
        signed = f"v0:{timestamp}:".encode() + body
    if timestamp is not None:
        if not re.fullmatch("0|[1-9][0-9]{0,14}", timestamp):
            return "timestamp_malformed"
        age = (time.time() if now is None else now) - int(timestamp)
        if abs(age) > TOLERANCE_S:
            return "too_old" if age > 0 else "in_future"
    if len(given) > SIGNATURES_MAX:
        return "too_many_signatures"
    matched = False
    for secret in secrets:
        # A `whsec_` secret is a key in base64 for these two profiles; for the others the text is the key.
        is_encoded = profile in ("default", "cloudevents")
        key = base64.b64decode(secret.removeprefix("whsec_")) if is_encoded else secret.encode()
        mac = hmac.new(key, signed, hashlib.sha256).digest()
        text = mac.hex() if (encoding or usual_encoding) == "hex" else base64.b64encode(mac).decode()
        expected = ((usual_prefix if prefix is None else prefix) + text).encode()
        for candidate in given:
            matched |= hmac.compare_digest(expected, candidate.encode())
    return None if matched else "no_match"


class Handler(BaseHTTPRequestHandler):
    """Answers 204 to what is ours, 401 to what is not."""

    protocol_version = "HTTP/1.1"
    timeout = 30
    processed: "OrderedDict[str, None]" = OrderedDict()

    def do_POST(self):
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > BODY_BYTES_MAX:
            self.close_connection = True
            return self.answer(411 if not length else 413)
        body = self.rfile.read(int(length))
        refused = reason_to_refuse(body, self.headers, self.server.secrets, self.server.profile)
        if refused:
            print(f"refused: {refused}", flush=True)
            return self.answer(401)
        # The same id means the same event: it came again, because an answer got lost. Keep the ids in your database.
        id = self.headers.get("webhook-id")
        if id is None or id not in self.processed:
            print(f"received {id}: {body.decode()}", flush=True)
            self.processed[id] = None
            if len(self.processed) > IDS_REMEMBERED:
                self.processed.popitem(last=False)
        return self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


def run_vectors(path):
    """Every vector but those of Ed25519, which the standard library does not have."""
    with open(path, encoding="utf-8") as file:
        vectors = json.load(file)["vectors"]
    wrong = checked = 0
    for one in vectors:
        if any(secret.startswith("whpk_") for secret in one["secrets"]):
            continue
        body = base64.b64decode(one["bodyBase64"]) if "bodyBase64" in one else one["body"].encode()
        options = one.get("signature", {})
        found = reason_to_refuse(body, one["headers"], one["secrets"], one["profile"], one["now"], **options)
        checked += 1
        if found != one.get("reason"):
            wrong += 1
            print(f"{one['name']}: {found or 'accepted'}, not {one.get('reason') or 'accepted'}", file=sys.stderr)
    print(f"vectors: {checked} checked, {len(vectors) - checked} left out (Ed25519), {wrong} wrong")
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", choices=sorted(HEADERS), default="default")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--vectors", metavar="FILE", help="only check the verification with these")
    arguments = parser.parse_args()
    if arguments.vectors:
        return run_vectors(arguments.vectors)
    server = ThreadingHTTPServer(("127.0.0.1", arguments.port), Handler)
    server.secrets, server.profile = os.environ.get("ANGARIUM_SECRET", "").split(), arguments.profile
    if not server.secrets:
        return "set ANGARIUM_SECRET to the webhook's secret"
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
