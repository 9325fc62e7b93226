"""The operations of the API, by what they are about: a method for each operation of its OpenAPI document.

Arguments have the API's own names. Ids are positional; the fields of a request's body, the parameters of its query,
`if_match` and `idempotency_key` are keywords.
"""

# Written by generate.py from docs/openapi.json; not to be edited.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Optional, Sequence, Union

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

    def publish(self, *, idempotency_key: Optional[str] = None, **body: Unpack[types.NewEvent]) -> types.AcceptedEvent:
        """Publish an event

        It is answered when it is stored; then it is delivered to every webhook that matches, at least once.

        The key needs `write:events`.
        """
        operation = Operation("publishEvent", "POST", "/api/v1/events")
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
        operation = Operation("publishEvents", "POST", "/api/v1/events/batch")
        answer: types.PublishedEvents = self._core.call(
            operation, [], body=body, idempotency_key=idempotency_key
        ).data()
        return answer

    def get(self, id: str, /) -> types.Event:
        """Read an event

        The key needs `read:events`.
        """
        operation = Operation("getEvent", "GET", "/api/v1/events/{id}")
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
        operation = Operation("replayEvent", "POST", "/api/v1/events/{id}/replay")
        answer: types.ReplayedEvent = self._core.call(
            operation, [id], body=body, idempotency_key=idempotency_key
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
        operation = Operation("listWebhooks", "GET", "/api/v1/webhooks")
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
        operation = Operation("createWebhook", "POST", "/api/v1/webhooks")
        answer: types.Webhook = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def get(self, id: str, /) -> types.Webhook:
        """Read a webhook

        Its secret is not shown, nor are the values of headers that may hold a credential.

        The key needs `read:webhooks`.
        """
        operation = Operation("getWebhook", "GET", "/api/v1/webhooks/{id}")
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
        operation = Operation("replaceWebhook", "PUT", "/api/v1/webhooks/{id}")
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
        operation = Operation("updateWebhook", "PATCH", "/api/v1/webhooks/{id}")
        answer: types.Webhook = self._core.call(
            operation, [id], body=body, headers={"If-Match": _tag(if_match)}
        ).data()
        return answer

    def delete(self, id: str, /, *, if_match: Union[str, int, None] = None) -> types.DeletedWebhook:
        """Delete a webhook

        What waits for it is cancelled. Its log stays as long as the retention.

        The key needs `write:webhooks`.
        """
        operation = Operation("deleteWebhook", "DELETE", "/api/v1/webhooks/{id}")
        answer: types.DeletedWebhook = self._core.call(operation, [id], headers={"If-Match": _tag(if_match)}).data()
        return answer

    def test(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.TestedWebhook:
        """Send a test event to a webhook

        The key needs `write:webhooks`.
        """
        operation = Operation("testWebhook", "POST", "/api/v1/webhooks/{id}/test")
        answer: types.TestedWebhook = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer

    def pause(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.Webhook:
        """Pause a webhook

        Deliveries are kept and wait until it is resumed.

        The key needs `write:webhooks`.
        """
        operation = Operation("pauseWebhook", "POST", "/api/v1/webhooks/{id}/pause")
        answer: types.Webhook = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer

    def resume(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.Webhook:
        """Resume a webhook

        Also one that was disabled because it kept failing.

        The key needs `write:webhooks`.
        """
        operation = Operation("resumeWebhook", "POST", "/api/v1/webhooks/{id}/resume")
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
        operation = Operation("rotateWebhookSecret", "POST", "/api/v1/webhooks/{id}/rotate-secret")
        answer: types.RotatedSecret = self._core.call(
            operation, [id], body=body, idempotency_key=idempotency_key
        ).data()
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
        operation = Operation("listWebhookLogs", "GET", "/api/v1/webhooks/{id}/logs")
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "cursor": cursor,
            "status": status,
        }
        return self._page(operation, [id], query)


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
        createdAfter: Optional[str] = None,
        createdBefore: Optional[str] = None,
    ) -> Page[types.Delivery]:
        """List deliveries

        The key needs `read:deliveries`.
        """
        operation = Operation("listDeliveries", "GET", "/api/v1/deliveries")
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
            "createdAfter": createdAfter,
            "createdBefore": createdBefore,
        }
        return self._page(operation, [], query)

    def get(self, id: str, /) -> types.DeliveryDetail:
        """Read a delivery and its attempts

        The key needs `read:deliveries`.
        """
        operation = Operation("getDelivery", "GET", "/api/v1/deliveries/{id}")
        answer: types.DeliveryDetail = self._core.call(operation, [id]).data()
        return answer

    def retry(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.Delivery:
        """Try a delivery now

        One that waits for its next attempt has it at once; one that is final starts anew.

        The key needs `write:deliveries`.
        """
        operation = Operation("retryDelivery", "POST", "/api/v1/deliveries/{id}/retry")
        answer: types.Delivery = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer

    def cancel(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.Delivery:
        """Cancel a delivery

        The key needs `write:deliveries`.
        """
        operation = Operation("cancelDelivery", "POST", "/api/v1/deliveries/{id}/cancel")
        answer: types.Delivery = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
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

        The key needs `read:deliveries`.
        """
        operation = Operation("listDeadLetters", "GET", "/api/v1/dead-letters")
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

        All that the filter finds, up to `max`. The body may be left out.

        The key needs `write:deliveries`.
        """
        operation = Operation("redriveDeadLetters", "POST", "/api/v1/dead-letters/redrive")
        answer: types.Redriven = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def redrive(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.Delivery:
        """Send a dead letter again

        The key needs `write:deliveries`.
        """
        operation = Operation("redriveDeadLetter", "POST", "/api/v1/dead-letters/{id}/redrive")
        answer: types.Delivery = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer


class Customers(_Resource):
    """Customers."""

    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        search: Optional[str] = None,
        tags: Optional[Sequence[str]] = None,
        tier: Optional[Literal["bronze", "silver", "gold", "platinum"]] = None,
        status: Optional[Literal["active", "inactive", "archived"]] = None,
    ) -> Page[types.Customer]:
        """List customers

        All filters together.

        The key needs `read:customers`.
        """
        operation = Operation("listCustomers", "GET", "/api/v1/customers")
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
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
        operation = Operation("createCustomer", "POST", "/api/v1/customers")
        answer: types.Customer = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def get(self, id: str, /) -> types.Customer:
        """Get a customer

        The key needs `read:customers`.
        """
        operation = Operation("getCustomer", "GET", "/api/v1/customers/{id}")
        answer: types.Customer = self._core.call(operation, [id]).data()
        return answer

    def put(
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
        operation = Operation("putCustomer", "PUT", "/api/v1/customers/{id}")
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
        operation = Operation("updateCustomer", "PATCH", "/api/v1/customers/{id}")
        answer: types.Customer = self._core.call(
            operation, [id], body=body, headers={"If-Match": _tag(if_match)}
        ).data()
        return answer

    def delete(self, id: str, /, *, if_match: Union[str, int, None] = None) -> types.DeleteCustomerData:
        """Delete a customer

        Emits no event. What names it keeps its id.

        The key needs `write:customers`.
        """
        operation = Operation("deleteCustomer", "DELETE", "/api/v1/customers/{id}")
        answer: types.DeleteCustomerData = self._core.call(
            operation, [id], headers={"If-Match": _tag(if_match)}
        ).data()
        return answer


class Conversations(_Resource):
    """Conversations."""

    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
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
        operation = Operation("listConversations", "GET", "/api/v1/conversations")
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
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
        operation = Operation("createConversation", "POST", "/api/v1/conversations")
        answer: types.Conversation = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def get(self, id: str, /) -> types.Conversation:
        """Get a conversation

        The key needs `read:conversations`.
        """
        operation = Operation("getConversation", "GET", "/api/v1/conversations/{id}")
        answer: types.Conversation = self._core.call(operation, [id]).data()
        return answer

    def put(
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
        operation = Operation("putConversation", "PUT", "/api/v1/conversations/{id}")
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
        operation = Operation("updateConversation", "PATCH", "/api/v1/conversations/{id}")
        answer: types.Conversation = self._core.call(
            operation, [id], body=body, headers={"If-Match": _tag(if_match)}
        ).data()
        return answer

    def delete(self, id: str, /, *, if_match: Union[str, int, None] = None) -> types.DeleteConversationData:
        """Delete a conversation

        Emits no event. What names it keeps its id.

        The key needs `write:conversations`.
        """
        operation = Operation("deleteConversation", "DELETE", "/api/v1/conversations/{id}")
        answer: types.DeleteConversationData = self._core.call(
            operation, [id], headers={"If-Match": _tag(if_match)}
        ).data()
        return answer

    def assign(
        self,
        id: str,
        /,
        *,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.AssignConversation]
    ) -> types.Conversation:
        """Assign a conversation

        Gives it to a user. In a state that does not allow it: 409.

        The key needs `write:conversations`.
        """
        operation = Operation("assignConversation", "POST", "/api/v1/conversations/{id}/assign")
        answer: types.Conversation = self._core.call(
            operation, [id], body=body, idempotency_key=idempotency_key
        ).data()
        return answer

    def escalate(
        self,
        id: str,
        /,
        *,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.EscalateConversation]
    ) -> types.Conversation:
        """Escalate a conversation

        Asks for a person to take over. In a state that does not allow it: 409.

        The key needs `write:conversations`.
        """
        operation = Operation("escalateConversation", "POST", "/api/v1/conversations/{id}/escalate")
        answer: types.Conversation = self._core.call(
            operation, [id], body=body, idempotency_key=idempotency_key
        ).data()
        return answer

    def close(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.Conversation:
        """Close a conversation

        Ends it. In a state that does not allow it: 409.

        The key needs `write:conversations`.
        """
        operation = Operation("closeConversation", "POST", "/api/v1/conversations/{id}/close")
        answer: types.Conversation = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer

    def reopen(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.Conversation:
        """Reopen a conversation

        Takes it up again. It is then no longer escalated. In a state that does not allow it: 409.

        The key needs `write:conversations`.
        """
        operation = Operation("reopenConversation", "POST", "/api/v1/conversations/{id}/reopen")
        answer: types.Conversation = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer


class Messages(_Resource):
    """Messages."""

    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        conversationId: Optional[str] = None,
        role: Optional[Literal["customer", "agent", "ai"]] = None,
        direction: Optional[Literal["sent", "received"]] = None,
    ) -> Page[types.Message]:
        """List messages

        All filters together.

        The key needs `read:messages`.
        """
        operation = Operation("listMessages", "GET", "/api/v1/messages")
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
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
        operation = Operation("createMessage", "POST", "/api/v1/messages")
        answer: types.Message = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def get(self, id: str, /) -> types.Message:
        """Get a message

        The key needs `read:messages`.
        """
        operation = Operation("getMessage", "GET", "/api/v1/messages/{id}")
        answer: types.Message = self._core.call(operation, [id]).data()
        return answer

    def put(
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
        operation = Operation("putMessage", "PUT", "/api/v1/messages/{id}")
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
        operation = Operation("updateMessage", "PATCH", "/api/v1/messages/{id}")
        answer: types.Message = self._core.call(
            operation, [id], body=body, headers={"If-Match": _tag(if_match)}
        ).data()
        return answer

    def delete(self, id: str, /, *, if_match: Union[str, int, None] = None) -> types.DeleteMessageData:
        """Delete a message

        Emits no event. What names it keeps its id.

        The key needs `write:messages`.
        """
        operation = Operation("deleteMessage", "DELETE", "/api/v1/messages/{id}")
        answer: types.DeleteMessageData = self._core.call(operation, [id], headers={"If-Match": _tag(if_match)}).data()
        return answer

    def list_conversation(
        self,
        id: str,
        /,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        role: Optional[Literal["customer", "agent", "ai"]] = None,
        direction: Optional[Literal["sent", "received"]] = None,
    ) -> Page[types.Message]:
        """List the messages of a conversation

        The key needs `read:messages`.
        """
        operation = Operation("listConversationMessages", "GET", "/api/v1/conversations/{id}/messages")
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
            "role": role,
            "direction": direction,
        }
        return self._page(operation, [id], query)

    def create_conversation(
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
        operation = Operation("createConversationMessage", "POST", "/api/v1/conversations/{id}/messages")
        answer: types.Message = self._core.call(operation, [id], body=body, idempotency_key=idempotency_key).data()
        return answer


class Leads(_Resource):
    """Leads."""

    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        search: Optional[str] = None,
        conversationId: Optional[str] = None,
        source: Optional[str] = None,
    ) -> Page[types.Lead]:
        """List leads

        All filters together.

        The key needs `read:customers`.
        """
        operation = Operation("listLeads", "GET", "/api/v1/leads")
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
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
        operation = Operation("createLead", "POST", "/api/v1/leads")
        answer: types.Lead = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def get(self, id: str, /) -> types.Lead:
        """Get a lead

        The key needs `read:customers`.
        """
        operation = Operation("getLead", "GET", "/api/v1/leads/{id}")
        answer: types.Lead = self._core.call(operation, [id]).data()
        return answer

    def put(
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
        operation = Operation("putLead", "PUT", "/api/v1/leads/{id}")
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
        operation = Operation("updateLead", "PATCH", "/api/v1/leads/{id}")
        answer: types.Lead = self._core.call(operation, [id], body=body, headers={"If-Match": _tag(if_match)}).data()
        return answer

    def delete(self, id: str, /, *, if_match: Union[str, int, None] = None) -> types.DeleteLeadData:
        """Delete a lead

        Emits no event. What names it keeps its id.

        The key needs `write:customers`.
        """
        operation = Operation("deleteLead", "DELETE", "/api/v1/leads/{id}")
        answer: types.DeleteLeadData = self._core.call(operation, [id], headers={"If-Match": _tag(if_match)}).data()
        return answer


class Users(_Resource):
    """Users."""

    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
        search: Optional[str] = None,
        role: Optional[str] = None,
        isActive: Optional[bool] = None,
    ) -> Page[types.User]:
        """List users

        All filters together.

        The key needs `read:conversations`.
        """
        operation = Operation("listUsers", "GET", "/api/v1/users")
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
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
        operation = Operation("createUser", "POST", "/api/v1/users")
        answer: types.User = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def get(self, id: str, /) -> types.User:
        """Get a user

        The key needs `read:conversations`.
        """
        operation = Operation("getUser", "GET", "/api/v1/users/{id}")
        answer: types.User = self._core.call(operation, [id]).data()
        return answer

    def put(
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
        operation = Operation("putUser", "PUT", "/api/v1/users/{id}")
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
        operation = Operation("updateUser", "PATCH", "/api/v1/users/{id}")
        answer: types.User = self._core.call(operation, [id], body=body, headers={"If-Match": _tag(if_match)}).data()
        return answer

    def delete(self, id: str, /, *, if_match: Union[str, int, None] = None) -> types.DeleteUserData:
        """Delete a user

        Emits no event. What names it keeps its id.

        The key needs `write:conversations`.
        """
        operation = Operation("deleteUser", "DELETE", "/api/v1/users/{id}")
        answer: types.DeleteUserData = self._core.call(operation, [id], headers={"If-Match": _tag(if_match)}).data()
        return answer


class Calls(_Resource):
    """Calls."""

    def list(
        self,
        *,
        page: Optional[int] = None,
        limit: Optional[int] = None,
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
        operation = Operation("listCalls", "GET", "/api/v1/calls")
        query: dict[str, Any] = {
            "page": page,
            "limit": limit,
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
        operation = Operation("createCall", "POST", "/api/v1/calls")
        answer: types.Call = self._core.call(operation, [], body=body, idempotency_key=idempotency_key).data()
        return answer

    def get(self, id: str, /) -> types.Call:
        """Get a call

        The key needs `read:conversations`.
        """
        operation = Operation("getCall", "GET", "/api/v1/calls/{id}")
        answer: types.Call = self._core.call(operation, [id]).data()
        return answer

    def put(
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
        operation = Operation("putCall", "PUT", "/api/v1/calls/{id}")
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
        operation = Operation("updateCall", "PATCH", "/api/v1/calls/{id}")
        answer: types.Call = self._core.call(operation, [id], body=body, headers={"If-Match": _tag(if_match)}).data()
        return answer

    def delete(self, id: str, /, *, if_match: Union[str, int, None] = None) -> types.DeleteCallData:
        """Delete a call

        Emits no event. What names it keeps its id.

        The key needs `write:conversations`.
        """
        operation = Operation("deleteCall", "DELETE", "/api/v1/calls/{id}")
        answer: types.DeleteCallData = self._core.call(operation, [id], headers={"If-Match": _tag(if_match)}).data()
        return answer

    def ring(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.Call:
        """Ring a call

        It rings at the other end. In a state that does not allow it: 409.

        The key needs `write:conversations`.
        """
        operation = Operation("ringCall", "POST", "/api/v1/calls/{id}/ring")
        answer: types.Call = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer

    def answer(self, id: str, /, *, idempotency_key: Optional[str] = None) -> types.Call:
        """Answer a call

        The other end picked up. In a state that does not allow it: 409.

        The key needs `write:conversations`.
        """
        operation = Operation("answerCall", "POST", "/api/v1/calls/{id}/answer")
        answer: types.Call = self._core.call(operation, [id], idempotency_key=idempotency_key).data()
        return answer

    def complete(
        self,
        id: str,
        /,
        *,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.CompleteCall]
    ) -> types.Call:
        """Complete a call

        They have hung up. In a state that does not allow it: 409.

        The key needs `write:conversations`.
        """
        operation = Operation("completeCall", "POST", "/api/v1/calls/{id}/complete")
        answer: types.Call = self._core.call(operation, [id], body=body, idempotency_key=idempotency_key).data()
        return answer

    def fail(self, id: str, /, *, idempotency_key: Optional[str] = None, **body: Unpack[types.FailCall]) -> types.Call:
        """Fail a call

        It broke off, or did not come about. In a state that does not allow it: 409.

        The key needs `write:conversations`.
        """
        operation = Operation("failCall", "POST", "/api/v1/calls/{id}/fail")
        answer: types.Call = self._core.call(operation, [id], body=body, idempotency_key=idempotency_key).data()
        return answer

    def recording(
        self,
        id: str,
        /,
        *,
        idempotency_key: Optional[str] = None,
        **body: Unpack[types.RecordingCall]
    ) -> types.Call:
        """Recording a call

        Its recording is available. In a state that does not allow it: 409.

        The key needs `write:conversations`.
        """
        operation = Operation("recordingCall", "POST", "/api/v1/calls/{id}/recording")
        answer: types.Call = self._core.call(operation, [id], body=body, idempotency_key=idempotency_key).data()
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
        self.dead_letters = DeadLetters(core)
        self.customers = Customers(core)
        self.conversations = Conversations(core)
        self.messages = Messages(core)
        self.leads = Leads(core)
        self.users = Users(core)
        self.calls = Calls(core)
        self.health = Health(core)
