"""The client."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Literal

from ._core import Core
from .resources import Resources

DEFAULT_BASE_URL = "http://localhost:3001"
DEFAULT_TIMEOUT_S = 30.0
DEFAULT_RETRIES = 3


class Client(Resources):
    """A client of the API; threads may share it.

    `api_key` and `base_url` come from `ANGARIUM_API_KEY` and `ANGARIUM_BASE_URL` where they are not given. Managing keys
    takes a person's session, not a key: pass `session_token`, or set it after `auth.login`; then `environment` and, for an
    operator, `tenant` say which is meant. `timeout` is how many seconds the server may be silent, `retries` how often a
    request is repeated after its first try.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        session_token: str | None = None,
        environment: Literal["production", "staging"] | None = None,
        tenant: str | None = None,
        timeout: float = DEFAULT_TIMEOUT_S,
        retries: int = DEFAULT_RETRIES,
    ) -> None:
        if api_key is None and session_token is None:
            # What was given goes before what happens to be set.
            api_key = os.environ.get("ANGARIUM_API_KEY")
        said = {"X-Environment": environment, "X-Tenant": tenant}
        super().__init__(
            Core(
                base_url=base_url or os.environ.get("ANGARIUM_BASE_URL") or DEFAULT_BASE_URL,
                api_key=api_key or None,
                session_token=session_token,
                session_headers={name: value for name, value in said.items() if value is not None},
                timeout=timeout,
                retries=retries,
            )
        )

    @property
    def session_token(self) -> str | None:
        """The session that requests are made in which take no key."""
        return self._core.session_token

    @session_token.setter
    def session_token(self, token: str | None) -> None:
        self._core.session_token = token

    def __repr__(self) -> str:
        return f"Client({self._core.base_url!r})"

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes idle connections. The client can still be used."""
        self._core.close()
