"""What the API takes and gives: a TypedDict for each schema of its OpenAPI document."""

# Written by generate.py from docs/openapi.json; not to be edited.

from __future__ import annotations

from typing import Any, Literal, Optional, TypedDict, Union


class PublishEventBody(TypedDict):
    type: str
    data: dict[str, Any]


class _Ok(TypedDict):
    id: str


class Ok(_Ok, total=False):
    deliveries: int


class PublishEventsBodyEvent(TypedDict):
    type: str
    data: dict[str, Any]


class PublishEventsBody(TypedDict):
    events: list[PublishEventsBodyEvent]


class ReplayEventBody(TypedDict, total=False):
    webhookId: str


class _Webhook(TypedDict):
    id: str
    name: str
    url: str


class Webhook(_Webhook, total=False):
    isActive: bool
    secret: str


class CreateWebhookBody(TypedDict):
    name: str
    url: str
    events: list[str]


class UpdateWebhookBody(TypedDict, total=False):
    name: str


class RotateWebhookSecretBody(TypedDict, total=False):
    overlapSeconds: int


class Delivery(TypedDict):
    id: str
    status: Literal["pending", "delivered", "dead", "cancelled"]


class RedriveDeadLettersBody(TypedDict, total=False):
    webhookId: str


class GetHealthData(TypedDict):
    status: str


class GetLivenessData(TypedDict):
    status: str


class GetReadinessData(TypedDict):
    status: str
