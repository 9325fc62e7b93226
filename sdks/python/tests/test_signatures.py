"""`verify` against the vectors that every verifier of Angarium's signatures is tested with."""

from __future__ import annotations

import base64
import importlib.util
import json
import sys
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

from angarium import Reason, SignatureError, verify

VECTORS = Path(__file__).resolve().parents[3] / "tests" / "vectors" / "signatures.json"
HAS_ED25519 = importlib.util.find_spec("cryptography") is not None
PUBLISHED = (
    b'{"test": 2432232314}',
    {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    },
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
)


def outcome(vector: dict[str, Any]) -> str:
    """`accept`, or the reason."""
    body = base64.b64decode(vector["bodyBase64"]) if "bodyBase64" in vector else vector["body"].encode()
    options = vector.get("signature", {})
    try:
        verify(body, vector["headers"], vector["secrets"], profile=vector["profile"], now=vector["now"], **options)
    except SignatureError as error:
        return error.reason.value
    return "accept"


class Vectors(unittest.TestCase):
    def test_every_vector(self) -> None:
        vectors = json.loads(VECTORS.read_text(encoding="utf-8"))["vectors"]
        self.assertGreater(len(vectors), 100)
        for vector in vectors:
            with self.subTest(vector["name"]):
                if not HAS_ED25519 and any(secret.startswith("whpk_") for secret in vector["secrets"]):
                    self.skipTest("without the package cryptography")
                expected = "accept" if vector["expected"] == "accept" else vector["reason"]
                self.assertEqual(outcome(vector), expected)

    def test_every_reason_is_in_the_vectors(self) -> None:
        vectors = json.loads(VECTORS.read_text(encoding="utf-8"))["vectors"]
        self.assertEqual({vector["reason"] for vector in vectors if "reason" in vector}, {one.value for one in Reason})


class Arguments(unittest.TestCase):
    def test_what_is_verified_is_returned(self) -> None:
        body, headers, secret = PUBLISHED
        verified = verify(body, headers, secret, now=1614265330)
        self.assertEqual((verified.id, verified.timestamp), ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330))
        self.assertEqual(verified.json(), {"test": 2432232314})

    def test_a_mistake_of_the_receiver_is_not_a_bad_request(self) -> None:
        body, headers, secret = PUBLISHED
        for secrets in ("", [], [secret, ""], "whsec_", "whsec_???", secret[6:], "whpk_" + secret[6:]):
            with self.subTest(secrets), self.assertRaises(ValueError) as caught:
                verify(body, headers, secrets, now=1614265330)
            self.assertNotIsInstance(caught.exception, SignatureError)
        with self.assertRaises(TypeError):
            verify(body.decode(), headers, secret)  # type: ignore[arg-type]
        with self.assertRaises(ValueError):
            verify(body, headers, secret, profile="githib")
        with self.assertRaises(ValueError):
            verify(body, headers, secret, profile="github", encoding="hex")

    def test_v1a_by_a_function_of_the_receiver(self) -> None:
        body, headers, _ = PUBLISHED
        headers = {**headers, "webhook-signature": "v1a," + base64.b64encode(bytes(64)).decode()}
        seen = []

        def check(key: bytes, signature: bytes, message: bytes) -> bool:
            seen.append((len(key), len(signature), message))
            return True

        public = "whpk_" + base64.b64encode(bytes(32)).decode()
        verify(body, headers, public, now=1614265330, ed25519=check)
        self.assertEqual(seen, [(32, 64, b'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}')])
        with mock.patch.dict(sys.modules, {"cryptography.exceptions": None}), self.assertRaises(ImportError):
            verify(body, headers, public, now=1614265330)

    def test_headers_as_frameworks_have_them(self) -> None:
        body, headers, secret = PUBLISHED
        for given in (
            {name.title(): [value] for name, value in headers.items()},
            {name.upper(): value.encode() for name, value in headers.items()},
        ):
            verify(body, given, secret, now=1614265330)
        twice = {**headers, "webhook-signature": [headers["webhook-signature"], headers["webhook-signature"]]}
        with self.assertRaises(SignatureError):
            verify(body, twice, secret, now=1614265330)


if __name__ == "__main__":
    unittest.main()
