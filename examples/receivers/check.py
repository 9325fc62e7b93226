"""Runs each example of a receiver with the vectors, then sends it a real event. Run by `test`, which builds them.

    check.py NAME=COMMAND…
"""

from __future__ import annotations

import base64
import os
import secrets
import shlex
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from running import Running, dev, wait_until  # noqa: E402

VECTORS = ROOT / "tests" / "vectors" / "signatures.json"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def receive(running: Running, name: str, command: list[str]) -> None:
    """An event is received once, and so that it counts as delivered."""
    secret, port = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(), free_port()
    environment = {**os.environ, "ANGARIUM_SECRET": secret}
    with tempfile.TemporaryFile() as out:
        receiver = subprocess.Popen([*command, "--port", str(port)], env=environment, stdout=out)

        def printed() -> str:
            out.seek(0)
            return out.read().decode()

        try:
            wait_until(f"{name} listens", lambda: "listening on" in printed())
            url = f"http://127.0.0.1:{port}/hook"
            webhook = {"name": name, "url": url, "events": [f"receiver.{name}"], "secret": secret}
            id = running.call("POST", "/api/v1/webhooks", webhook)["id"]
            event = running.call("POST", "/api/v1/events", {"type": f"receiver.{name}", "data": {"name": "Zoë 🙂"}})

            def deliveries() -> list[str]:
                found = running.call("GET", f"/api/v1/deliveries?webhookId={id}")
                return [one["status"] for one in found]

            wait_until(f"{name} accepts the event", lambda: deliveries() == ["delivered"])
            # It comes again: the receiver accepts it, and does nothing.
            running.call("POST", f"/api/v1/events/{event['id']}/replay", {"webhookId": id})
            wait_until(f"{name} accepts the repetition", lambda: deliveries() == ["delivered", "delivered"])
            lines = [line for line in printed().splitlines() if event["id"] in line]
            assert len(lines) == 1 and "Zoë 🙂" in lines[0], printed()
        finally:
            receiver.terminate()
            receiver.wait(10)


def main() -> int:
    commands = {name: shlex.split(command) for name, _, command in (given.partition("=") for given in sys.argv[1:])}
    for name, command in commands.items():
        done = subprocess.run([*command, "--vectors", str(VECTORS)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(f"receivers: {name}: {done.stdout}{done.stderr}", file=sys.stderr)
            return 1
        print(f"receivers: {name}: {done.stdout.strip()}")
    with dev() as running:
        for name, command in commands.items():
            receive(running, name, command)
            print(f"receivers: {name}: an event was received and verified, and its repetition dropped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
