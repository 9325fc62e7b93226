"""The client."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Optional

from ._core import Core
from .resources import Resources

DEFAULT_BASE_URL = "http://localhost:3001"
DEFAULT_TIMEOUT_S = 30.0
DEFAULT_RETRIES = 3


class Client(Resources):
    """A client of the API; threads may share it.

    `api_key` and `base_url` come from `ANGARIUM_API_KEY` and `ANGARIUM_BASE_URL` where they are not given. Managing keys
    takes a person's session, not a key: pass `session_token`, or set it after `auth.login`. `timeout` is how many
    seconds the server may be silent, `retries` how often a request is repeated after its first try.
    """

    def __init__(
        self,
        api_key: Optional[str] = None,
        *,
        base_url: Optional[str] = None,
        session_token: Optional[str] = None,
        timeout: float = DEFAULT_TIMEOUT_S,
        retries: int = DEFAULT_RETRIES,
    ) -> None:
        super().__init__(
            Core(
                base_url=base_url or os.environ.get("ANGARIUM_BASE_URL") or DEFAULT_BASE_URL,
                api_key=api_key or os.environ.get("ANGARIUM_API_KEY") or None,
                session_token=session_token,
                timeout=timeout,
                retries=retries,
            )
        )

    @property
    def session_token(self) -> Optional[str]:
        """The session that requests are made in which take no key."""
        return self._core.session_token

    @session_token.setter
    def session_token(self, token: Optional[str]) -> None:
        self._core.session_token = token

    def __repr__(self) -> str:
        return f"Client({self._core.base_url!r})"

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes idle connections. The client can still be used."""
        self._core.close()
