"""The operations of the API, by what they are about: a method for each operation of its OpenAPI document.

Arguments have the API's own names. Ids are positional; the fields of a request's body, the parameters of its query,
`if_match` and `idempotency_key` are keywords.
"""

# Written by generate.py from docs/openapi.json; not to be edited.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional, Sequence, Union

from . import types
from ._core import Core, Operation
from .pages import Page

if TYPE_CHECKING:
    from typing_extensions import Unpack


def _tag(version: Union[str, int, None]) -> Optional[str]:
    """An `If-Match` from a resource's `version`, or an `ETag` as it came."""
    return f'"{version}"' if isinstance(version, int) else version


class _Resource:
    def __init__(self, core: Core) -> None:
        self._core = core

    def _page(self, operation: Operation, ids: Sequence[str], query: dict[str, Any]) -> Page[Any]:
        def fetch(query: Any) -> Any:
            return self._core.call(operation, ids, query=query).json()

        return Page(fetch(query), fetch, query)


class Events(_Resource):
    """Events."""

    def publish(self, *, idempotency_key: Optional[str] = None, **body: Unpack[types.PublishEventBody]) -> types.Ok:
        """."""
        operation = Operation("publishEvent", "POST", "/api/v1/events")
        answer: types.Ok = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def publish_batch(
        self,
        *,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.PublishEventsBody]
    ) -> types.Ok:
        """."""
        operation = Operation("publishEvents", "POST", "/api/v1/events/batch")
        answer: types.Ok = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def get(self, id: str, /) -> types.Ok:
        """."""
        operation = Operation("getEvent", "GET", "/api/v1/events/{id}")
        answer: types.Ok = self._core.call(operation, [id]).data()
        return answer

    def replay(
        self,
        id: str,
        /,
        *,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.ReplayEventBody]
    ) -> types.Ok:
        """."""
        operation = Operation("replayEvent", "POST", "/api/v1/events/{id}/replay")
        answer: types.Ok = self._core.call(operation, [id], body=body, idempotency_key=idempotency_key).data()
        return answer


class Webhooks(_Resource):
    """Webhooks."""

    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        status: Optional[str] = None,
    ) -> Page[types.Webhook]:
        """."""
        operation = Operation("listWebhooks", "GET", "/api/v1/webhooks")
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "cursor": cursor,
            "status": status,
        }
        return self._page(operation, [], query)

    def create(
        self,
        *,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.CreateWebhookBody]
    ) -> types.Webhook:
        """."""
        operation = Operation("createWebhook", "POST", "/api/v1/webhooks")
        answer: types.Webhook = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def get(self, id: str, /) -> types.Webhook:
        """."""
        operation = Operation("getWebhook", "GET", "/api/v1/webhooks/{id}")
        answer: types.Webhook = self._core.call(operation, [id]).data()
        return answer

    def replace(self, id: str, /, **body: Unpack[types.Webhook]) -> types.Webhook:
        """."""
        operation = Operation("replaceWebhook", "PUT", "/api/v1/webhooks/{id}")
        answer: types.Webhook = self._core.call(operation, [id], body=body).data()
        return answer

    def update(self, id: str, /, **body: Unpack[types.UpdateWebhookBody]) -> types.Webhook:
        """."""
        operation = Operation("updateWebhook", "PATCH", "/api/v1/webhooks/{id}")
        answer: types.Webhook = self._core.call(operation, [id], body=body).data()
        return answer

    def delete(self, id: str, /) -> types.Webhook:
        """."""
        operation = Operation("deleteWebhook", "DELETE", "/api/v1/webhooks/{id}")
        answer: types.Webhook = self._core.call(operation, [id]).data()
        return answer

    def test(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.Webhook:
        """."""
        operation = Operation("testWebhook", "POST", "/api/v1/webhooks/{id}/test")
        answer: types.Webhook = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer

    def pause(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.Webhook:
        """."""
        operation = Operation("pauseWebhook", "POST", "/api/v1/webhooks/{id}/pause")
        answer: types.Webhook = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer

    def resume(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.Webhook:
        """."""
        operation = Operation("resumeWebhook", "POST", "/api/v1/webhooks/{id}/resume")
        answer: types.Webhook = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer

    def rotate_secret(
        self,
        id: str,
        /,
        *,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.RotateWebhookSecretBody]
    ) -> types.Webhook:
        """."""
        operation = Operation("rotateWebhookSecret", "POST", "/api/v1/webhooks/{id}/rotate-secret")
        answer: types.Webhook = self._core.call(operation, [id], body=body, idempotency_key=idempotency_key).data()
        return answer

    def list_logs(
        self,
        id: str,
        /,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        status: Optional[str] = None,
    ) -> Page[types.Delivery]:
        """."""
        operation = Operation("listWebhookLogs", "GET", "/api/v1/webhooks/{id}/logs")
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "cursor": cursor,
            "status": status,
        }
        return self._page(operation, [id], query)


class Deliveries(_Resource):
    """Deliveries."""

    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        status: Optional[str] = None,
    ) -> Page[types.Delivery]:
        """."""
        operation = Operation("listDeliveries", "GET", "/api/v1/deliveries")
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "cursor": cursor,
            "status": status,
        }
        return self._page(operation, [], query)

    def get(self, id: str, /) -> types.Delivery:
        """."""
        operation = Operation("getDelivery", "GET", "/api/v1/deliveries/{id}")
        answer: types.Delivery = self._core.call(operation, [id]).data()
        return answer

    def retry(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.Delivery:
        """."""
        operation = Operation("retryDelivery", "POST", "/api/v1/deliveries/{id}/retry")
        answer: types.Delivery = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer

    def cancel(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.Delivery:
        """."""
        operation = Operation("cancelDelivery", "POST", "/api/v1/deliveries/{id}/cancel")
        answer: types.Delivery = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer


class DeadLetters(_Resource):
    """Dead letters."""

    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        status: Optional[str] = None,
    ) -> Page[types.Delivery]:
        """."""
        operation = Operation("listDeadLetters", "GET", "/api/v1/dead-letters")
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "cursor": cursor,
            "status": status,
        }
        return self._page(operation, [], query)

    def redrive(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.Delivery:
        """."""
        operation = Operation("redriveDeadLetter", "POST", "/api/v1/dead-letters/{id}/redrive")
        answer: types.Delivery = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer

    def redrive_all(
        self,
        *,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.RedriveDeadLettersBody]
    ) -> types.Delivery:
        """."""
        operation = Operation("redriveDeadLetters", "POST", "/api/v1/dead-letters/redrive")
        answer: types.Delivery = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer


class Health(_Resource):
    """Health."""

    def get(self) -> types.GetHealthData:
        """."""
        operation = Operation("getHealth", "GET", "/api/v1/health", ())
        answer: types.GetHealthData = self._core.call(operation, []).data()
        return answer

    def get_liveness(self) -> types.GetLivenessData:
        """."""
        operation = Operation("getLiveness", "GET", "/healthz", ())
        answer: types.GetLivenessData = self._core.call(operation, []).data()
        return answer

    def get_readiness(self) -> types.GetReadinessData:
        """."""
        operation = Operation("getReadiness", "GET", "/readyz", ())
        answer: types.GetReadinessData = self._core.call(operation, []).data()
        return answer

    def get_metrics(self) -> str:
        """."""
        operation = Operation("getMetrics", "GET", "/metrics", ())
        return self._core.call(operation, []).body.decode()


class Resources:
    """All of them."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.events = Events(core)
        self.webhooks = Webhooks(core)
        self.deliveries = Deliveries(core)
        self.dead_letters = DeadLetters(core)
        self.health = Health(core)
