"""Verifies what Angarium sent: that it is Angarium's, whole, and, where the scheme can tell, fresh.

Give `verify` the bytes of the body as they came, before anything parses them. Everything is compared in constant time,
and every secret is tried, so that a receiver can hold the old and the new one while a secret is rotated.
"""

from __future__ import annotations

import base64
import binascii
import enum
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable

TOLERANCE_S = 300
SIGNATURES_MAX = 16
"""A header with more signatures than this is not looked at."""

Ed25519 = Callable[[bytes, bytes, bytes], bool]
"""Whether a signature is right, from the public key (32 bytes), the signature (64 bytes) and the message."""


class Reason(str, enum.Enum):
    """Why a request was refused: the first of these that was found."""

    MISSING_HEADER = "missing_header"
    """The signature's header, or that of the time or the id where they are signed, is absent or empty."""
    TIMESTAMP_MALFORMED = "timestamp_malformed"
    TOO_OLD = "too_old"
    IN_FUTURE = "in_future"
    TOO_MANY_SIGNATURES = "too_many_signatures"
    NO_MATCH = "no_match"
    """No signature is of one of the secrets: a wrong secret, or other bytes than were sent."""


class SignatureError(ValueError):
    """A request that is not to be believed; `reason` is for programs. Nothing in it is secret."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Verified:
    """A request that is to be believed."""

    body: bytes
    id: str | None = None
    """The same on every repetition: keep it, to do nothing twice. `None` where the profile signs none."""
    timestamp: int | None = None
    """When the attempt was made, in Unix seconds. `None` where the profile signs none."""

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


@dataclass(frozen=True)
class _Scheme:
    """An HMAC-SHA256 under the text of the secret, over something that ends with the body."""

    header: str
    prefix: str = ""
    encoding: str = "hex"
    timestamp_header: str = ""
    before_body: str = ""


_SCHEMES = {
    "g-tateth": _Scheme("X-Webhook-Signature"),
    "contextgpt": _Scheme("X-SIGNATURE", prefix="sha256="),
    "github": _Scheme("X-Hub-Signature-256", prefix="sha256="),
    "shopify": _Scheme("X-Shopify-Hmac-Sha256", encoding="base64"),
    "slack": _Scheme("X-Slack-Signature", "v0=", "hex", "X-Slack-Request-Timestamp", "v0:{timestamp}:"),
}

PROFILES = ("default", "cloudevents", "stripe", *_SCHEMES)


def verify(
    body: bytes,
    headers: Mapping[str, Any],
    secrets: str | Sequence[str],
    *,
    profile: str = "default",
    tolerance: float = TOLERANCE_S,
    now: float | None = None,
    header: str | None = None,
    prefix: str | None = None,
    encoding: str | None = None,
    ed25519: Ed25519 | None = None,
) -> Verified:
    """The request, if one of `secrets` signed it; else raises `SignatureError`.

    `secrets` are texts as Angarium showed them, or as you chose them. For `default` and `cloudevents` that is `whsec_…`,
    or a public key `whpk_…` for `v1a` signatures: Python has no Ed25519 of its own, so those take the package
    `cryptography`, or an `ed25519` function of yours; `v1` takes neither. A secret that is none is a `ValueError`, since
    no request can be right then.

    `tolerance` is how many seconds a timestamp may differ from `now`, for the profiles that sign one. `header`,
    `prefix` and `encoding` (`hex` or `base64`) are for a `g-tateth` webhook that was configured with its own.
    """
    if not isinstance(body, (bytes, bytearray, memoryview)):
        raise TypeError("body must be the bytes that came, not text or parsed JSON")
    if profile not in PROFILES:
        raise ValueError(f"profile must be one of {', '.join(PROFILES)}")
    if profile != "g-tateth" and not (header is None and prefix is None and encoding is None):
        raise ValueError("header, prefix and encoding belong to the profile g-tateth")
    if encoding not in (None, "hex", "base64"):
        raise ValueError("encoding must be hex or base64")
    texts = [secrets] if isinstance(secrets, str) else list(secrets)
    if not texts or not all(texts):
        raise ValueError("there is no secret, or an empty one")
    request = _Request(bytes(body), headers, tolerance, time.time() if now is None else now)
    if profile in ("default", "cloudevents"):
        return _standard(request, texts, ed25519)
    if profile == "stripe":
        return _stripe(request, texts)
    scheme = _SCHEMES[profile]
    if profile == "g-tateth":
        scheme = _Scheme(header or scheme.header, prefix or "", encoding or "hex")
    return _by_text(request, texts, scheme)


class _Request:
    def __init__(self, body: bytes, headers: Mapping[str, Any], tolerance: float, now: float) -> None:
        self.body = body
        self._headers = {str(name).lower(): value for name, value in headers.items()}
        self._tolerance = tolerance
        self._now = now

    def header(self, name: str) -> str:
        value = self._headers.get(name.lower())
        if isinstance(value, (list, tuple)):
            value = ",".join(map(str, value))
        if isinstance(value, bytes):
            value = value.decode("latin-1")
        if not value:
            raise SignatureError(Reason.MISSING_HEADER, f"there is no {name}")
        return str(value)

    def fresh(self, text: str) -> int:
        """The time, if it is one and near enough. It says nothing until the signature is verified too."""
        if not re.fullmatch(r"0|[1-9][0-9]{0,14}", text):
            raise SignatureError(Reason.TIMESTAMP_MALFORMED, "the timestamp is not a plain number of seconds")
        age = self._now - int(text)
        if age > self._tolerance:
            raise SignatureError(Reason.TOO_OLD, f"it was signed {age:.0f} s ago")
        if age < -self._tolerance:
            raise SignatureError(Reason.IN_FUTURE, f"it was signed {-age:.0f} s ahead of this clock")
        return int(text)


def _standard(request: _Request, secrets: Sequence[str], ed25519: Ed25519 | None) -> Verified:
    id = request.header("webhook-id")
    time_text = request.header("webhook-timestamp")
    entries = request.header("webhook-signature").split(" ")
    timestamp = request.fresh(time_text)
    _require_few(entries)
    # Of a version that is not known, or in a spelling that is not ours, an entry counts for nothing.
    pairs = [(version, _base64(text)) for version, _, text in (entry.partition(",") for entry in entries)]
    message = b".".join((id.encode("utf-8", "replace"), time_text.encode(), request.body))
    matched = False
    for secret in secrets:
        if secret.startswith("whpk_"):
            public = _key(secret, "whpk_")
            check = ed25519 or _ed25519_of_cryptography()
            for version, signature in pairs:
                if version == "v1a" and signature is not None and len(signature) == 64:
                    matched |= check(public, signature, message)
        else:
            expected = _mac(_key(secret, "whsec_"), message)
            for version, signature in pairs:
                if version == "v1" and signature is not None:
                    matched |= hmac.compare_digest(expected, signature)
    _require(matched)
    return Verified(request.body, id, timestamp)


def _stripe(request: _Request, secrets: Sequence[str]) -> Verified:
    fields = [item.partition("=") for item in request.header("Stripe-Signature").split(",")]
    times = [value for name, _, value in fields if name == "t"]
    signatures = [value for name, _, value in fields if name == "v1"]
    timestamp = request.fresh(times[0] if len(times) == 1 else "")
    _require_few(signatures)
    message = times[0].encode() + b"." + request.body
    _require_match([_mac(secret.encode(), message) for secret in secrets], signatures, "hex")
    return Verified(request.body, None, timestamp)


def _by_text(request: _Request, secrets: Sequence[str], scheme: _Scheme) -> Verified:
    value = request.header(scheme.header)
    timestamp: int | None = None
    message = request.body
    if scheme.timestamp_header:
        text = request.header(scheme.timestamp_header)
        timestamp = request.fresh(text)
        message = scheme.before_body.format(timestamp=text).encode() + message
    given = [value[len(scheme.prefix) :]] if value.startswith(scheme.prefix) else []
    _require_match([_mac(secret.encode(), message) for secret in secrets], given, scheme.encoding)
    return Verified(request.body, None, timestamp)


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def _require_few(signatures: Sequence[str]) -> None:
    if len(signatures) > SIGNATURES_MAX:
        raise SignatureError(Reason.TOO_MANY_SIGNATURES, f"there are more than {SIGNATURES_MAX} signatures")


def _require_match(expected: Sequence[bytes], given: Sequence[str], encoding: str) -> None:
    """Compares texts, so that only the one spelling that senders use is taken."""
    spell = base64.b64encode if encoding == "base64" else binascii.hexlify
    matched = False
    for mac in expected:
        spelled = spell(mac)
        for text in given:
            matched |= hmac.compare_digest(spelled, text.encode("utf-8", "replace"))
    _require(matched)


def _require(matched: bool) -> None:
    if not matched:
        text = "no signature is of these secrets: a wrong secret, or a body that is not the bytes that were sent"
        raise SignatureError(Reason.NO_MATCH, text)


def _key(text: str, prefix: str) -> bytes:
    key = _base64(text[len(prefix) :]) if text.startswith(prefix) else None
    if not key or (prefix == "whpk_" and len(key) != 32):
        raise ValueError("a secret must be whsec_ or whpk_ and base64, as it was shown")
    return key


def _base64(text: str) -> bytes | None:
    """Standard base64 with padding, in its one spelling."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return decoded if base64.b64encode(decoded).decode() == text else None


def _ed25519_of_cryptography() -> Ed25519:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise ImportError("v1a takes the package cryptography, or an ed25519 function of yours") from None

    def check(key: bytes, signature: bytes, message: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        except InvalidSignature:
            return False
        return True

    return check
