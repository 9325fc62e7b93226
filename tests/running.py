"""Starts the program for a test, in a folder of its own, and takes it down again.

The tests outside of cargo share this: those of the SDK, the examples, the receivers' libraries, schemathesis and the
guides. Only the standard library. `ANGARIUM_BIN` names the program; without it, the newest build here is taken.

`dev()` is one process with nothing else installed, as a guide's reader starts it. `deployment()` is one process on
PostgreSQL and RabbitMQ, in a database and under a prefix of its own, which it removes afterwards.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import secrets
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, TypeVar

ROOT = Path(__file__).resolve().parent.parent
READY_S = 60
STOP_S = 30
COMMAND_S = 60
POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"
AMQP = "amqp://guest:guest@127.0.0.1:5672/%2f"
TENANT = "acme"
OWNER = "owner@localhost"

T = TypeVar("T")


@dataclasses.dataclass
class Running:
    """A process that answers."""

    url: str
    api_key: str
    folder: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    owner: dict[str, str]
    """The `email` and the `password` of a user who may manage the tenant's keys."""

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The `data` of an answer."""
        given = {"content-type": "application/json", "x-api-key": self.api_key, **headers}
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=given, method=method)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)["data"]

    def sign_in(self) -> str:
        """The token of a session of the owner."""
        return str(self.call("POST", "/api/auth/login", self.owner)["token"])


def binary() -> str:
    """The program under test."""
    named = os.environ.get("ANGARIUM_BIN")
    if named:
        if not os.access(named, os.X_OK):
            raise SystemExit(f"ANGARIUM_BIN is {named}, which is no program")
        return str(Path(named).resolve())
    target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    built = [path for kind in ("release", "debug") if (path := target / kind / "angarium").is_file()]
    if not built:
        raise SystemExit("there is no build: run `cargo build --release`, or set ANGARIUM_BIN")
    return str(max(built, key=lambda path: path.stat().st_mtime))


def wait_until(what: str, look: Callable[[], T | None], seconds: float = 20) -> T:
    """What `look` finds, once it finds something."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


@contextlib.contextmanager
def dev(settings: dict[str, str] | None = None) -> Iterator[Running]:
    """`angarium dev`: SQLite and the in-process queue, and a key that may do everything."""
    environment = settings or {}
    with tempfile.TemporaryDirectory(prefix="angarium-test-") as name:
        folder = Path(name)
        with _process(["dev", "--port", "0"], folder, environment) as process:
            file = folder / ".angarium" / "dev.toml"

            def started() -> dict[str, dict[str, str]] | None:
                kept = _read_toml(file.read_text(encoding="utf-8")) if file.exists() else {}
                return kept if kept.get("", {}).get("url") and kept.get("owner", {}).get("password") else None

            kept = _started(started, process, folder)
            yield Running(kept[""]["url"], kept[""]["api_key"], folder, environment, process, kept["owner"])


@contextlib.contextmanager
def deployment(ingest: bool = False, settings: dict[str, str] | None = None) -> Iterator[Running]:
    """`angarium serve all` on PostgreSQL and RabbitMQ, with the tenant `acme` and a key that may do everything.

    The queues of `ingest` are the caller's to remove: `angarium migrate --drop-database` leaves them, since what is in
    them is the only copy.
    """
    unique = f"angarium_test_{secrets.token_hex(4)}"
    postgres = os.environ.get("ANGARIUM_TEST_POSTGRES") or POSTGRES
    with tempfile.TemporaryDirectory(prefix="angarium-test-") as name:
        folder = Path(name)
        environment = {
            "ANGARIUM__MASTER_KEYS": _run(["keys", "master"], folder, {}).strip(),
            "ANGARIUM__STORE__URL": postgres.rsplit("/", 1)[0] + f"/{unique}",
            "ANGARIUM__BROKER__URL": os.environ.get("ANGARIUM_TEST_AMQP") or AMQP,
            "ANGARIUM__BROKER__PREFIX": unique,
            "ANGARIUM__BROKER__INGEST": str(ingest).lower(),
            "ANGARIUM__BROKER__INGEST_EXCHANGE": f"{unique}.events",
            "ANGARIUM__API__LISTEN": "127.0.0.1:0",
            "ANGARIUM__EGRESS__ALLOW_HTTP": "true",
            "ANGARIUM__EGRESS__ALLOW_NETWORKS": "127.0.0.0/8",
            "ANGARIUM__EGRESS__ALLOW_HOSTS": "localhost",
            **(settings or {}),
        }
        _run(["migrate", "--create-database"], folder, environment)
        try:
            key = _run(["keys", "create", "--tenant", TENANT, "--environment", "staging"], folder, environment).strip()
            owner = ["users", "create", "--email", OWNER, "--role", "owner", "--tenant", TENANT, "--generate"]
            password = _run(owner, folder, environment).strip()
            with _process(["serve", "all"], folder, environment) as process:

                def started() -> str | None:
                    said = re.search(r"API on (http://\S+)", (folder / "err").read_text(encoding="utf-8"))
                    return said[1] if said else None

                url = _started(started, process, folder)
                yield Running(url, key, folder, environment, process, {"email": OWNER, "password": password})
        finally:
            _run(["migrate", "--drop-database"], folder, environment)


def _read_toml(text: str) -> dict[str, dict[str, str]]:
    """The texts of a file by their table: Python reads TOML itself only from 3.11 on."""
    tables: dict[str, dict[str, str]] = {"": {}}
    table = ""
    for line in text.splitlines():
        if found := re.fullmatch(r"\[(\w+)\]", line):
            table = found[1]
            tables[table] = {}
        elif found := re.fullmatch(r'(\w+) = "(.*)"', line):
            tables[table][found[1]] = found[2]
    return tables


def _environment(environment: dict[str, str]) -> dict[str, str]:
    # A setting of whoever runs the test is not the test's.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANGARIUM_")}
    return {**inherited, **environment}


def _run(arguments: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [binary(), *arguments],
        cwd=folder,
        env=_environment(environment),
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"angarium {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


@contextlib.contextmanager
def _process(arguments: list[str], folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with open(folder / "out", "wb") as out, open(folder / "err", "wb") as err:
        process = subprocess.Popen(
            [binary(), *arguments],
            cwd=folder,
            env=_environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _started(look: Callable[[], T | None], process: subprocess.Popen[bytes], folder: Path) -> T:
    def look_while_alive() -> T | None:
        if process.poll() is not None:
            said = (folder / "err").read_text(encoding="utf-8", errors="replace")
            raise RuntimeError(f"the program ended with {process.returncode}: {said[-2000:]}")
        return look()

    return wait_until("the program has started", look_while_alive, READY_S)
