"""Angarium: publish events, manage webhooks, and verify what was received.

    from angarium import Client, verify

    client = Client(api_key="sk_live_…", base_url="https://angarium.example.com")
    client.events.publish(type="order.created", data={"id": 42})
    for delivery in client.deliveries.list(status="dead").all():
        print(delivery["id"], delivery["lastError"])

`types` has the shape of everything that the API takes and gives; names are the API's own, so that its documentation
applies as it stands.
"""

from . import types
from ._core import VERSION as __version__
from .client import Client
from .errors import (
    CODES,
    AngariumError,
    AuthenticationError,
    ConflictError,
    InvalidRequestError,
    NetworkError,
    NotFoundError,
    PermissionDeniedError,
    PlanLimitError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
)
from .pages import Page
from .signatures import PROFILES, Reason, SignatureError, Verified, verify

__all__ = [
    "CODES",
    "PROFILES",
    "AngariumError",
    "AuthenticationError",
    "Client",
    "ConflictError",
    "InvalidRequestError",
    "NetworkError",
    "NotFoundError",
    "Page",
    "PermissionDeniedError",
    "PlanLimitError",
    "RateLimitError",
    "Reason",
    "RequestTimeoutError",
    "ServerError",
    "SignatureError",
    "Verified",
    "__version__",
    "types",
    "verify",
]
