"""Asks the libraries that receivers really use what they think of what the program really sent.

    check.py captures.json

Each delivery must be accepted as it came, and refused with another body, another secret, and, where the scheme signs a
time, with a clock that is ten minutes ahead. Profiles without a Python library of their own are checked with the few
lines that their documents give, and all of them with the SDK.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Callable
from unittest import mock

import gidgethub.sansio
import standardwebhooks.webhooks
import stripe
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from slack_sdk.signature import Clock, SignatureVerifier

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "sdks" / "python" / "src"))
import angarium  # noqa: E402

TOO_LATE_S = 600

Capture = dict[str, Any]
Check = Callable[[Capture, bytes, str, int], None]
"""Raises on what it refuses: a delivery, with this body and secret, at this time."""


def by_standardwebhooks(capture: Capture, body: bytes, secret: str, now: int) -> None:
    class At(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime.datetime:  # type: ignore[override]
            return datetime.datetime.fromtimestamp(now, tz)

    with mock.patch.object(standardwebhooks.webhooks, "datetime", At):
        standardwebhooks.webhooks.Webhook(secret).verify(body, capture["headers"])


def by_ed25519(capture: Capture, body: bytes, secret: str, now: int) -> None:
    """No library of Standard Webhooks has `v1a` yet: its definition, on a general Ed25519."""
    del secret, now
    headers = capture["headers"]
    entries = [entry[4:] for entry in headers["webhook-signature"].split(" ") if entry.startswith("v1a,")]
    assert len(entries) == 1, entries
    public = base64.b64decode(capture["publicKey"].removeprefix("whpk_"), validate=True)
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    Ed25519PublicKey.from_public_bytes(public).verify(base64.b64decode(entries[0], validate=True), signed)


def by_stripe(capture: Capture, body: bytes, secret: str, now: int) -> None:
    with mock.patch("time.time", return_value=now):
        stripe.WebhookSignature.verify_header(body.decode(), capture["headers"]["stripe-signature"], secret, 300)


def by_gidgethub(capture: Capture, body: bytes, secret: str, now: int) -> None:
    del now
    headers = capture["headers"]
    gidgethub.sansio.validate_event(body, signature=headers["x-hub-signature-256"], secret=secret)
    event = gidgethub.sansio.Event.from_http(headers, body, secret=secret)
    assert event.event == headers["x-github-event"], event.event


def by_slack_sdk(capture: Capture, body: bytes, secret: str, now: int) -> None:
    class At(Clock):
        def now(self) -> float:
            return now

    if not SignatureVerifier(secret, At()).is_valid_request(body, capture["headers"]):
        raise ValueError("not valid")


def by_hmac(header: str, prefix: str, encoding: str) -> Check:
    """The sample that documents give for an HMAC of the body."""

    def check(capture: Capture, body: bytes, secret: str, now: int) -> None:
        del now
        digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
        text = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
        if not hmac.compare_digest(prefix + text, capture["headers"][header]):
            raise ValueError("no match")

    return check


def by_token(capture: Capture, body: bytes, secret: str, now: int) -> None:
    """ContextGPT's other header is the secret itself."""
    by_hmac("x-signature", "sha256=", "hex")(capture, body, secret, now)
    if not hmac.compare_digest(capture["headers"]["x-webhook-token"], secret):
        raise ValueError("another token")


def by_sdk(capture: Capture, body: bytes, secret: str, now: int) -> None:
    own = capture.get("signature", {}) if capture["profile"] == "g-tateth" else {}
    angarium.verify(body, capture["headers"], secret, profile=capture["profile"], now=now, **own)


def checks_of(capture: Capture) -> dict[str, Check]:
    own = capture.get("signature", {})
    checks: dict[str, dict[str, Check]] = {
        "default": {"standardwebhooks": by_standardwebhooks},
        "cloudevents": {"standardwebhooks": by_standardwebhooks},
        "stripe": {"stripe": by_stripe},
        "github": {"gidgethub": by_gidgethub},
        "slack": {"slack_sdk": by_slack_sdk},
        "shopify": {"hmac": by_hmac("x-shopify-hmac-sha256", "", "base64")},
        "contextgpt": {"hmac": by_token},
        "g-tateth": {
            "hmac": by_hmac(own.get("header", "x-webhook-signature"), own.get("prefix", ""), own.get("encoding", "hex"))
        },
    }
    found = {**checks[capture["profile"]], "angarium": by_sdk}
    if "v1a" in own.get("schemes", ()):
        found["ed25519"] = by_ed25519
    return found


REFUSALS = (
    ValueError,
    InvalidSignature,
    stripe.SignatureVerificationError,
    gidgethub.ValidationFailure,
    standardwebhooks.webhooks.WebhookVerificationError,
)


def must_refuse(name: str, what: str, check: Check, *arguments: Any) -> None:
    try:
        check(*arguments)
    except REFUSALS:
        return
    raise AssertionError(f"{name} accepts {what} of the profile {arguments[0]['profile']}")


def ask(name: str, check: Check, capture: Capture) -> None:
    body, secret, now = base64.b64decode(capture["bodyBase64"]), capture["secret"], capture["receivedAt"]
    check(capture, body, secret, now)
    must_refuse(name, "another body", check, capture, body.replace(b"{", b"{ ", 1), secret, now)
    must_refuse(name, "a body with a line more", check, capture, body + b"\n", secret, now)
    if name != "ed25519":
        other = "whsec_" + base64.b64encode(bytes(range(32))).decode()
        must_refuse(name, "another secret", check, capture, body, other, now)
    signs_time = capture["profile"] in ("default", "cloudevents", "stripe", "slack")
    if signs_time and name != "ed25519":
        must_refuse(name, "an old request", check, capture, body, secret, now + TOO_LATE_S)


def main() -> int:
    captures = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    asked: Counter[tuple[str, str]] = Counter()
    for capture in captures:
        for name, check in checks_of(capture).items():
            try:
                ask(name, check, capture)
            except (*REFUSALS, AssertionError, KeyError) as error:
                print(f"{capture['profile']}, {name}: {type(error).__name__}: {error}", file=sys.stderr)
                return 1
            asked[capture["profile"], name] += 1
    for (profile, name), count in sorted(asked.items()):
        print(f"libraries: {profile}: {name} agrees about {count} deliveries")
    return 0


if __name__ == "__main__":
    sys.exit(main())
