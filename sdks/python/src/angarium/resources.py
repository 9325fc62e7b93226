"""The operations of the API, by what they are about: a method for each operation of its OpenAPI document.

Arguments have the API's own names. Ids are positional; the fields of a request's body, the parameters of its query,
`if_match` and `idempotency_key` are keywords.
"""

# Written by generate.py from docs/openapi.json; not to be edited.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generator, List, Literal, Optional, Sequence, Union

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
    """Publish what happened, read it again, send it again."""

    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        type: Optional[str] = None,
        channel: Optional[str] = None,
        createdAfter: Optional[str] = None,
        createdBefore: Optional[str] = None,
    ) -> Page[types.EventSummary]:
        """List events

        What was accepted, by whatever way it came. Their data is not in the list: read an event for it.

        The key needs `read:events`.
        """
        operation = Operation("listEvents", "GET", "/api/v1/events", ("apiKey", "session"))
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "cursor": cursor,
            "type": type,
            "channel": channel,
            "createdAfter": createdAfter,
            "createdBefore": createdBefore,
        }
        return self._page(operation, [], query)

    def publish(self, *, idempotency_key: Optional[str] = None, **body: Unpack[types.NewEvent]) -> types.AcceptedEvent:
        """Publish an event

        It is answered when it is stored; then it is delivered to every webhook that matches, at least once.

        The key needs `write:events`.
        """
        operation = Operation("publishEvent", "POST", "/api/v1/events", ("apiKey", "session"))
        answer: types.AcceptedEvent = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def publish_batch(
        self,
        *,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.NewEvents]
    ) -> types.PublishedEvents:
        """Publish up to 1,000 events

        Each is judged and accepted alone; the answer says of each what became of it.

        The key needs `write:events`.
        """
        operation = Operation("publishEvents", "POST", "/api/v1/events/batch", ("apiKey", "session"))
        answer: types.PublishedEvents = self._core.call(
            operation, [], body=body, idempotency_key=idempotency_key
        ).data()
        return answer

    def get(self, id: str, /) -> types.Event:
        """Read an event

        The key needs `read:events`.
        """
        operation = Operation("getEvent", "GET", "/api/v1/events/{id}", ("apiKey", "session"))
        answer: types.Event = self._core.call(operation, [id]).data()
        return answer

    def replay(
        self,
        id: str,
        /,
        *,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.EventReplay]
    ) -> types.ReplayedEvent:
        """Send an event again

        New deliveries with the same `webhook-id`: to one webhook, or to those that subscribe to the event now. The body
        may be left out.

        The key needs `write:events`.
        """
        operation = Operation("replayEvent", "POST", "/api/v1/events/{id}/replay", ("apiKey", "session"))
        answer: types.ReplayedEvent = self._core.call(
            operation, [id], body=body, idempotency_key=idempotency_key
        ).data()
        return answer

    def expunge(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.ExpungedEvent:
        """Erase the data of an event

        Its data, and what its deliveries kept of requests and answers, are gone for good; ids, times and states stay.
        What waits to be delivered is cancelled, and the event cannot be sent again. An attempt that is under way may
        still be made. Records of the core API are not touched. Doing it twice does it once.

        The key needs `write:events`.
        """
        operation = Operation("expungeEvent", "POST", "/api/v1/events/{id}/expunge", ("apiKey", "session"))
        answer: types.ExpungedEvent = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer

    def explain(
        self,
        *,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.EventToExplain]
    ) -> types.ExplainedEvent:
        """Explain an event

        For each webhook, whether it would get the event, and if not, which condition keeps it from it. Nothing is
        stored or sent.

        The key needs `read:webhooks`.
        """
        operation = Operation("explainEvent", "POST", "/api/v1/events/explain", ("apiKey", "session"))
        answer: types.ExplainedEvent = self._core.call(
            operation, [], body=body, idempotency_key=idempotency_key
        ).data()
        return answer


class Webhooks(_Resource):
    """Register URLs, and say what each of them is sent and how."""

    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        isActive: Optional[bool] = None,
    ) -> Page[types.Webhook]:
        """List webhooks

        The key needs `read:webhooks`.
        """
        operation = Operation("listWebhooks", "GET", "/api/v1/webhooks", ("apiKey", "session"))
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "isActive": isActive,
        }
        return self._page(operation, [], query)

    def create(self, *, idempotency_key: Optional[str] = None, **body: Unpack[types.NewWebhook]) -> types.Webhook:
        """Register a webhook

        The answer shows its signing secret, this once.

        The key needs `write:webhooks`.
        """
        operation = Operation("createWebhook", "POST", "/api/v1/webhooks", ("apiKey", "session"))
        answer: types.Webhook = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def get(self, id: str, /) -> types.Webhook:
        """Read a webhook

        Its secret is not shown, nor are the values of headers that may hold a credential.

        The key needs `read:webhooks`.
        """
        operation = Operation("getWebhook", "GET", "/api/v1/webhooks/{id}", ("apiKey", "session"))
        answer: types.Webhook = self._core.call(operation, [id]).data()
        return answer

    def replace(
        self,
        id: str,
        /,
        *,
        if_match: Union[str, int, None] = None,
        **body: Unpack[types.WebhookChange]
    ) -> types.Webhook:
        """Change a webhook with PUT

        The same as with PATCH: what is not mentioned stays.

        The key needs `write:webhooks`.
        """
        operation = Operation("replaceWebhook", "PUT", "/api/v1/webhooks/{id}", ("apiKey", "session"))
        answer: types.Webhook = self._core.call(
            operation, [id], body=body, headers={"If-Match": _tag(if_match)}
        ).data()
        return answer

    def update(
        self,
        id: str,
        /,
        *,
        if_match: Union[str, int, None] = None,
        **body: Unpack[types.WebhookChange]
    ) -> types.Webhook:
        """Change a webhook

        What is not mentioned stays; null resets a field to its default. `isActive` pauses and resumes.

        The key needs `write:webhooks`.
        """
        operation = Operation("updateWebhook", "PATCH", "/api/v1/webhooks/{id}", ("apiKey", "session"))
        answer: types.Webhook = self._core.call(
            operation, [id], body=body, headers={"If-Match": _tag(if_match)}
        ).data()
        return answer

    def delete(self, id: str, /, *, if_match: Union[str, int, None] = None) -> types.DeletedWebhook:
        """Delete a webhook

        What waits for it is cancelled. Its log stays as long as the retention.

        The key needs `write:webhooks`.
        """
        operation = Operation("deleteWebhook", "DELETE", "/api/v1/webhooks/{id}", ("apiKey", "session"))
        answer: types.DeletedWebhook = self._core.call(operation, [id], headers={"If-Match": _tag(if_match)}).data()
        return answer

    def test(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.TestedWebhook:
        """Send a test event to a webhook

        The key needs `write:webhooks`.
        """
        operation = Operation("testWebhook", "POST", "/api/v1/webhooks/{id}/test", ("apiKey", "session"))
        answer: types.TestedWebhook = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer

    def pause(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.Webhook:
        """Pause a webhook

        Deliveries are kept and wait until it is resumed.

        The key needs `write:webhooks`.
        """
        operation = Operation("pauseWebhook", "POST", "/api/v1/webhooks/{id}/pause", ("apiKey", "session"))
        answer: types.Webhook = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer

    def resume(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.Webhook:
        """Resume a webhook

        Also one that was disabled because it kept failing.

        The key needs `write:webhooks`.
        """
        operation = Operation("resumeWebhook", "POST", "/api/v1/webhooks/{id}/resume", ("apiKey", "session"))
        answer: types.Webhook = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer

    def rotate_secret(
        self,
        id: str,
        /,
        *,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.SecretRotation]
    ) -> types.RotatedSecret:
        """Rotate the secret of a webhook

        Requests are signed with the new secret, and with the older ones too until the overlap ends. The body may be
        left out.

        The key needs `write:webhooks`.
        """
        operation = Operation("rotateWebhookSecret", "POST", "/api/v1/webhooks/{id}/rotate-secret", ("apiKey", "session"))
        answer: types.RotatedSecret = self._core.call(
            operation, [id], body=body, idempotency_key=idempotency_key
        ).data()
        return answer

    def get_public_key(self, id: str, /) -> types.PublicKeys:
        """Read the public keys of a webhook

        With them its receiver verifies the `v1a` signatures. The private ones are never shown.

        The key needs `read:webhooks`.
        """
        operation = Operation("getWebhookPublicKey", "GET", "/api/v1/webhooks/{id}/public-key", ("apiKey", "session"))
        answer: types.PublicKeys = self._core.call(operation, [id]).data()
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
    ) -> Page[types.WebhookLogEntry]:
        """List what was sent to a webhook

        The key needs `read:webhooks`.
        """
        operation = Operation("listWebhookLogs", "GET", "/api/v1/webhooks/{id}/logs", ("apiKey", "session"))
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "cursor": cursor,
            "status": status,
        }
        return self._page(operation, [id], query)

    def get_stats(self, id: str, /, *, range: Optional[str] = None) -> types.WebhookStats:
        """Read how a webhook is doing

        The key needs `read:webhooks`.
        """
        operation = Operation("getWebhookStats", "GET", "/api/v1/webhooks/{id}/stats", ("apiKey", "session"))
        query: dict[str, Any] = {
            "range": range,
        }
        answer: types.WebhookStats = self._core.call(operation, [id], query=query).data()
        return answer

    def verify_request(
        self,
        id: str,
        /,
        *,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.ReceivedRequest]
    ) -> types.ExaminedRequest:
        """Say why a request does not verify

        Checks a received request by the webhook's secrets, which are not told. Where it does not verify, the reasons
        say what has happened to it on its way: a header lost or renamed, the body parsed and written again, a clock
        that is wrong, another secret.

        The key needs `read:webhooks`.
        """
        operation = Operation("verifyWebhookRequest", "POST", "/api/v1/webhooks/{id}/verify", ("apiKey", "session"))
        answer: types.ExaminedRequest = self._core.call(
            operation, [id], body=body, idempotency_key=idempotency_key
        ).data()
        return answer

    def list_portal_links(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
    ) -> Page[types.PortalLink]:
        """List portal links

        Those that are over are kept for some days.

        The key needs `write:webhooks`.
        """
        operation = Operation("listPortalLinks", "GET", "/api/v1/portal-links", ("apiKey", "session"))
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "cursor": cursor,
        }
        return self._page(operation, [], query)

    def create_portal_link(
        self,
        *,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.NewPortalLink]
    ) -> types.CreatedPortalLink:
        """Make a portal link

        By its URL a customer of yours, who needs no account, opens the pages of the webhooks that you name: their
        deliveries, and why signatures fail; and, where it is not `readOnly`, sends tests, retries, pauses and resumes.
        It can be opened once, within ten minutes.

        The key needs `webhook:manage`.
        """
        operation = Operation("createPortalLink", "POST", "/api/v1/portal-links", ("apiKey", "session"))
        answer: types.CreatedPortalLink = self._core.call(
            operation, [], body=body, idempotency_key=idempotency_key
        ).data()
        return answer

    def revoke_portal_link(self, id: str, /) -> types.RevokedPortalLink:
        """Revoke a portal link

        It cannot be opened any more, and the visit that it became is over at once.

        The key needs `write:webhooks`.
        """
        operation = Operation("revokePortalLink", "DELETE", "/api/v1/portal-links/{id}", ("apiKey", "session"))
        answer: types.RevokedPortalLink = self._core.call(operation, [id]).data()
        return answer


class Deliveries(_Resource):
    """See what became of each event for each webhook, attempt by attempt, and step in."""

    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        webhookId: Optional[str] = None,
        eventId: Optional[str] = None,
        eventType: Optional[str] = None,
        status: Optional[str] = None,
        statusClass: Optional[str] = None,
        errorKind: Optional[str] = None,
        attemptsMin: Optional[int] = None,
        createdAfter: Optional[str] = None,
        createdBefore: Optional[str] = None,
        data: Optional[str] = None,
    ) -> Page[types.Delivery]:
        """List deliveries

        `total` is at most 10,000, and with a filter it counts those that are found among the newest 10,000. A page
        looks at as many: where few of them are found it has fewer rows than `limit`, and there may be more while
        `nextCursor` is not null, even on an empty page.

        The key needs `read:deliveries`.
        """
        operation = Operation("listDeliveries", "GET", "/api/v1/deliveries", ("apiKey", "session"))
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "cursor": cursor,
            "webhookId": webhookId,
            "eventId": eventId,
            "eventType": eventType,
            "status": status,
            "statusClass": statusClass,
            "errorKind": errorKind,
            "attemptsMin": attemptsMin,
            "createdAfter": createdAfter,
            "createdBefore": createdBefore,
            "data": data,
        }
        return self._page(operation, [], query)

    def get(self, id: str, /) -> types.DeliveryDetail:
        """Read a delivery and its attempts

        The key needs `read:deliveries`.
        """
        operation = Operation("getDelivery", "GET", "/api/v1/deliveries/{id}", ("apiKey", "session"))
        answer: types.DeliveryDetail = self._core.call(operation, [id]).data()
        return answer

    def retry(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.Delivery:
        """Try a delivery now

        One that waits for its next attempt has it at once; one that is final starts anew.

        The key needs `write:deliveries`.
        """
        operation = Operation("retryDelivery", "POST", "/api/v1/deliveries/{id}/retry", ("apiKey", "session"))
        answer: types.Delivery = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer

    def cancel(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.Delivery:
        """Cancel a delivery

        The key needs `write:deliveries`.
        """
        operation = Operation("cancelDelivery", "POST", "/api/v1/deliveries/{id}/cancel", ("apiKey", "session"))
        answer: types.Delivery = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer

    def stream(
        self,
        *,
        webhookId: Optional[str] = None,
        eventId: Optional[str] = None,
        eventType: Optional[str] = None,
        status: Optional[str] = None,
        statusClass: Optional[str] = None,
        errorKind: Optional[str] = None,
        attemptsMin: Optional[int] = None,
        createdAfter: Optional[str] = None,
        createdBefore: Optional[str] = None,
        since: Optional[str] = None,
        follow: Optional[bool] = None,
    ) -> Generator[types.StreamedAttempt, None, None]:
        """Follow attempts as they end

        Server-sent events: an `attempt` for each attempt that ends, in the order in which they ended, at a pace of so
        many a second; what is more is told later, and nothing is left out. Each event has an `id`, and so has the
        heartbeat that comes when there is nothing to tell: begin again with the last one in `Last-Event-ID`, and the
        stream goes on from there. A few attempts may then come again; `id` and `attempt.number` tell them apart. A
        stream ends after some minutes, and when the server goes down.

        This method begins again by itself, and gives no attempt twice. Closing the generator ends the stream.

        The key needs `read:deliveries`.
        """
        operation = Operation("streamDeliveries", "GET", "/api/v1/deliveries/stream", ("apiKey", "session"))
        query: dict[str, Any] = {
            "webhookId": webhookId,
            "eventId": eventId,
            "eventType": eventType,
            "status": status,
            "statusClass": statusClass,
            "errorKind": errorKind,
            "attemptsMin": attemptsMin,
            "createdAfter": createdAfter,
            "createdBefore": createdBefore,
            "since": since,
            "follow": follow,
        }
        return self._core.stream(operation, [], query=query)


class EventTypes(_Resource):
    """What events there are and what is in them; add types of your own, with schemas that judge."""

    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        builtIn: Optional[bool] = None,
    ) -> Page[types.EventType]:
        """List event types

        Those that are built in and your own, by name.

        The key needs `read:events`.
        """
        operation = Operation("listEventTypes", "GET", "/api/v1/event-types", ("apiKey", "session"))
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "builtIn": builtIn,
        }
        return self._page(operation, [], query)

    def create(self, *, idempotency_key: Optional[str] = None, **body: Unpack[types.NewEventType]) -> types.EventType:
        """Create an event type

        Events of types that are in no catalogue may be published too. One that is in it has a description and an
        example, and a schema that can judge what is published: it `warn`s the publisher, or `reject`s the event.

        The key needs `write:events`.
        """
        operation = Operation("createEventType", "POST", "/api/v1/event-types", ("apiKey", "session"))
        answer: types.EventType = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def get(self, name: str, /) -> types.EventType:
        """Read an event type

        The key needs `read:events`.
        """
        operation = Operation("getEventType", "GET", "/api/v1/event-types/{name}", ("apiKey", "session"))
        answer: types.EventType = self._core.call(operation, [name]).data()
        return answer

    def replace(self, name: str, /, **body: Unpack[types.EventTypeChange]) -> types.EventType:
        """Change an event type with PUT

        The same as with PATCH: what is not mentioned stays.

        The key needs `write:events`.
        """
        operation = Operation("replaceEventType", "PUT", "/api/v1/event-types/{name}", ("apiKey", "session"))
        answer: types.EventType = self._core.call(operation, [name], body=body).data()
        return answer

    def update(self, name: str, /, **body: Unpack[types.EventTypeChange]) -> types.EventType:
        """Change an event type

        What is not mentioned stays; null resets. Those that are built in cannot be changed.

        The key needs `write:events`.
        """
        operation = Operation("updateEventType", "PATCH", "/api/v1/event-types/{name}", ("apiKey", "session"))
        answer: types.EventType = self._core.call(operation, [name], body=body).data()
        return answer

    def delete(self, name: str, /) -> types.DeletedEventType:
        """Delete an event type

        Events of that name may be published as before, and nothing judges them any more.

        The key needs `write:events`.
        """
        operation = Operation("deleteEventType", "DELETE", "/api/v1/event-types/{name}", ("apiKey", "session"))
        answer: types.DeletedEventType = self._core.call(operation, [name]).data()
        return answer


class DeadLetters(_Resource):
    """Deliveries that used up their attempts: inspect them, and send them again."""

    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        webhookId: Optional[str] = None,
        eventType: Optional[str] = None,
        diedAfter: Optional[str] = None,
        diedBefore: Optional[str] = None,
    ) -> Page[types.DeadLetter]:
        """List dead letters

        `total` is at most 10,000, and with a filter it counts those that are found among the newest 10,000. A page
        looks at as many: there may be more while `nextCursor` is not null, even on an empty page.

        The key needs `read:deliveries`.
        """
        operation = Operation("listDeadLetters", "GET", "/api/v1/dead-letters", ("apiKey", "session"))
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "cursor": cursor,
            "webhookId": webhookId,
            "eventType": eventType,
            "diedAfter": diedAfter,
            "diedBefore": diedBefore,
        }
        return self._page(operation, [], query)

    def redrive_all(self, *, idempotency_key: Optional[str] = None, **body: Unpack[types.Redrive]) -> types.Redriven:
        """Send many dead letters again

        Those that are named, or all that the filter finds, up to `max`, at once. The body may be left out. For more of
        them, or at a rate, start a replay.

        The key needs `write:deliveries`.
        """
        operation = Operation("redriveDeadLetters", "POST", "/api/v1/dead-letters/redrive", ("apiKey", "session"))
        answer: types.Redriven = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def redrive(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.Delivery:
        """Send a dead letter again

        The key needs `write:deliveries`.
        """
        operation = Operation("redriveDeadLetter", "POST", "/api/v1/dead-letters/{id}/redrive", ("apiKey", "session"))
        answer: types.Delivery = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer

    def discard_all(
        self,
        *,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.DiscardMany]
    ) -> types.Discarded:
        """Give many dead letters up

        The key needs `write:deliveries`.
        """
        operation = Operation("discardDeadLetters", "POST", "/api/v1/dead-letters/discard", ("apiKey", "session"))
        answer: types.Discarded = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def discard(
        self,
        id: str,
        /,
        *,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.Discard]
    ) -> types.Delivery:
        """Give a dead letter up

        It is not sent again: the delivery is cancelled, and keeps the reason.

        The key needs `write:deliveries`.
        """
        operation = Operation("discardDeadLetter", "POST", "/api/v1/dead-letters/{id}/discard", ("apiKey", "session"))
        answer: types.Delivery = self._core.call(operation, [id], body=body, idempotency_key=idempotency_key).data()
        return answer


class Replays(_Resource):
    """Have many deliveries attempted again, at a rate, in a job that can be watched and stopped."""

    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        state: Optional[str] = None,
    ) -> Page[types.Replay]:
        """List replays

        The key needs `read:deliveries`.
        """
        operation = Operation("listReplays", "GET", "/api/v1/replays", ("apiKey", "session"))
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "cursor": cursor,
            "state": state,
        }
        return self._page(operation, [], query)

    def start(self, *, idempotency_key: Optional[str] = None, **body: Unpack[types.NewReplay]) -> types.ReplayPreview:
        """Start a replay

        Attempts all matching deliveries again, so many in a second, behind live traffic and within the limits of their
        webhooks; each keeps its `webhook-id`. Those to webhooks that do not send are passed over. With `dryRun` it is
        counted what would be done, and nothing is. The body may be left out: then it is all dead letters.

        The key needs `write:deliveries`.
        """
        operation = Operation("startReplay", "POST", "/api/v1/replays", ("apiKey", "session"))
        answer: types.ReplayPreview = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def get(self, id: str, /) -> types.Replay:
        """Read a replay

        The key needs `read:deliveries`.
        """
        operation = Operation("getReplay", "GET", "/api/v1/replays/{id}", ("apiKey", "session"))
        answer: types.Replay = self._core.call(operation, [id]).data()
        return answer

    def pause(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.Replay:
        """Pause a replay

        What it has under way goes on.

        The key needs `write:deliveries`.
        """
        operation = Operation("pauseReplay", "POST", "/api/v1/replays/{id}/pause", ("apiKey", "session"))
        answer: types.Replay = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer

    def resume(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.Replay:
        """Resume a replay

        The key needs `write:deliveries`.
        """
        operation = Operation("resumeReplay", "POST", "/api/v1/replays/{id}/resume", ("apiKey", "session"))
        answer: types.Replay = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer

    def cancel(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.Replay:
        """Call a replay off

        What it has under way goes on: those are deliveries like all others, and can be cancelled as such.

        The key needs `write:deliveries`.
        """
        operation = Operation("cancelReplay", "POST", "/api/v1/replays/{id}/cancel", ("apiKey", "session"))
        answer: types.Replay = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer

    def list_failures(
        self,
        id: str,
        /,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
    ) -> Page[types.ReplayFailure]:
        """List what a replay could not deliver

        The key needs `read:deliveries`.
        """
        operation = Operation("listReplayFailures", "GET", "/api/v1/replays/{id}/failures", ("apiKey", "session"))
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "cursor": cursor,
        }
        return self._page(operation, [id], query)


class ApiKeys(_Resource):
    """Make keys for programs, limit them, rotate and revoke them. For people who have signed in, never for keys."""

    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        environment: Optional[str] = None,
        isActive: Optional[bool] = None,
    ) -> Page[types.ApiKey]:
        """List API keys."""
        operation = Operation("listApiKeys", "GET", "/api/tenant/api-keys", ("session",))
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "environment": environment,
            "isActive": isActive,
        }
        return self._page(operation, [], query)

    def create(self, *, idempotency_key: Optional[str] = None, **body: Unpack[types.NewApiKey]) -> types.ApiKey:
        """Make an API key

        The answer shows it, this once.
        """
        operation = Operation("createApiKey", "POST", "/api/tenant/api-keys", ("session",))
        answer: types.ApiKey = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def get(self, id: str, /) -> types.ApiKey:
        """Read an API key

        Not the key itself, of which only a hash is kept.
        """
        operation = Operation("getApiKey", "GET", "/api/tenant/api-keys/{id}", ("session",))
        answer: types.ApiKey = self._core.call(operation, [id]).data()
        return answer

    def update(self, id: str, /, **body: Unpack[types.ApiKeyChange]) -> types.ApiKey:
        """Change an API key

        What is not mentioned stays.
        """
        operation = Operation("updateApiKey", "PUT", "/api/tenant/api-keys/{id}", ("session",))
        answer: types.ApiKey = self._core.call(operation, [id], body=body).data()
        return answer

    def delete(self, id: str, /) -> types.DeletedApiKey:
        """Delete an API key."""
        operation = Operation("deleteApiKey", "DELETE", "/api/tenant/api-keys/{id}", ("session",))
        answer: types.DeletedApiKey = self._core.call(operation, [id]).data()
        return answer

    def revoke(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.ApiKey:
        """Revoke an API key

        It stops at once, for good.
        """
        operation = Operation("revokeApiKey", "POST", "/api/tenant/api-keys/{id}/revoke", ("session",))
        answer: types.ApiKey = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer

    def rotate(
        self,
        id: str,
        /,
        *,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.ApiKeyRotation]
    ) -> types.RotatedApiKey:
        """Replace an API key

        The answer shows the new one, this once; the old one goes on working until the overlap ends. The body may be
        left out.
        """
        operation = Operation("rotateApiKey", "POST", "/api/tenant/api-keys/{id}/rotate", ("session",))
        answer: types.RotatedApiKey = self._core.call(
            operation, [id], body=body, idempotency_key=idempotency_key
        ).data()
        return answer

    def get_usage(self, id: str, /, *, month: Optional[str] = None) -> types.ApiKeyUsage:
        """Read what an API key was used for."""
        operation = Operation("getApiKeyUsage", "GET", "/api/tenant/api-keys/{id}/usage", ("session",))
        query: dict[str, Any] = {
            "month": month,
        }
        answer: types.ApiKeyUsage = self._core.call(operation, [id], query=query).data()
        return answer


class Auth(_Resource):
    """Sessions of people."""

    def login(self, *, idempotency_key: Optional[str] = None, **body: Unpack[types.Credentials]) -> types.SignedIn:
        """Sign in

        The answer also sets a cookie, for browsers.
        """
        operation = Operation("login", "POST", "/api/auth/login", ())
        answer: types.SignedIn = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def logout(self, *, idempotency_key: Optional[str] = None) -> dict[str, Any]:
        """Sign out."""
        operation = Operation("logout", "POST", "/api/auth/logout", ("session",))
        answer: dict[str, Any] = self._core.call(operation, [], idempotency_key=idempotency_key).data()
        return answer

    def get_me(self) -> types.Me:
        """Say who is signed in."""
        operation = Operation("getMe", "GET", "/api/auth/me", ("session",))
        answer: types.Me = self._core.call(operation, []).data()
        return answer

    def change_me(self, **body: Unpack[types.MyChange]) -> types.Me:
        """Say whether one gets mails."""
        operation = Operation("changeMe", "PATCH", "/api/auth/me", ("session",))
        answer: types.Me = self._core.call(operation, [], body=body).data()
        return answer

    def change_password(
        self,
        *,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.PasswordChange]
    ) -> dict[str, Any]:
        """Change one's password

        All other sessions end.
        """
        operation = Operation("changePassword", "POST", "/api/auth/password", ("session",))
        answer: dict[str, Any] = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer


class Teammates(_Resource):
    """Your people who sign in to Angarium: let them in, give them roles and passwords. For owners and admins, never for
    keys.
    """

    def list(self, *, page: Optional[int] = None, limit: Optional[int] = None) -> Page[types.Teammate]:
        """List the users of the tenant."""
        operation = Operation("listTeammates", "GET", "/api/tenant/users", ("session",))
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
        }
        return self._page(operation, [], query)

    def create(self, *, idempotency_key: Optional[str] = None, **body: Unpack[types.NewTeammate]) -> types.Teammate:
        """Make a user

        Without a `password` one is drawn; the answer shows it, this once.
        """
        operation = Operation("createTeammate", "POST", "/api/tenant/users", ("session",))
        answer: types.Teammate = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def get(self, id: str, /) -> types.Teammate:
        """Read a user

        A member reads themselves only.
        """
        operation = Operation("getTeammate", "GET", "/api/tenant/users/{id}", ("session",))
        answer: types.Teammate = self._core.call(operation, [id]).data()
        return answer

    def update(self, id: str, /, **body: Unpack[types.TeammateChange]) -> types.Teammate:
        """Change a user

        What is not mentioned stays. An owner changes everybody, an admin members and their own name. The last owner
        stays.
        """
        operation = Operation("updateTeammate", "PUT", "/api/tenant/users/{id}", ("session",))
        answer: types.Teammate = self._core.call(operation, [id], body=body).data()
        return answer

    def delete(self, id: str, /) -> types.DeletedTeammate:
        """Remove a user

        Their sessions end at once. The last owner stays.
        """
        operation = Operation("deleteTeammate", "DELETE", "/api/tenant/users/{id}", ("session",))
        answer: types.DeletedTeammate = self._core.call(operation, [id]).data()
        return answer

    def set_password(
        self,
        id: str,
        /,
        *,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.TeammatePassword]
    ) -> types.TeammatePasswordSet:
        """Set a user's password

        Everybody sets their own, with the old one. An owner sets everybody's, an admin those of members; without a
        `newPassword` one is drawn, and the answer shows it, this once. All sessions of the user end, but the one that
        asks.
        """
        operation = Operation("setTeammatePassword", "POST", "/api/tenant/users/{id}/password", ("session",))
        answer: types.TeammatePasswordSet = self._core.call(
            operation, [id], body=body, idempotency_key=idempotency_key
        ).data()
        return answer


class AuditLog(_Resource):
    """Who changed what, when, and from where. For owners and admins."""

    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        actorId: Optional[str] = None,
        action: Optional[str] = None,
        subject: Optional[str] = None,
        after: Optional[str] = None,
        before: Optional[str] = None,
    ) -> Page[types.AuditEntry]:
        """List who changed what."""
        operation = Operation("listAuditLog", "GET", "/api/tenant/audit-log", ("session",))
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "cursor": cursor,
            "actorId": actorId,
            "action": action,
            "subject": subject,
            "after": after,
            "before": before,
        }
        return self._page(operation, [], query)


class Customers(_Resource):
    """The people and companies that your users talk to."""

    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        search: Optional[str] = None,
        tags: Optional[Sequence[str]] = None,
        tier: Optional[Literal["bronze", "silver", "gold", "platinum"]] = None,
        status: Optional[Literal["active", "inactive", "archived"]] = None,
    ) -> Page[types.Customer]:
        """List customers

        All filters together.

        The key needs `read:customers`.
        """
        operation = Operation("listCustomers", "GET", "/api/v1/customers", ("apiKey", "session"))
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "cursor": cursor,
            "search": search,
            "tags": tags,
            "tier": tier,
            "status": status,
        }
        return self._page(operation, [], query)

    def create(self, *, idempotency_key: Optional[str] = None, **body: Unpack[types.NewCustomer]) -> types.Customer:
        """Create a customer

        Emits `customer.created`, in the same transaction.

        The key needs `write:customers`.
        """
        operation = Operation("createCustomer", "POST", "/api/v1/customers", ("apiKey", "session"))
        answer: types.Customer = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def get(self, id: str, /) -> types.Customer:
        """Get a customer

        The key needs `read:customers`.
        """
        operation = Operation("getCustomer", "GET", "/api/v1/customers/{id}", ("apiKey", "session"))
        answer: types.Customer = self._core.call(operation, [id]).data()
        return answer

    def replace(
        self,
        id: str,
        /,
        *,
        if_match: Union[str, int, None] = None,
        **body: Unpack[types.CustomerChange]
    ) -> types.Customer:
        """Change a customer with PUT

        What is not mentioned stays, null resets. Emits `customer.updated`, in the same transaction.

        The key needs `write:customers`.
        """
        operation = Operation("replaceCustomer", "PUT", "/api/v1/customers/{id}", ("apiKey", "session"))
        answer: types.Customer = self._core.call(
            operation, [id], body=body, headers={"If-Match": _tag(if_match)}
        ).data()
        return answer

    def update(
        self,
        id: str,
        /,
        *,
        if_match: Union[str, int, None] = None,
        **body: Unpack[types.CustomerChange]
    ) -> types.Customer:
        """Change a customer

        What is not mentioned stays, null resets. Emits `customer.updated`, in the same transaction.

        The key needs `write:customers`.
        """
        operation = Operation("updateCustomer", "PATCH", "/api/v1/customers/{id}", ("apiKey", "session"))
        answer: types.Customer = self._core.call(
            operation, [id], body=body, headers={"If-Match": _tag(if_match)}
        ).data()
        return answer

    def delete(self, id: str, /, *, if_match: Union[str, int, None] = None) -> types.DeleteCustomerData:
        """Delete a customer

        Emits no event. What names it keeps its id.

        The key needs `write:customers`.
        """
        operation = Operation("deleteCustomer", "DELETE", "/api/v1/customers/{id}", ("apiKey", "session"))
        answer: types.DeleteCustomerData = self._core.call(
            operation, [id], headers={"If-Match": _tag(if_match)}
        ).data()
        return answer


class Conversations(_Resource):
    """What customers want, who looks after it, and where it stands."""

    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        customerId: Optional[str] = None,
        assignedTo: Optional[str] = None,
        inboxId: Optional[str] = None,
        escalated: Optional[bool] = None,
        priority: Optional[Literal["low", "medium", "high", "urgent"]] = None,
        status: Optional[Literal["open", "pending", "closed"]] = None,
    ) -> Page[types.Conversation]:
        """List conversations

        All filters together.

        The key needs `read:conversations`.
        """
        operation = Operation("listConversations", "GET", "/api/v1/conversations", ("apiKey", "session"))
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "cursor": cursor,
            "customerId": customerId,
            "assignedTo": assignedTo,
            "inboxId": inboxId,
            "escalated": escalated,
            "priority": priority,
            "status": status,
        }
        return self._page(operation, [], query)

    def create(
        self,
        *,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.NewConversation]
    ) -> types.Conversation:
        """Create a conversation

        Emits `conversation.created`, in the same transaction.

        The key needs `write:conversations`.
        """
        operation = Operation("createConversation", "POST", "/api/v1/conversations", ("apiKey", "session"))
        answer: types.Conversation = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def get(self, id: str, /) -> types.Conversation:
        """Get a conversation

        The key needs `read:conversations`.
        """
        operation = Operation("getConversation", "GET", "/api/v1/conversations/{id}", ("apiKey", "session"))
        answer: types.Conversation = self._core.call(operation, [id]).data()
        return answer

    def replace(
        self,
        id: str,
        /,
        *,
        if_match: Union[str, int, None] = None,
        **body: Unpack[types.ConversationChange]
    ) -> types.Conversation:
        """Change a conversation with PUT

        What is not mentioned stays, null resets. Emits `conversation.updated` or `conversation.closed` or
        `conversation.escalated` or `conversation.assigned`, in the same transaction.

        The key needs `write:conversations`.
        """
        operation = Operation("replaceConversation", "PUT", "/api/v1/conversations/{id}", ("apiKey", "session"))
        answer: types.Conversation = self._core.call(
            operation, [id], body=body, headers={"If-Match": _tag(if_match)}
        ).data()
        return answer

    def update(
        self,
        id: str,
        /,
        *,
        if_match: Union[str, int, None] = None,
        **body: Unpack[types.ConversationChange]
    ) -> types.Conversation:
        """Change a conversation

        What is not mentioned stays, null resets. Emits `conversation.updated` or `conversation.closed` or
        `conversation.escalated` or `conversation.assigned`, in the same transaction.

        The key needs `write:conversations`.
        """
        operation = Operation("updateConversation", "PATCH", "/api/v1/conversations/{id}", ("apiKey", "session"))
        answer: types.Conversation = self._core.call(
            operation, [id], body=body, headers={"If-Match": _tag(if_match)}
        ).data()
        return answer

    def delete(self, id: str, /, *, if_match: Union[str, int, None] = None) -> types.DeleteConversationData:
        """Delete a conversation

        Emits no event. What names it keeps its id.

        The key needs `write:conversations`.
        """
        operation = Operation("deleteConversation", "DELETE", "/api/v1/conversations/{id}", ("apiKey", "session"))
        answer: types.DeleteConversationData = self._core.call(
            operation, [id], headers={"If-Match": _tag(if_match)}
        ).data()
        return answer

    def assign(
        self,
        id: str,
        /,
        *,
        if_match: Union[str, int, None] = None,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.AssignConversation]
    ) -> types.Conversation:
        """Assign a conversation

        Gives it to a user. In a state that does not allow it: 409.

        The key needs `write:conversations`.
        """
        operation = Operation("assignConversation", "POST", "/api/v1/conversations/{id}/assign", ("apiKey", "session"))
        answer: types.Conversation = self._core.call(
            operation, [id], body=body, headers={"If-Match": _tag(if_match)}, idempotency_key=idempotency_key
        ).data()
        return answer

    def escalate(
        self,
        id: str,
        /,
        *,
        if_match: Union[str, int, None] = None,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.EscalateConversation]
    ) -> types.Conversation:
        """Escalate a conversation

        Asks for a person to take over. In a state that does not allow it: 409.

        The key needs `write:conversations`.
        """
        operation = Operation("escalateConversation", "POST", "/api/v1/conversations/{id}/escalate", ("apiKey", "session"))
        answer: types.Conversation = self._core.call(
            operation, [id], body=body, headers={"If-Match": _tag(if_match)}, idempotency_key=idempotency_key
        ).data()
        return answer

    def close(
        self,
        id: str,
        /,
        *,
        if_match: Union[str, int, None] = None,
        idempotency_key: Optional[str] = None,
    ) -> types.Conversation:
        """Close a conversation

        Ends it. In a state that does not allow it: 409.

        The key needs `write:conversations`.
        """
        operation = Operation("closeConversation", "POST", "/api/v1/conversations/{id}/close", ("apiKey", "session"))
        answer: types.Conversation = self._core.call(
            operation, [id], headers={"If-Match": _tag(if_match)}, idempotency_key=idempotency_key
        ).data()
        return answer

    def reopen(
        self,
        id: str,
        /,
        *,
        if_match: Union[str, int, None] = None,
        idempotency_key: Optional[str] = None,
    ) -> types.Conversation:
        """Reopen a conversation

        Takes it up again. It is then no longer escalated. In a state that does not allow it: 409.

        The key needs `write:conversations`.
        """
        operation = Operation("reopenConversation", "POST", "/api/v1/conversations/{id}/reopen", ("apiKey", "session"))
        answer: types.Conversation = self._core.call(
            operation, [id], headers={"If-Match": _tag(if_match)}, idempotency_key=idempotency_key
        ).data()
        return answer


class Messages(_Resource):
    """What was said in conversations."""

    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        conversationId: Optional[str] = None,
        role: Optional[Literal["customer", "agent", "ai"]] = None,
        direction: Optional[Literal["sent", "received"]] = None,
    ) -> Page[types.Message]:
        """List messages

        All filters together.

        The key needs `read:messages`.
        """
        operation = Operation("listMessages", "GET", "/api/v1/messages", ("apiKey", "session"))
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "cursor": cursor,
            "conversationId": conversationId,
            "role": role,
            "direction": direction,
        }
        return self._page(operation, [], query)

    def create(self, *, idempotency_key: Optional[str] = None, **body: Unpack[types.NewMessage]) -> types.Message:
        """Create a message

        Emits `message.received` or `ai.reply.created` or `message.sent`, in the same transaction.

        The key needs `write:messages`.
        """
        operation = Operation("createMessage", "POST", "/api/v1/messages", ("apiKey", "session"))
        answer: types.Message = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def get(self, id: str, /) -> types.Message:
        """Get a message

        The key needs `read:messages`.
        """
        operation = Operation("getMessage", "GET", "/api/v1/messages/{id}", ("apiKey", "session"))
        answer: types.Message = self._core.call(operation, [id]).data()
        return answer

    def replace(
        self,
        id: str,
        /,
        *,
        if_match: Union[str, int, None] = None,
        **body: Unpack[types.MessageChange]
    ) -> types.Message:
        """Change a message with PUT

        What is not mentioned stays, null resets. Emits no event.

        The key needs `write:messages`.
        """
        operation = Operation("replaceMessage", "PUT", "/api/v1/messages/{id}", ("apiKey", "session"))
        answer: types.Message = self._core.call(
            operation, [id], body=body, headers={"If-Match": _tag(if_match)}
        ).data()
        return answer

    def update(
        self,
        id: str,
        /,
        *,
        if_match: Union[str, int, None] = None,
        **body: Unpack[types.MessageChange]
    ) -> types.Message:
        """Change a message

        What is not mentioned stays, null resets. Emits no event.

        The key needs `write:messages`.
        """
        operation = Operation("updateMessage", "PATCH", "/api/v1/messages/{id}", ("apiKey", "session"))
        answer: types.Message = self._core.call(
            operation, [id], body=body, headers={"If-Match": _tag(if_match)}
        ).data()
        return answer

    def delete(self, id: str, /, *, if_match: Union[str, int, None] = None) -> types.DeleteMessageData:
        """Delete a message

        Emits no event. What names it keeps its id.

        The key needs `write:messages`.
        """
        operation = Operation("deleteMessage", "DELETE", "/api/v1/messages/{id}", ("apiKey", "session"))
        answer: types.DeleteMessageData = self._core.call(operation, [id], headers={"If-Match": _tag(if_match)}).data()
        return answer

    def list_in_conversation(
        self,
        id: str,
        /,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        role: Optional[Literal["customer", "agent", "ai"]] = None,
        direction: Optional[Literal["sent", "received"]] = None,
    ) -> Page[types.Message]:
        """List the messages of a conversation

        The key needs `read:messages`.
        """
        operation = Operation("listConversationMessages", "GET", "/api/v1/conversations/{id}/messages", ("apiKey", "session"))
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "cursor": cursor,
            "role": role,
            "direction": direction,
        }
        return self._page(operation, [id], query)

    def create_in_conversation(
        self,
        id: str,
        /,
        *,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.NewConversationMessage]
    ) -> types.Message:
        """Create a message in a conversation

        Emits `message.received` or `ai.reply.created` or `message.sent`, in the same transaction.

        The key needs `write:messages`.
        """
        operation = Operation("createConversationMessage", "POST", "/api/v1/conversations/{id}/messages", ("apiKey", "session"))
        answer: types.Message = self._core.call(operation, [id], body=body, idempotency_key=idempotency_key).data()
        return answer


class Leads(_Resource):
    """Those who left a way to reach them."""

    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        search: Optional[str] = None,
        conversationId: Optional[str] = None,
        source: Optional[str] = None,
    ) -> Page[types.Lead]:
        """List leads

        All filters together.

        The key needs `read:customers`.
        """
        operation = Operation("listLeads", "GET", "/api/v1/leads", ("apiKey", "session"))
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "cursor": cursor,
            "search": search,
            "conversationId": conversationId,
            "source": source,
        }
        return self._page(operation, [], query)

    def create(self, *, idempotency_key: Optional[str] = None, **body: Unpack[types.NewLead]) -> types.Lead:
        """Create a lead

        Emits `lead.captured`, in the same transaction.

        The key needs `write:customers`.
        """
        operation = Operation("createLead", "POST", "/api/v1/leads", ("apiKey", "session"))
        answer: types.Lead = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def get(self, id: str, /) -> types.Lead:
        """Get a lead

        The key needs `read:customers`.
        """
        operation = Operation("getLead", "GET", "/api/v1/leads/{id}", ("apiKey", "session"))
        answer: types.Lead = self._core.call(operation, [id]).data()
        return answer

    def replace(
        self,
        id: str,
        /,
        *,
        if_match: Union[str, int, None] = None,
        **body: Unpack[types.LeadChange]
    ) -> types.Lead:
        """Change a lead with PUT

        What is not mentioned stays, null resets. Emits no event.

        The key needs `write:customers`.
        """
        operation = Operation("replaceLead", "PUT", "/api/v1/leads/{id}", ("apiKey", "session"))
        answer: types.Lead = self._core.call(operation, [id], body=body, headers={"If-Match": _tag(if_match)}).data()
        return answer

    def update(
        self,
        id: str,
        /,
        *,
        if_match: Union[str, int, None] = None,
        **body: Unpack[types.LeadChange]
    ) -> types.Lead:
        """Change a lead

        What is not mentioned stays, null resets. Emits no event.

        The key needs `write:customers`.
        """
        operation = Operation("updateLead", "PATCH", "/api/v1/leads/{id}", ("apiKey", "session"))
        answer: types.Lead = self._core.call(operation, [id], body=body, headers={"If-Match": _tag(if_match)}).data()
        return answer

    def delete(self, id: str, /, *, if_match: Union[str, int, None] = None) -> types.DeleteLeadData:
        """Delete a lead

        Emits no event. What names it keeps its id.

        The key needs `write:customers`.
        """
        operation = Operation("deleteLead", "DELETE", "/api/v1/leads/{id}", ("apiKey", "session"))
        answer: types.DeleteLeadData = self._core.call(operation, [id], headers={"If-Match": _tag(if_match)}).data()
        return answer


class Users(_Resource):
    """Your people, who look after conversations. Not those who sign in to Angarium."""

    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        search: Optional[str] = None,
        role: Optional[str] = None,
        isActive: Optional[bool] = None,
    ) -> Page[types.User]:
        """List users

        All filters together.

        The key needs `read:conversations`.
        """
        operation = Operation("listUsers", "GET", "/api/v1/users", ("apiKey", "session"))
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "cursor": cursor,
            "search": search,
            "role": role,
            "isActive": isActive,
        }
        return self._page(operation, [], query)

    def create(self, *, idempotency_key: Optional[str] = None, **body: Unpack[types.NewUser]) -> types.User:
        """Create a user

        Emits `user.created`, in the same transaction.

        The key needs `write:conversations`.
        """
        operation = Operation("createUser", "POST", "/api/v1/users", ("apiKey", "session"))
        answer: types.User = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def get(self, id: str, /) -> types.User:
        """Get a user

        The key needs `read:conversations`.
        """
        operation = Operation("getUser", "GET", "/api/v1/users/{id}", ("apiKey", "session"))
        answer: types.User = self._core.call(operation, [id]).data()
        return answer

    def replace(
        self,
        id: str,
        /,
        *,
        if_match: Union[str, int, None] = None,
        **body: Unpack[types.UserChange]
    ) -> types.User:
        """Change a user with PUT

        What is not mentioned stays, null resets. Emits `user.updated`, in the same transaction.

        The key needs `write:conversations`.
        """
        operation = Operation("replaceUser", "PUT", "/api/v1/users/{id}", ("apiKey", "session"))
        answer: types.User = self._core.call(operation, [id], body=body, headers={"If-Match": _tag(if_match)}).data()
        return answer

    def update(
        self,
        id: str,
        /,
        *,
        if_match: Union[str, int, None] = None,
        **body: Unpack[types.UserChange]
    ) -> types.User:
        """Change a user

        What is not mentioned stays, null resets. Emits `user.updated`, in the same transaction.

        The key needs `write:conversations`.
        """
        operation = Operation("updateUser", "PATCH", "/api/v1/users/{id}", ("apiKey", "session"))
        answer: types.User = self._core.call(operation, [id], body=body, headers={"If-Match": _tag(if_match)}).data()
        return answer

    def delete(self, id: str, /, *, if_match: Union[str, int, None] = None) -> types.DeleteUserData:
        """Delete a user

        Emits no event. What names it keeps its id.

        The key needs `write:conversations`.
        """
        operation = Operation("deleteUser", "DELETE", "/api/v1/users/{id}", ("apiKey", "session"))
        answer: types.DeleteUserData = self._core.call(operation, [id], headers={"If-Match": _tag(if_match)}).data()
        return answer


class Calls(_Resource):
    """Phone calls, step by step."""

    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        conversationId: Optional[str] = None,
        customerId: Optional[str] = None,
        agentId: Optional[str] = None,
        direction: Optional[Literal["outbound", "inbound"]] = None,
        status: Optional[Literal["initiated", "ringing", "answered", "completed", "failed"]] = None,
    ) -> Page[types.Call]:
        """List calls

        All filters together.

        The key needs `read:conversations`.
        """
        operation = Operation("listCalls", "GET", "/api/v1/calls", ("apiKey", "session"))
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "cursor": cursor,
            "conversationId": conversationId,
            "customerId": customerId,
            "agentId": agentId,
            "direction": direction,
            "status": status,
        }
        return self._page(operation, [], query)

    def create(self, *, idempotency_key: Optional[str] = None, **body: Unpack[types.NewCall]) -> types.Call:
        """Create a call

        Emits `call.initiated`, in the same transaction.

        The key needs `write:conversations`.
        """
        operation = Operation("createCall", "POST", "/api/v1/calls", ("apiKey", "session"))
        answer: types.Call = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def get(self, id: str, /) -> types.Call:
        """Get a call

        The key needs `read:conversations`.
        """
        operation = Operation("getCall", "GET", "/api/v1/calls/{id}", ("apiKey", "session"))
        answer: types.Call = self._core.call(operation, [id]).data()
        return answer

    def replace(
        self,
        id: str,
        /,
        *,
        if_match: Union[str, int, None] = None,
        **body: Unpack[types.CallChange]
    ) -> types.Call:
        """Change a call with PUT

        What is not mentioned stays, null resets. Emits `call.ringing` or `call.answered` or `call.completed` or
        `call.failed` or `call.recording.available`, in the same transaction.

        The key needs `write:conversations`.
        """
        operation = Operation("replaceCall", "PUT", "/api/v1/calls/{id}", ("apiKey", "session"))
        answer: types.Call = self._core.call(operation, [id], body=body, headers={"If-Match": _tag(if_match)}).data()
        return answer

    def update(
        self,
        id: str,
        /,
        *,
        if_match: Union[str, int, None] = None,
        **body: Unpack[types.CallChange]
    ) -> types.Call:
        """Change a call

        What is not mentioned stays, null resets. Emits `call.ringing` or `call.answered` or `call.completed` or
        `call.failed` or `call.recording.available`, in the same transaction.

        The key needs `write:conversations`.
        """
        operation = Operation("updateCall", "PATCH", "/api/v1/calls/{id}", ("apiKey", "session"))
        answer: types.Call = self._core.call(operation, [id], body=body, headers={"If-Match": _tag(if_match)}).data()
        return answer

    def delete(self, id: str, /, *, if_match: Union[str, int, None] = None) -> types.DeleteCallData:
        """Delete a call

        Emits no event. What names it keeps its id.

        The key needs `write:conversations`.
        """
        operation = Operation("deleteCall", "DELETE", "/api/v1/calls/{id}", ("apiKey", "session"))
        answer: types.DeleteCallData = self._core.call(operation, [id], headers={"If-Match": _tag(if_match)}).data()
        return answer

    def ring(
        self,
        id: str,
        /,
        *,
        if_match: Union[str, int, None] = None,
        idempotency_key: Optional[str] = None,
    ) -> types.Call:
        """Ring a call

        It rings at the other end. In a state that does not allow it: 409.

        The key needs `write:conversations`.
        """
        operation = Operation("ringCall", "POST", "/api/v1/calls/{id}/ring", ("apiKey", "session"))
        answer: types.Call = self._core.call(
            operation, [id], headers={"If-Match": _tag(if_match)}, idempotency_key=idempotency_key
        ).data()
        return answer

    def answer(
        self,
        id: str,
        /,
        *,
        if_match: Union[str, int, None] = None,
        idempotency_key: Optional[str] = None,
    ) -> types.Call:
        """Answer a call

        The other end picked up. In a state that does not allow it: 409.

        The key needs `write:conversations`.
        """
        operation = Operation("answerCall", "POST", "/api/v1/calls/{id}/answer", ("apiKey", "session"))
        answer: types.Call = self._core.call(
            operation, [id], headers={"If-Match": _tag(if_match)}, idempotency_key=idempotency_key
        ).data()
        return answer

    def complete(
        self,
        id: str,
        /,
        *,
        if_match: Union[str, int, None] = None,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.CompleteCall]
    ) -> types.Call:
        """Complete a call

        They have hung up. In a state that does not allow it: 409.

        The key needs `write:conversations`.
        """
        operation = Operation("completeCall", "POST", "/api/v1/calls/{id}/complete", ("apiKey", "session"))
        answer: types.Call = self._core.call(
            operation, [id], body=body, headers={"If-Match": _tag(if_match)}, idempotency_key=idempotency_key
        ).data()
        return answer

    def fail(
        self,
        id: str,
        /,
        *,
        if_match: Union[str, int, None] = None,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.FailCall]
    ) -> types.Call:
        """Fail a call

        It broke off, or did not come about. In a state that does not allow it: 409.

        The key needs `write:conversations`.
        """
        operation = Operation("failCall", "POST", "/api/v1/calls/{id}/fail", ("apiKey", "session"))
        answer: types.Call = self._core.call(
            operation, [id], body=body, headers={"If-Match": _tag(if_match)}, idempotency_key=idempotency_key
        ).data()
        return answer

    def add_recording(
        self,
        id: str,
        /,
        *,
        if_match: Union[str, int, None] = None,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.RecordingCall]
    ) -> types.Call:
        """Recording a call

        Its recording is available. In a state that does not allow it: 409.

        The key needs `write:conversations`.
        """
        operation = Operation("recordingCall", "POST", "/api/v1/calls/{id}/recording", ("apiKey", "session"))
        answer: types.Call = self._core.call(
            operation, [id], body=body, headers={"If-Match": _tag(if_match)}, idempotency_key=idempotency_key
        ).data()
        return answer


class Analytics(_Resource):
    """What was used of a plan, and how quickly requests were answered."""

    def get_usage(self, *, month: Optional[str] = None) -> types.Usage:
        """Usage of a month

        The key needs `read:analytics`.
        """
        operation = Operation("getUsage", "GET", "/api/v1/analytics/usage", ("apiKey", "session"))
        query: dict[str, Any] = {
            "month": month,
        }
        answer: types.Usage = self._core.call(operation, [], query=query).data()
        return answer

    def get_usage_history(self, *, months: Optional[int] = None) -> List[types.Usage]:
        """Usage of the last months

        Oldest first, this month last.

        The key needs `read:analytics`.
        """
        operation = Operation("getUsageHistory", "GET", "/api/v1/analytics/usage/history", ("apiKey", "session"))
        query: dict[str, Any] = {
            "months": months,
        }
        answer: List[types.Usage] = self._core.call(operation, [], query=query).data()
        return answer

    def get_performance(self, *, month: Optional[str] = None) -> types.Performance:
        """Performance of a month

        The key needs `read:analytics`.
        """
        operation = Operation("getPerformance", "GET", "/api/v1/analytics/performance", ("apiKey", "session"))
        query: dict[str, Any] = {
            "month": month,
        }
        answer: types.Performance = self._core.call(operation, [], query=query).data()
        return answer


class Health(_Resource):
    """For orchestrators and dashboards. No key is asked for."""

    def get(self) -> types.Health:
        """Say that the API answers."""
        operation = Operation("getHealth", "GET", "/api/v1/health", ())
        answer: types.Health = self._core.call(operation, []).data()
        return answer

    def get_liveness(self) -> types.Health:
        """Say that the process is alive."""
        operation = Operation("getLiveness", "GET", "/healthz", ())
        answer: types.Health = self._core.call(operation, []).data()
        return answer

    def get_readiness(self) -> types.Readiness:
        """Say whether the process takes requests

        A broker that is down is told and changes nothing: it delays deliveries, and keeps no event from being accepted.
        """
        operation = Operation("getReadiness", "GET", "/readyz", ())
        answer: types.Readiness = self._core.call(operation, []).data()
        return answer

    def get_metrics(self) -> str:
        """Read the metrics."""
        operation = Operation("getMetrics", "GET", "/metrics", ())
        return self._core.call(operation, []).body.decode()


class Resources:
    """All of them."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.events = Events(core)
        self.webhooks = Webhooks(core)
        self.deliveries = Deliveries(core)
        self.event_types = EventTypes(core)
        self.dead_letters = DeadLetters(core)
        self.replays = Replays(core)
        self.api_keys = ApiKeys(core)
        self.auth = Auth(core)
        self.teammates = Teammates(core)
        self.audit_log = AuditLog(core)
        self.customers = Customers(core)
        self.conversations = Conversations(core)
        self.messages = Messages(core)
        self.leads = Leads(core)
        self.users = Users(core)
        self.calls = Calls(core)
        self.analytics = Analytics(core)
        self.health = Health(core)
