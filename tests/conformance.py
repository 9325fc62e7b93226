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
# Answers that a fuzzer may well run into, and that say nothing about the document.
SETTINGS = {
    "ANGARIUM__EGRESS__DENY_NETWORKS": "0.0.0.0/0,::/0",
    "ANGARIUM__LOG__FILTER": "warn",
}


def compare(running: Running, engine: str, examples: int, more: list[str]) -> int:
    with urllib.request.urlopen(running.url + DOCUMENT, timeout=30) as response:
        document = json.load(response)
    operations = sum(len([one for one in item.values() if "operationId" in one]) for item in document["paths"].values())
    command = [
        *(str(Path(sys.executable).parent / "schemathesis"), "run", running.url + DOCUMENT),
        *("--header", f"Authorization: Bearer {running.api_key}"),
        *("--checks", ",".join(CHECKS)),
        *("--phases", "examples,coverage,fuzzing"),
        *("--max-examples", str(examples), "--seed", str(SEED), "--generation-deterministic"),
        *("--generation-database", "none", "--request-timeout", "30", "--no-color", "--continue-on-failure"),
        *more,
    ]
    began = time.monotonic()
    try:
        status = subprocess.run(command, cwd=running.folder, timeout=LIMIT_S, check=False).returncode
    except subprocess.TimeoutExpired:
        print(f"schemathesis: not done within {LIMIT_S} s", file=sys.stderr)
        return 1
    took = time.monotonic() - began
    said = (running.folder / "err").read_text(encoding="utf-8", errors="replace")
    if "panicked" in said:
        print(f"schemathesis: the program panicked:\n{said[-4000:]}", file=sys.stderr)
        status = 1
    verdict = "agree" if status == 0 else "DIFFER"
    print(f"schemathesis: {operations} operations on {engine}, {took:.0f} s: the program and its document {verdict}")
    return status


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=["embedded", "postgres"], default="embedded")
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="of each operation")
    given, more = parser.parse_known_args()
    with dev(SETTINGS) if given.engine == "embedded" else deployment(settings=SETTINGS) as running:
        return compare(running, given.engine, given.examples, more)


if __name__ == "__main__":
    sys.exit(main())
