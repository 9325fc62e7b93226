"""Starts the program and has schemathesis compare it with its own document. Run by `schemathesis`, beside this.

Every request comes from one seed, so what fails once fails again. No request leaves the machine: webhooks are made up
here, and nothing may be sent to them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from running import Running, deployment, dev

SEED = 20261122
EXAMPLES = 25
LIMIT_S = 240
DOCUMENT = "/docs/openapi.json"
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
    "use_after_free",
]
# A fuzzer's own doing says nothing about the document.
SETTINGS = {
    "ANGARIUM__EGRESS__DENY_NETWORKS": "0.0.0.0/0,::/0",
    "ANGARIUM__LIMITS__SESSION_REQUESTS_PER_MINUTE": "1000000",
    "ANGARIUM__LOG__FILTER": "warn",
}
# After these, the session that the others are asked in would be gone.
ENDS_SESSIONS = {"logout", "changePassword"}


def is_stream(operation: Any) -> bool:
    """Whether its answer goes on for as long as somebody listens."""
    return "text/event-stream" in operation["responses"].get("200", {}).get("content", ())


def operations_of(document: Any) -> tuple[list[str], list[str]]:
    """The operations that a key may ask for, and those that take a person's session."""
    by_key: list[str] = []
    by_session: list[str] = []
    for item in document["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict) and "operationId" in operation and not is_stream(operation):
                schemes = {name for one in operation.get("security", ()) for name in one}
                (by_session if schemes == {"session"} else by_key).append(operation["operationId"])
    return by_key, by_session


def compare(running: Running, credential: str, operations: list[str], more: list[str], deadline: float) -> bool:
    """Whether schemathesis finds nothing wrong with these operations."""
    command = [
        *(str(Path(sys.executable).parent / "schemathesis"), "run", running.url + DOCUMENT),
        *("--header", f"Authorization: Bearer {credential}"),
        *(word for operation in operations for word in ("--include-operation-id", operation)),
        *("--checks", ",".join(CHECKS)),
        *("--seed", str(SEED), "--generation-deterministic"),
        *("--request-timeout", "30", "--no-color", "--continue-on-failure", *more),
    ]
    try:
        left = max(1.0, deadline - time.monotonic())
        return subprocess.run(command, cwd=running.folder, timeout=left, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        print("schemathesis: not done in time", file=sys.stderr)
        return False


def extent(budget_s: int | None, share: float) -> list[str]:
    """Everything; or, with a budget, the examples and then whatever comes to mind until a share of it is spent."""
    if budget_s is None:
        return ["--phases", "examples,coverage,fuzzing"]
    return ["--phases", "examples,fuzzing", "--max-time", str(max(1, round(budget_s * share)))]


def agrees(running: Running, engine: str, budget_s: int | None, more: list[str]) -> bool:
    began = time.monotonic()
    deadline = began + LIMIT_S
    with urllib.request.urlopen(running.url + DOCUMENT, timeout=30) as response:
        by_key, by_session = operations_of(json.load(response))
    good = compare(running, running.api_key, by_key, [*more, *extent(budget_s, 3 / 4)], deadline)
    asked = [operation for operation in by_session if operation not in ENDS_SESSIONS]
    if asked:
        good &= compare(running, running.sign_in(), asked, [*more, *extent(budget_s, 1 / 4)], deadline)
    said = (running.folder / "err").read_text(encoding="utf-8", errors="replace")
    if "panicked" in said:
        print(f"schemathesis: the program panicked:\n{said[-4000:]}", file=sys.stderr)
        good = False
    count, took = len(by_key) + len(asked), time.monotonic() - began
    verdict = "agree" if good else "DIFFER"
    print(f"schemathesis: {count} operations on {engine}, {took:.0f} s: the program and its document {verdict}")
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=["embedded", "postgres"], default="embedded")
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="of each operation")
    parser.add_argument("--budget", type=int, metavar="SECONDS", help="find out what can be found in that time")
    given, more = parser.parse_known_args()
    more = ["--max-examples", str(given.examples), *more]
    with dev(SETTINGS) if given.engine == "embedded" else deployment(settings=SETTINGS) as running:
        return 0 if agrees(running, given.engine, given.budget, more) else 1


if __name__ == "__main__":
    sys.exit(main())
