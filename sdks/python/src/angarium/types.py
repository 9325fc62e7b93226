"""What the API takes and gives: a TypedDict for each schema of its OpenAPI document."""

# Written by generate.py from docs/openapi.json; not to be edited.

from __future__ import annotations

from typing import Any, Literal, Optional, TypedDict, Union


Channels = list[str]
"""Names that split events further than their types do, such as a customer's project"""


class _EventSummary(TypedDict):
    id: str
    type: str
    occurredAt: str
    createdAt: str
    channels: Channels


class EventSummary(_EventSummary, total=False):
    """An event as listed: without its data."""
    deliverAt: Optional[str]
    expungedAt: Optional[str]


class _NewEvent(TypedDict):
    type: str
    """Dotted lower-case words."""
    data: dict[str, Any]
    """What webhooks are sent, byte for byte."""


class NewEvent(_NewEvent, total=False):
    """An event to publish."""
    id: Optional[str]
    occurredAt: Optional[str]
    idempotencyKey: Optional[str]
    """A second event with the same key and the same content within 24 hours is not made."""
    deliverAt: Optional[str]
    channels: Optional[Channels]


class FieldProblem(TypedDict):
    """What is wrong with a field"""
    path: list[Union[str, int]]
    """Names of fields, and places in lists from 0"""
    code: Literal[
        "REQUIRED", "UNKNOWN", "WRONG_TYPE", "INVALID", "LENGTH", "OUT_OF_RANGE", "NOT_ALLOWED", "MISMATCH",
        "NOT_FOUND",
    ]
    message: str
    """What would be right; reads on from the field's name"""


class _AcceptedEvent(TypedDict):
    id: str
    type: str
    deliveries: int
    """How many webhooks it is sent to."""
    createdAt: str
    replayed: bool
    """Whether an earlier request with the same key made it."""


class AcceptedEvent(_AcceptedEvent, total=False):
    """An event that was accepted."""
    warnings: list[FieldProblem]
    """Where the data does not fit the schema of its type, which only warns."""


class NewEvents(TypedDict):
    """Events to publish, each judged and accepted alone."""
    events: list[NewEvent]


class ItemErrorDetails(TypedDict, total=False):
    hint: str
    """What would help"""
    errors: list[FieldProblem]
    """Everything that is wrong with the fields of the request"""


class _ItemError(TypedDict):
    code: Literal[
        "REQUEST_MALFORMED", "AUTH_REQUIRED", "API_KEY_INVALID", "API_KEY_EXPIRED", "SESSION_INVALID",
        "PERMISSION_DENIED", "PLAN_LIMIT_EXCEEDED", "RESOURCE_NOT_FOUND", "METHOD_NOT_ALLOWED", "REQUEST_TIMEOUT",
        "CONFLICT", "IDEMPOTENCY_IN_PROGRESS", "PRECONDITION_FAILED", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE",
        "VALIDATION_ERROR", "IDEMPOTENCY_KEY_REUSED", "RATE_LIMIT_EXCEEDED", "MESSAGES_LIMIT_REACHED", "INTERNAL_ERROR",
        "UNAVAILABLE",
    ]
    message: str
    """For people."""


class ItemError(_ItemError, total=False):
    details: ItemErrorDetails


class _PublishedEvent(TypedDict):
    index: int
    success: bool


class PublishedEvent(_PublishedEvent, total=False):
    data: Optional[AcceptedEvent]
    error: Optional[ItemError]


class PublishedEvents(TypedDict):
    accepted: int
    failed: int
    results: list[PublishedEvent]
    """In the order of the request."""


class _Event(TypedDict):
    data: dict[str, Any]
    id: str
    type: str
    occurredAt: str
    createdAt: str
    channels: Channels


class Event(_Event, total=False):
    """An event as it was accepted."""
    deliverAt: Optional[str]
    expungedAt: Optional[str]


class EventReplay(TypedDict, total=False):
    """Where to send an event again."""
    webhookId: Optional[str]


class ReplayedEvent(TypedDict):
    id: str
    deliveries: int


class ExpungedEvent(TypedDict):
    id: str
    expungedAt: str


Subscription = list[str]
"""Event types: exact, every type that starts so (`order.*`), or every one (`*`)"""


Filter = dict[str, Any]
"""A condition on the event: `field`, `op` and `value`, or `all` or `any` of several, or `not` one"""


class RetryPolicy1(TypedDict):
    schedule: list[int]
    """Seconds before each retry"""


class RetryPolicy2(TypedDict, total=False):
    maxRetries: int
    backoffStrategy: Literal["exponential", "linear"]


RetryPolicy = Union[RetryPolicy1, RetryPolicy2]
"""When the attempts after the first one come"""


class _WebhookRateLimit(TypedDict):
    requests: int


class WebhookRateLimit(_WebhookRateLimit, total=False):
    """How many requests a webhook is sent at most."""
    window: str
    """`1s`, `1m` or `1h`; a second, where it is not said."""


Ordering = Literal["none", "strict"]
"""In what order deliveries go out: each as soon as it may, or one at a time as they were accepted."""


Profile = Literal["default", "g-tateth", "contextgpt", "github", "stripe", "slack", "shopify", "cloudevents"]
"""How requests look: body, headers and signatures."""


class Signature(TypedDict, total=False):
    """What is set about signatures: `schemes` with the profiles `default` and `cloudevents`, the rest with `g-tateth`.
    """
    schemes: Optional[list[str]]
    """`v1` is HMAC-SHA256 by the secret, `v1a` Ed25519 by a key pair."""
    header: Optional[str]
    """The header of the signature."""
    prefix: Optional[str]
    """What stands before it."""
    encoding: Optional[str]
    """`hex` or `base64`."""


Environment = Literal["staging", "production"]


class _Webhook(TypedDict):
    id: str
    name: str
    url: str
    events: Subscription
    channels: Channels
    headers: dict[str, str]
    """Values that may be credentials are shown as `***`."""
    retryPolicy: RetryPolicy
    timeoutMs: int
    ordering: Ordering
    profile: Profile
    handshake: bool
    handshakeAgreed: bool
    """Whether the receiver has agreed, where it has to."""
    isActive: bool
    status: str
    """`active`, `paused` by a person, or `disabled` by Angarium."""
    environment: Environment
    createdAt: str
    updatedAt: str
    version: int
    """The number in its `ETag`."""


class Webhook(_Webhook, total=False):
    """A webhook as it is shown."""
    filter: Optional[Filter]
    rateLimit: Optional[WebhookRateLimit]
    signature: Optional[Signature]
    description: Optional[str]
    metadata: Optional[dict[str, Any]]
    statusReason: Optional[str]
    secret: Optional[str]
    """Only when it was just made."""
    publicKey: Optional[str]
    """Only when it was just made; it can be asked for at any time."""


class _NewWebhook(TypedDict):
    name: str
    """For people."""
    url: str
    """Where to. HTTPS, where the deployment does not allow more."""
    events: Subscription


class NewWebhook(_NewWebhook, total=False):
    """A webhook to create."""
    channels: Optional[Channels]
    filter: Optional[Filter]
    headers: Optional[dict[str, str]]
    """Sent with each request, besides ours."""
    retryPolicy: Optional[RetryPolicy]
    timeoutMs: Optional[int]
    """Over connect, TLS, headers and body together."""
    rateLimit: Optional[WebhookRateLimit]
    ordering: Optional[Ordering]
    profile: Optional[Profile]
    signature: Optional[Signature]
    handshake: Optional[bool]
    """Sends nothing until the receiver has agreed; with the profile `cloudevents`."""
    description: Optional[str]
    metadata: Optional[dict[str, Any]]
    """For your programs; up to 8 KiB."""
    secret: Optional[str]
    """A secret of your own: `whsec_` and base64, or a text, as the profile has it. One is made where none is given."""


class WebhookChange(TypedDict, total=False):
    """What to change of a webhook; what is not mentioned stays."""
    name: str
    """For people."""
    url: str
    """Where to. HTTPS, where the deployment does not allow more."""
    events: Subscription
    channels: Optional[Channels]
    filter: Optional[Filter]
    headers: Optional[dict[str, str]]
    """Sent with each request, besides ours."""
    retryPolicy: Optional[RetryPolicy]
    timeoutMs: Optional[int]
    """Over connect, TLS, headers and body together."""
    rateLimit: Optional[WebhookRateLimit]
    ordering: Optional[Ordering]
    profile: Optional[Profile]
    signature: Optional[Signature]
    handshake: Optional[bool]
    """Sends nothing until the receiver has agreed; with the profile `cloudevents`."""
    description: Optional[str]
    metadata: Optional[dict[str, Any]]
    """For your programs; up to 8 KiB."""
    isActive: Optional[bool]
    """False pauses it, true resumes it."""


class DeletedWebhook(TypedDict):
    id: str


class TestedWebhook(TypedDict):
    eventId: str
    deliveries: int


class SecretRotation(TypedDict, total=False):
    """How to replace the secret of a webhook."""
    overlapSeconds: Optional[int]
    """How long older secrets go on signing beside the new one; where it is not said, a day, or not at all where a request
    of the profile has room for one signature.
    """
    secret: Optional[str]
    """A secret of your own; one is made where none is given."""
    scheme: Optional[str]
    """`v1` or `v1a`, where the webhook signs by both."""


class _RotatedSecret(TypedDict):
    id: str
    olderSecretsUntil: str
    """Until when the older secrets sign too."""


class RotatedSecret(_RotatedSecret, total=False):
    secret: Optional[str]
    """Shown this once."""
    publicKey: Optional[str]
    """Of a new key pair."""


class _PublicKey(TypedDict):
    publicKey: str
    createdAt: str


class PublicKey(_PublicKey, total=False):
    expiresAt: Optional[str]


class PublicKeys(TypedDict):
    publicKey: str
    """The newest."""
    keys: list[PublicKey]
    """All that sign now."""


class _WebhookLogEntry(TypedDict):
    id: str
    webhookId: str
    eventId: str
    event: str
    status: str
    attempts: int
    createdAt: str


class WebhookLogEntry(_WebhookLogEntry, total=False):
    """A delivery, in the words of a webhook's log."""
    responseStatus: Optional[int]
    error: Optional[str]
    nextRetryAt: Optional[str]
    deliveredAt: Optional[str]


class WebhookStatsPoint(TypedDict):
    """A step of the range."""
    startsAt: str
    """When it begins."""
    delivered: int
    """Deliveries that were delivered in it."""
    failed: int
    """Attempts that failed in it."""


class _WebhookStats(TypedDict):
    webhookId: str
    range: str
    startsAt: str
    """When the range begins; it ends now."""
    attempts: int
    """HTTP exchanges, retries included."""
    delivered: int
    """Deliveries that the receiver took."""
    failed: int
    """Attempts that were not answered 2xx."""
    dead: int
    """Deliveries that became dead letters."""
    byOutcome: dict[str, int]
    """Attempts by what they came to: `2xx`, `3xx`, `4xx` without 429, `429`, `5xx`, `timeout`, `dns`, `connect`, `tls`,
    `blocked`, `other`. Every class is there.
    """
    points: list[WebhookStatsPoint]
    """Every step of the range, oldest first: minutes of `1h`, hours of `24h` and `7d`, days (UTC) of `30d`. The last one
    is not over.
    """
    consecutiveFailures: int
    """Failed attempts since the last success; beyond two hours, counted from the beginning of an hour."""
    circuit: str
    """`closed`: it is sent to. `open`: it does not answer and is left alone. `half_open`: a few requests look whether it
    is back.
    """
    pending: int
    """Deliveries that wait or are under way; 10,000 stands for as many or more."""


class WebhookStats(_WebhookStats, total=False):
    """How a webhook is doing. Attempts of the last second may not be counted yet."""
    successRate: Optional[float]
    """Attempts that were answered 2xx, in percent of all attempts; null where there was none."""
    averageMs: Optional[float]
    """How long attempts took, whatever they came to; null where there was none."""
    p50Ms: Optional[float]
    """Percentiles are upper bounds, at most a tenth above the true value."""
    p95Ms: Optional[float]
    p99Ms: Optional[float]
    failingSince: Optional[str]
    waitsUntil: Optional[str]


class _ReceivedRequest(TypedDict):
    headers: dict[str, str]
    """Its headers, as they came."""


class ReceivedRequest(_ReceivedRequest, total=False):
    """A request as its receiver got it."""
    body: Optional[str]
    """Its body as text, before anything has parsed it."""
    bodyBase64: Optional[str]
    """Its body in base64, instead of `body`: the surest way to the very bytes."""
    toleranceSeconds: Optional[int]
    """How far the time of signing may be from now."""


class SignatureReason(TypedDict):
    """One thing that is wrong with a request."""
    code: str
    """For programs."""
    message: str
    """What it is, and what to do about it."""


class _ExaminedRequest(TypedDict):
    verified: bool
    header: str
    """The header whose signatures were looked at."""
    reasons: list[SignatureReason]
    """What is wrong with it; empty where it verifies."""


class ExaminedRequest(_ExaminedRequest, total=False):
    """What is to be said of a request."""
    olderSecretUntil: Optional[str]


class _Delivery(TypedDict):
    id: str
    eventId: str
    eventType: str
    webhookId: str
    reason: str
    """Why it was made."""
    status: str
    """`pending`, `delivered`, `dead` or `cancelled`."""
    attempts: int
    createdAt: str


class Delivery(_Delivery, total=False):
    """A delivery as listed."""
    lastStatus: Optional[int]
    """The HTTP status of the last attempt that got one."""
    lastError: Optional[str]
    """Why the last attempt got no answer."""
    nextAttemptAt: Optional[str]
    settledAt: Optional[str]
    note: Optional[str]
    """Why it was ended without being delivered, if somebody did that."""


class _Attempt(TypedDict):
    number: int
    startedAt: str
    durationMs: int
    url: str
    outcome: str
    """What it came to and what comes next, in one sentence."""
    requestHeaders: dict[str, Any]
    """Less what could be a credential."""
    responseHeaders: dict[str, Any]
    responseExcerpt: str
    """As text; what is not UTF-8 is replaced."""
    responseExcerptBytes: int


class Attempt(_Attempt, total=False):
    """One HTTP exchange."""
    status: Optional[int]
    errorKind: Optional[str]
    """Why it got no answer."""
    nextAttemptAt: Optional[str]


class _DeliveryDetail(TypedDict):
    eventUrl: str
    """Where the event and its data are."""
    attemptLog: list[Attempt]
    id: str
    eventId: str
    eventType: str
    webhookId: str
    reason: str
    """Why it was made."""
    status: str
    """`pending`, `delivered`, `dead` or `cancelled`."""
    attempts: int
    createdAt: str


class DeliveryDetail(_DeliveryDetail, total=False):
    """A delivery with all its attempts."""
    lastStatus: Optional[int]
    """The HTTP status of the last attempt that got one."""
    lastError: Optional[str]
    """Why the last attempt got no answer."""
    nextAttemptAt: Optional[str]
    settledAt: Optional[str]
    note: Optional[str]
    """Why it was ended without being delivered, if somebody did that."""


class _AttemptEnd(TypedDict):
    number: int
    startedAt: str
    durationMs: int
    outcome: str
    """What it came to and what comes next, in one sentence."""


class AttemptEnd(_AttemptEnd, total=False):
    """How an attempt went."""
    status: Optional[int]
    errorKind: Optional[str]
    """Why it got no answer."""
    nextAttemptAt: Optional[str]


class _StreamedAttempt(TypedDict):
    attempt: AttemptEnd
    id: str
    eventId: str
    eventType: str
    webhookId: str
    reason: str
    """Why it was made."""
    status: str
    """`pending`, `delivered`, `dead` or `cancelled`."""
    attempts: int
    createdAt: str


class StreamedAttempt(_StreamedAttempt, total=False):
    """An attempt, and the delivery that it is of. The delivery stands as it does now; its `lastStatus` and `lastError` are
    this attempt's.
    """
    lastStatus: Optional[int]
    """The HTTP status of the last attempt that got one."""
    lastError: Optional[str]
    """Why the last attempt got no answer."""
    nextAttemptAt: Optional[str]
    settledAt: Optional[str]
    note: Optional[str]
    """Why it was ended without being delivered, if somebody did that."""


class _EventType(TypedDict):
    name: str
    schemaMode: str
    """What becomes of an event whose data does not fit: nothing (`off`), a warning to its publisher (`warn`), or it is
    refused (`reject`).
    """
    builtIn: bool
    """Whether it is there for everybody and cannot be changed."""


class EventType(_EventType, total=False):
    """An event type."""
    description: Optional[str]
    example: Optional[dict[str, Any]]
    """The `data` of one."""
    schema: Optional[dict[str, Any]]
    """What the `data` looks like, as a JSON Schema."""
    createdAt: Optional[str]
    updatedAt: Optional[str]
    version: Optional[int]


class _NewEventType(TypedDict):
    name: str
    """Dotted lower-case words. It cannot be changed."""


class NewEventType(_NewEventType, total=False):
    """An event type to create."""
    description: Optional[str]
    """For people."""
    example: Optional[dict[str, Any]]
    """The `data` of one. It must fit the schema."""
    schema: Optional[dict[str, Any]]
    """A JSON Schema that stands alone: `$ref` leads to `#/…` inside it, and not back to itself."""
    schemaMode: Optional[str]
    """`off`, `warn` or `reject`."""


class EventTypeChange(TypedDict, total=False):
    """What to change of an event type; what is not mentioned stays."""
    name: str
    """Dotted lower-case words. It cannot be changed."""
    description: Optional[str]
    """For people."""
    example: Optional[dict[str, Any]]
    """The `data` of one. It must fit the schema."""
    schema: Optional[dict[str, Any]]
    """A JSON Schema that stands alone: `$ref` leads to `#/…` inside it, and not back to itself."""
    schemaMode: Optional[str]
    """`off`, `warn` or `reject`."""


class DeletedEventType(TypedDict):
    name: str


class _EventToExplain(TypedDict):
    type: str
    """Dotted lower-case words."""
    data: dict[str, Any]


class EventToExplain(_EventToExplain, total=False):
    """An event that is not published."""
    channels: Optional[list[str]]
    webhookId: Optional[str]


class _UnmetCondition(TypedDict):
    path: list[Any]
    """Where it stands in the filter."""
    op: str


class UnmetCondition(_UnmetCondition, total=False):
    """A condition that is not met."""
    field: Optional[str]
    found: Optional[str]
    """The type of what is there."""


class ExplainedRequest(TypedDict):
    """A request that would go out, as it is but for what proves who sends it."""
    method: str
    url: str
    headers: dict[str, str]
    """Signatures and your own headers are `(hidden)`."""
    body: str
    """The bytes of the body, which are UTF-8. The event's id is that of no event."""


class _ExplainedWebhook(TypedDict):
    webhookId: str
    name: str
    matched: bool
    """Whether it would get a delivery."""
    explanation: str
    """The same as a sentence."""


class ExplainedWebhook(_ExplainedWebhook, total=False):
    """What would become of an event at one webhook."""
    reason: Optional[str]
    """`type`, `profile`, `channels` or `filter` where it would not; `paused` or `disabled` where the delivery would wait.
    """
    conditions: list[UnmetCondition]
    """The conditions of its filter that are not met."""
    request: Optional[ExplainedRequest]


class _ExplainedEvent(TypedDict):
    type: str
    matched: int
    """How many webhooks would get it."""
    accepted: bool
    """Whether it would be accepted."""
    webhooks: list[ExplainedWebhook]


class ExplainedEvent(_ExplainedEvent, total=False):
    """What would become of an event."""
    misfits: list[FieldProblem]
    """Where the data does not fit the schema of its type."""


class _DeadLetter(TypedDict):
    id: str
    eventId: str
    eventType: str
    webhookId: str
    attempts: int
    createdAt: str
    diedAt: str


class DeadLetter(_DeadLetter, total=False):
    """A dead letter as listed. Its id is its delivery's."""
    lastStatus: Optional[int]
    lastError: Optional[str]


class Redrive(TypedDict, total=False):
    """Which dead letters: those that are named, or all that the rest finds, up to `max`."""
    ids: list[str]
    """Only these; then nothing else may be given."""
    webhookId: Optional[str]
    eventType: Optional[str]
    diedAfter: Optional[str]
    diedBefore: Optional[str]
    max: Optional[int]
    """The most of them."""


class Redriven(TypedDict):
    redriven: int
    hasMore: bool
    """Whether there are more than `max`."""


class _DiscardMany(TypedDict):
    reason: str
    """Stays with the deliveries."""


class DiscardMany(_DiscardMany, total=False):
    """Which dead letters to give up, and why."""
    letters: Redrive
    """Which. Left out: all, up to the default `max`."""


class Discarded(TypedDict):
    discarded: int
    hasMore: bool
    """Whether there are more than `max`."""


class Discard(TypedDict, total=False):
    """Why a dead letter is given up."""
    reason: str
    """Stays with the delivery."""


class ReplayFilter(TypedDict, total=False):
    """Which deliveries. What is left out does not matter."""
    webhookId: Optional[str]
    eventTypes: list[str]
    """Only of these types, or patterns of types."""
    statuses: list[str]
    """Only in these states: `delivered`, `dead`, `cancelled`."""
    httpStatus: Optional[int]
    """Only where the last answer was this."""
    statusClass: Optional[str]
    """Only where the last answer was `2xx`, `3xx`, `4xx` or `5xx`."""
    errorKind: Optional[str]
    """Only where the last attempt got no answer, for this reason."""
    createdAfter: Optional[str]
    createdBefore: Optional[str]
    eventIds: list[str]
    """Only of these events."""
    deliveryIds: list[str]
    """Only these deliveries."""


class _Actor(TypedDict):
    kind: str
    """`key`, `user` or `operator`."""
    name: str
    """The key's name, or the user's address, as it was then."""


class Actor(_Actor, total=False):
    """Who did something."""
    id: Optional[str]
    """Of the key or the user."""


class _Replay(TypedDict):
    id: str
    state: str
    """`running`, `paused`, `cancelled`, `done` or `failed`."""
    filter: ReplayFilter
    onlyFailed: bool
    order: str
    rate: int
    """Deliveries in a second."""
    total: int
    """Deliveries that are meant."""
    totalIsExact: bool
    """False when there are more than `total`: counting ahead has a bound."""
    done: int
    """Those that are dealt with: delivered, failed and skipped."""
    delivered: int
    failed: int
    """Dead again, cancelled, or dropped by the retention."""
    skipped: int
    """Passed over: under way already, or the webhook does not send."""
    pending: int
    """Under way, retries included."""
    askedBy: Actor
    createdAt: str
    updatedAt: str


class Replay(_Replay, total=False):
    """A job that has many deliveries attempted again."""
    etaSeconds: Optional[int]
    """How long until all were attempted, at this rate. None unless it is running."""
    note: Optional[str]
    """Why it failed."""
    endedAt: Optional[str]


class NewReplay(TypedDict, total=False):
    """A replay to start."""
    filter: ReplayFilter
    onlyFailed: bool
    """Only dead letters, judged when each one's turn comes. Without it, also what was delivered or cancelled."""
    rate: Optional[int]
    """Deliveries in a second; as many as the webhooks' own rates allow, up to 50, where it is left out. Those rates hold
    besides.
    """
    order: str
    """`oldest` or `newest` first."""
    dryRun: bool
    """Count what would be done, and do nothing."""


class _ReplayWebhookCount(TypedDict):
    webhookId: str
    count: int


class ReplayWebhookCount(_ReplayWebhookCount, total=False):
    name: Optional[str]


class ReplayTypeCount(TypedDict):
    eventType: str
    count: int


class _ReplaySkip(TypedDict):
    reason: str
    webhookId: str
    count: int


class ReplaySkip(_ReplaySkip, total=False):
    name: Optional[str]


class _ReplayPreview(TypedDict):
    count: int
    """Deliveries that it would attempt again."""
    isExact: bool
    """False when there are more: counting has a bound."""
    rate: int
    """Deliveries in a second where nobody says: what the webhooks' own rates allow, up to the default."""
    topWebhooks: list[ReplayWebhookCount]
    """The webhooks with the most of them."""
    topEventTypes: list[ReplayTypeCount]
    """The event types with the most of them."""
    skipped: list[ReplaySkip]
    """What would be passed over, and why."""


class ReplayPreview(_ReplayPreview, total=False):
    """What a replay would do."""
    oldest: Optional[str]
    newest: Optional[str]


class _ReplayFailure(TypedDict):
    deliveryId: str


class ReplayFailure(_ReplayFailure, total=False):
    """A delivery that a replay could not bring to its receiver."""
    eventId: Optional[str]
    eventType: Optional[str]
    webhookId: Optional[str]
    status: Optional[str]
    """What it is now."""
    lastStatus: Optional[int]
    lastError: Optional[str]


class _PortalLink(TypedDict):
    id: str
    name: str
    webhookIds: list[str]
    readOnly: bool
    status: str
    """`waiting` to be opened, `open` while the visit lasts, `ended`."""
    madeBy: Actor
    linkEndsAt: str
    """Until when it can be opened."""
    visitSeconds: int
    createdAt: str


class PortalLink(_PortalLink, total=False):
    """A link as listed: by what is shown here nobody can open it."""
    openedAt: Optional[str]
    visitEndsAt: Optional[str]
    revokedAt: Optional[str]


class _NewPortalLink(TypedDict):
    name: str
    """Whom it is for: they read it at the top of their pages."""
    webhookIds: list[str]
    """The webhooks that it shows, and no others, whatever is registered later."""


class NewPortalLink(_NewPortalLink, total=False):
    """A link to make."""
    readOnly: Optional[bool]
    """False lets its visitor send tests, retry deliveries, pause and resume."""
    visitSeconds: Optional[int]
    """How long the visit lasts once the link was opened; 8 hours where it is not said, and at most."""


class _CreatedPortalLink(TypedDict):
    url: str
    """Give it to the customer: it can be opened once, and is not shown again."""
    id: str
    name: str
    webhookIds: list[str]
    readOnly: bool
    status: str
    """`waiting` to be opened, `open` while the visit lasts, `ended`."""
    madeBy: Actor
    linkEndsAt: str
    """Until when it can be opened."""
    visitSeconds: int
    createdAt: str


class CreatedPortalLink(_CreatedPortalLink, total=False):
    """A link that was just made."""
    openedAt: Optional[str]
    visitEndsAt: Optional[str]
    revokedAt: Optional[str]


class RevokedPortalLink(TypedDict):
    id: str


Permission = Literal["read:conversations", "write:conversations", "read:customers", "write:customers", "read:messages", "write:messages", "read:events", "write:events", "read:webhooks", "write:webhooks", "read:deliveries", "write:deliveries", "read:analytics", "webhook:manage"]


IpList = list[str]
"""Addresses and networks"""


class RateLimit(TypedDict):
    """A limit of its own."""
    requests: int
    window: str


class RotationPolicy(TypedDict):
    """How often a key should be rotated, and how many days before to tell"""
    enabled: bool
    intervalDays: int
    notifyDaysBefore: int


class _ApiKey(TypedDict):
    id: str
    name: str
    keyPrefix: str
    """What people tell keys apart by."""
    environment: Environment
    permissions: list[Permission]
    ipWhitelist: IpList
    isActive: bool
    usageCount: int
    """Requests that it has made, ever."""
    currentMonthRequests: int
    createdAt: str
    updatedAt: str


class ApiKey(_ApiKey, total=False):
    """An API key as it is shown."""
    rateLimit: Optional[RateLimit]
    rotationPolicy: Optional[RotationPolicy]
    expiresAt: Optional[str]
    revokedAt: Optional[str]
    replacedBy: Optional[str]
    lastUsedAt: Optional[str]
    key: Optional[str]
    """Only when it was just made."""


class _NewRateLimit(TypedDict):
    requests: int


class NewRateLimit(_NewRateLimit, total=False):
    window: Literal["1h"]


class _NewRotationPolicy(TypedDict):
    intervalDays: int


class NewRotationPolicy(_NewRotationPolicy, total=False):
    """How often a key should be rotated, and how many days before to tell"""
    enabled: bool
    notifyDaysBefore: int


class _NewApiKey(TypedDict):
    name: str
    """For people; no other key of the environment has it."""
    permissions: list[Permission]
    """What it may do."""


class NewApiKey(_NewApiKey, total=False):
    """A key to make."""
    expiresAt: Optional[str]
    ipWhitelist: Optional[IpList]
    rateLimit: Optional[NewRateLimit]
    rotationPolicy: Optional[NewRotationPolicy]
    isActive: Optional[bool]
    """False stops it until it is set to true again."""
    environment: Optional[Environment]


class ApiKeyChange(TypedDict, total=False):
    """What to change of a key; what is not mentioned stays."""
    name: str
    """For people; no other key of the environment has it."""
    permissions: list[Permission]
    """What it may do."""
    expiresAt: Optional[str]
    ipWhitelist: Optional[IpList]
    rateLimit: Optional[NewRateLimit]
    rotationPolicy: Optional[NewRotationPolicy]
    isActive: Optional[bool]
    """False stops it until it is set to true again."""


class DeletedApiKey(TypedDict):
    id: str


class ApiKeyRotation(TypedDict, total=False):
    """How to replace a key."""
    overlapSeconds: Optional[int]
    """How long the old key goes on working; a day where it is not said."""


class _RotatedApiKey(TypedDict):
    replaces: str
    oldKeyUntil: str
    """Until when the old key works too."""
    id: str
    name: str
    keyPrefix: str
    """What people tell keys apart by."""
    environment: Environment
    permissions: list[Permission]
    ipWhitelist: IpList
    isActive: bool
    usageCount: int
    """Requests that it has made, ever."""
    currentMonthRequests: int
    createdAt: str
    updatedAt: str


class RotatedApiKey(_RotatedApiKey, total=False):
    rateLimit: Optional[RateLimit]
    rotationPolicy: Optional[RotationPolicy]
    expiresAt: Optional[str]
    revokedAt: Optional[str]
    replacedBy: Optional[str]
    lastUsedAt: Optional[str]
    key: Optional[str]
    """Only when it was just made."""


class ApiKeyUsage(TypedDict):
    """What a key was used for in a month."""
    month: str
    totalRequests: int
    successfulRequests: int
    """Answered with neither 4xx nor 5xx."""
    failedRequests: int
    requestsByEndpoint: dict[str, int]
    """By method and route, such as `GET /api/v1/webhooks/{id}`."""


class Credentials(TypedDict):
    """Who one says to be."""
    email: str
    password: str


Role = Literal["owner", "admin", "member", "operator"]


class Tenant(TypedDict):
    id: str
    name: str


class _Account(TypedDict):
    id: str
    email: str
    name: str
    role: Role


class Account(_Account, total=False):
    """Who one is."""
    tenant: Optional[Tenant]


class SignedIn(TypedDict):
    token: str
    """For `Authorization: Bearer`."""
    expiresAt: str
    user: Account


class Me(TypedDict):
    user: Account
    getsMail: bool
    """Whether one gets mails about operational events: owners, admins and operators do, unless they want none."""
    expiresAt: str


class MyChange(TypedDict):
    """What is to be different about oneself. What is left out stays."""
    getsMail: bool
    """Whether one gets mails about operational events."""


class PasswordChange(TypedDict):
    """Another password."""
    currentPassword: str
    newPassword: str


class _Teammate(TypedDict):
    id: str
    email: str
    name: str
    role: Role
    isActive: bool
    """Whether they may sign in."""
    createdAt: str
    updatedAt: str


class Teammate(_Teammate, total=False):
    """Somebody who signs in."""
    disabledAt: Optional[str]
    password: Optional[str]
    """Only when it was just drawn."""


class _NewTeammate(TypedDict):
    email: str
    """What they sign in with."""
    role: Role
    """An admin makes members only."""


class NewTeammate(_NewTeammate, total=False):
    """A user to make."""
    name: Optional[str]
    """For people; the address where it is not given."""
    password: Optional[str]
    """One is drawn, and shown once, where none is given."""


class TeammateChange(TypedDict, total=False):
    """What to change of a user; what is not mentioned stays."""
    name: Optional[str]
    role: Optional[Role]
    isActive: Optional[bool]
    """False shuts them out at once, true lets them in again."""


class DeletedTeammate(TypedDict):
    id: str


class TeammatePassword(TypedDict, total=False):
    """Another password."""
    currentPassword: Optional[str]
    """Of oneself only, and then required."""
    newPassword: Optional[str]
    """One is drawn for somebody else, and shown once, where none is given."""


class _TeammatePasswordSet(TypedDict):
    id: str


class TeammatePasswordSet(_TeammatePasswordSet, total=False):
    password: Optional[str]
    """Only when it was drawn."""


class _AuditEntry(TypedDict):
    id: str
    at: str
    actor: Actor
    action: str
    """Noun and verb."""
    subject: str
    """The id of what was changed."""
    changes: dict[str, Any]
    """Each field that was changed, with its old and its new value; never secrets."""


class AuditEntry(_AuditEntry, total=False):
    """What somebody changed."""
    environment: Optional[Environment]
    requestId: Optional[str]
    """The `X-Request-Id` of the request."""
    address: Optional[str]
    """Where it came from."""


class CustomerProfile(TypedDict):
    """Who it is."""
    firstName: Optional[str]
    """First name."""
    lastName: Optional[str]
    """Last name."""
    email: Optional[str]
    """Email address."""
    phone: Optional[str]
    """Phone number, kept without spaces and punctuation."""
    company: Optional[str]
    """Company."""
    jobTitle: Optional[str]
    """Job title."""


class Customer(TypedDict):
    """A person or a company that your users talk to. At least one of `firstName`, `lastName`, `email` and `phone` is known
    of each. A new one's profile may be given inside `profile` or beside it.
    """
    id: str
    """Its id."""
    profile: CustomerProfile
    """Who it is."""
    tier: Literal["bronze", "silver", "gold", "platinum"]
    """How much it matters."""
    status: Literal["active", "inactive", "archived"]
    """Whether it is served."""
    tags: list[str]
    """Words to find it by."""
    customFields: dict[str, Any]
    """Whatever else you know; replaced as a whole."""
    createdAt: str
    """When it was made."""
    updatedAt: str
    """When it was last changed."""


class NewCustomerProfile(TypedDict, total=False):
    """Who it is."""
    firstName: Optional[str]
    """First name."""
    lastName: Optional[str]
    """Last name."""
    email: Optional[str]
    """Email address."""
    phone: Optional[str]
    """Phone number, kept without spaces and punctuation."""
    company: Optional[str]
    """Company."""
    jobTitle: Optional[str]
    """Job title."""


class NewCustomer(TypedDict, total=False):
    profile: NewCustomerProfile
    """Who it is."""
    tier: Optional[Optional[Literal["bronze", "silver", "gold", "platinum"]]]
    """How much it matters."""
    status: Optional[Optional[Literal["active", "inactive", "archived"]]]
    """Whether it is served."""
    tags: Optional[list[str]]
    """Words to find it by."""
    customFields: Optional[dict[str, Any]]
    """Whatever else you know; replaced as a whole."""
    firstName: Optional[str]
    """First name."""
    lastName: Optional[str]
    """Last name."""
    email: Optional[str]
    """Email address."""
    phone: Optional[str]
    """Phone number, kept without spaces and punctuation."""
    company: Optional[str]
    """Company."""
    jobTitle: Optional[str]
    """Job title."""


class CustomerChangeProfile(TypedDict, total=False):
    """Who it is."""
    firstName: Optional[str]
    """First name."""
    lastName: Optional[str]
    """Last name."""
    email: Optional[str]
    """Email address."""
    phone: Optional[str]
    """Phone number, kept without spaces and punctuation."""
    company: Optional[str]
    """Company."""
    jobTitle: Optional[str]
    """Job title."""


class CustomerChange(TypedDict, total=False):
    profile: CustomerChangeProfile
    """Who it is."""
    tier: Optional[Optional[Literal["bronze", "silver", "gold", "platinum"]]]
    """How much it matters."""
    status: Optional[Optional[Literal["active", "inactive", "archived"]]]
    """Whether it is served."""
    tags: Optional[list[str]]
    """Words to find it by."""
    customFields: Optional[dict[str, Any]]
    """Whatever else you know; replaced as a whole."""
    firstName: Optional[str]
    """First name."""
    lastName: Optional[str]
    """Last name."""
    email: Optional[str]
    """Email address."""
    phone: Optional[str]
    """Phone number, kept without spaces and punctuation."""
    company: Optional[str]
    """Company."""
    jobTitle: Optional[str]
    """Job title."""


class DeleteCustomerData(TypedDict):
    id: str


class Conversation(TypedDict):
    """What a customer wants, in whichever channel. Setting `status` to `closed`, `assignedTo` or `escalated` by an update
    does and emits the same as the action; one update can do one of them. Deleting a conversation deletes its messages.
    """
    id: str
    """Its id."""
    subject: Optional[str]
    """What it is about."""
    status: Literal["open", "pending", "closed"]
    """Where it stands."""
    priority: Literal["low", "medium", "high", "urgent"]
    """How much it hurries."""
    channel: Optional[str]
    """How the customer came, such as `email`, `chat` or `phone`."""
    customerId: Optional[str]
    """The customer."""
    assignedTo: Optional[str]
    """The user who looks after it."""
    inboxId: Optional[str]
    """The inbox that it came to, as you name it."""
    labels: list[str]
    """Words to find it by."""
    escalated: bool
    """Whether a person was asked to take over."""
    escalationReason: Optional[str]
    """Why."""
    customFields: dict[str, Any]
    """Whatever else you know; replaced as a whole."""
    assignedAt: Optional[str]
    """When it was last assigned."""
    escalatedAt: Optional[str]
    """When it was last escalated."""
    closedAt: Optional[str]
    """When it was last closed."""
    createdAt: str
    """When it was made."""
    updatedAt: str
    """When it was last changed."""


class NewConversation(TypedDict, total=False):
    subject: Optional[str]
    """What it is about."""
    status: Optional[Optional[Literal["open", "pending", "closed"]]]
    """Where it stands."""
    priority: Optional[Optional[Literal["low", "medium", "high", "urgent"]]]
    """How much it hurries."""
    channel: Optional[str]
    """How the customer came, such as `email`, `chat` or `phone`."""
    customerId: Optional[str]
    """The customer."""
    assignedTo: Optional[str]
    """The user who looks after it."""
    inboxId: Optional[str]
    """The inbox that it came to, as you name it."""
    labels: Optional[list[str]]
    """Words to find it by."""
    escalated: Optional[bool]
    """Whether a person was asked to take over."""
    customFields: Optional[dict[str, Any]]
    """Whatever else you know; replaced as a whole."""


class ConversationChange(TypedDict, total=False):
    subject: Optional[str]
    """What it is about."""
    status: Optional[Optional[Literal["open", "pending", "closed"]]]
    """Where it stands."""
    priority: Optional[Optional[Literal["low", "medium", "high", "urgent"]]]
    """How much it hurries."""
    channel: Optional[str]
    """How the customer came, such as `email`, `chat` or `phone`."""
    customerId: Optional[str]
    """The customer."""
    assignedTo: Optional[str]
    """The user who looks after it."""
    inboxId: Optional[str]
    """The inbox that it came to, as you name it."""
    labels: Optional[list[str]]
    """Words to find it by."""
    escalated: Optional[bool]
    """Whether a person was asked to take over."""
    customFields: Optional[dict[str, Any]]
    """Whatever else you know; replaced as a whole."""


class DeleteConversationData(TypedDict):
    id: str


class AssignConversation(TypedDict):
    assignedTo: str
    """The user who looks after it."""


class EscalateConversation(TypedDict, total=False):
    reason: Optional[str]
    """Why, for the people who take over."""


class Message(TypedDict):
    """What was said in a conversation. A message that was sent with the role `ai` emits `ai.reply.created` and counts as
    an AI reply; every other one emits `message.sent` or `message.received` and counts as a message.
    """
    id: str
    """Its id."""
    conversationId: str
    """The conversation."""
    direction: Literal["sent", "received"]
    """Sent to the customer, or received from them."""
    role: Optional[Optional[Literal["customer", "agent", "ai"]]]
    """Who wrote it. When it is not given: `customer` for a received one, `agent` for a sent one."""
    text: str
    """What it says."""
    senderId: Optional[str]
    """Who wrote it, as you name them."""
    customFields: dict[str, Any]
    """Whatever else you know; replaced as a whole."""
    createdAt: str
    """When it was made."""
    updatedAt: str
    """When it was last changed."""


class _NewMessage(TypedDict):
    conversationId: str
    """The conversation."""
    direction: Literal["sent", "received"]
    """Sent to the customer, or received from them."""
    text: str
    """What it says."""


class NewMessage(_NewMessage, total=False):
    role: Optional[Optional[Literal["customer", "agent", "ai"]]]
    """Who wrote it. When it is not given: `customer` for a received one, `agent` for a sent one."""
    senderId: Optional[str]
    """Who wrote it, as you name them."""
    customFields: Optional[dict[str, Any]]
    """Whatever else you know; replaced as a whole."""


class MessageChange(TypedDict, total=False):
    text: str
    """What it says."""
    customFields: Optional[dict[str, Any]]
    """Whatever else you know; replaced as a whole."""


class DeleteMessageData(TypedDict):
    id: str


class _NewConversationMessage(TypedDict):
    direction: Literal["sent", "received"]
    """Sent to the customer, or received from them."""
    text: str
    """What it says."""


class NewConversationMessage(_NewConversationMessage, total=False):
    role: Optional[Optional[Literal["customer", "agent", "ai"]]]
    """Who wrote it. When it is not given: `customer` for a received one, `agent` for a sent one."""
    senderId: Optional[str]
    """Who wrote it, as you name them."""
    customFields: Optional[dict[str, Any]]
    """Whatever else you know; replaced as a whole."""


class Lead(TypedDict):
    """Somebody who left a way to reach them. At least one of `name`, `email` and `phone` is known of each."""
    id: str
    """Its id."""
    name: Optional[str]
    """Name."""
    email: Optional[str]
    """Email address."""
    phone: Optional[str]
    """Phone number, kept without spaces and punctuation."""
    source: Optional[str]
    """How they came, such as `chat` or `form`."""
    pageUrl: Optional[str]
    """The page that they were on."""
    conversationId: Optional[str]
    """The conversation in which they left it."""
    customFields: dict[str, Any]
    """Whatever else you know; replaced as a whole."""
    createdAt: str
    """When it was made."""
    updatedAt: str
    """When it was last changed."""


class NewLead(TypedDict, total=False):
    name: Optional[str]
    """Name."""
    email: Optional[str]
    """Email address."""
    phone: Optional[str]
    """Phone number, kept without spaces and punctuation."""
    source: Optional[str]
    """How they came, such as `chat` or `form`."""
    pageUrl: Optional[str]
    """The page that they were on."""
    conversationId: Optional[str]
    """The conversation in which they left it."""
    customFields: Optional[dict[str, Any]]
    """Whatever else you know; replaced as a whole."""


class LeadChange(TypedDict, total=False):
    name: Optional[str]
    """Name."""
    email: Optional[str]
    """Email address."""
    phone: Optional[str]
    """Phone number, kept without spaces and punctuation."""
    source: Optional[str]
    """How they came, such as `chat` or `form`."""
    pageUrl: Optional[str]
    """The page that they were on."""
    conversationId: Optional[str]
    """The conversation in which they left it."""
    customFields: Optional[dict[str, Any]]
    """Whatever else you know; replaced as a whole."""


class DeleteLeadData(TypedDict):
    id: str


class User(TypedDict):
    """A person of yours who looks after conversations. Not somebody who signs in to Angarium."""
    id: str
    """Its id."""
    name: str
    """Name."""
    email: str
    """Email address."""
    role: str
    """What they do, such as `agent` or `supervisor`."""
    isActive: bool
    """Whether they work here now."""
    customFields: dict[str, Any]
    """Whatever else you know; replaced as a whole."""
    createdAt: str
    """When it was made."""
    updatedAt: str
    """When it was last changed."""


class _NewUser(TypedDict):
    name: str
    """Name."""
    email: str
    """Email address."""


class NewUser(_NewUser, total=False):
    role: Optional[str]
    """What they do, such as `agent` or `supervisor`."""
    isActive: Optional[bool]
    """Whether they work here now."""
    customFields: Optional[dict[str, Any]]
    """Whatever else you know; replaced as a whole."""


class UserChange(TypedDict, total=False):
    name: str
    """Name."""
    email: str
    """Email address."""
    role: Optional[str]
    """What they do, such as `agent` or `supervisor`."""
    isActive: Optional[bool]
    """Whether they work here now."""
    customFields: Optional[dict[str, Any]]
    """Whatever else you know; replaced as a whole."""


class DeleteUserData(TypedDict):
    id: str


class Call(TypedDict):
    """A phone call: `initiated`, `ringing`, `answered`, and then `completed`, or `failed` at any step. Its actions take it
    from one to the next; no other order is possible.
    """
    id: str
    """Its id."""
    customerPhone: str
    """The customer's number, kept without spaces and punctuation."""
    direction: Literal["outbound", "inbound"]
    """Who called whom."""
    status: Literal["initiated", "ringing", "answered", "completed", "failed"]
    """Where it stands."""
    agentId: Optional[str]
    """The user who talks."""
    customerId: Optional[str]
    """The customer."""
    conversationId: Optional[str]
    """The conversation that it belongs to."""
    recordingEnabled: bool
    """Whether it is to be recorded."""
    durationSeconds: Optional[int]
    """How long they talked."""
    failureReason: Optional[str]
    """Why it failed."""
    recordingUrl: Optional[str]
    """Where the recording is."""
    customFields: dict[str, Any]
    """Whatever else you know; replaced as a whole."""
    ringingAt: Optional[str]
    """When it rang."""
    answeredAt: Optional[str]
    """When it was answered."""
    endedAt: Optional[str]
    """When it was completed, or failed."""
    recordingAvailableAt: Optional[str]
    """When its recording became available."""
    createdAt: str
    """When it was made."""
    updatedAt: str
    """When it was last changed."""


class _NewCall(TypedDict):
    customerPhone: str
    """The customer's number, kept without spaces and punctuation."""


class NewCall(_NewCall, total=False):
    direction: Optional[Optional[Literal["outbound", "inbound"]]]
    """Who called whom."""
    agentId: Optional[str]
    """The user who talks."""
    customerId: Optional[str]
    """The customer."""
    conversationId: Optional[str]
    """The conversation that it belongs to."""
    recordingEnabled: Optional[bool]
    """Whether it is to be recorded."""
    customFields: Optional[dict[str, Any]]
    """Whatever else you know; replaced as a whole."""


class CallChange(TypedDict, total=False):
    agentId: Optional[str]
    """The user who talks."""
    customerId: Optional[str]
    """The customer."""
    conversationId: Optional[str]
    """The conversation that it belongs to."""
    customFields: Optional[dict[str, Any]]
    """Whatever else you know; replaced as a whole."""


class DeleteCallData(TypedDict):
    id: str


class CompleteCall(TypedDict, total=False):
    durationSeconds: Optional[int]
    """How long they talked."""


class FailCall(TypedDict, total=False):
    reason: Optional[str]
    """Why it failed, such as `busy` or `no answer`."""


class RecordingCall(TypedDict):
    url: str
    """Where the recording is."""


class MeterUsage(TypedDict):
    """What was counted on one meter."""
    count: int
    monthlyLimit: int
    """-1 is no end."""


class Usage(TypedDict):
    """What a tenant used in a month."""
    month: str
    totalRequests: int
    failedRequests: int
    """Answered 4xx or 5xx."""
    requestsByEndpoint: dict[str, int]
    requestsByMethod: dict[str, int]
    monthlyLimit: int
    """Requests that the plan allows in a month; -1 is no end."""
    unlimited: bool
    overage: int
    """Requests beyond the limit: some, where a plan was changed for a smaller one."""
    overagePercent: float
    meters: dict[str, MeterUsage]
    """Accepted events: all of them, and those of each meter."""


class Performance(TypedDict):
    """How quickly requests of a month were answered."""
    month: str
    averageMs: float
    p95Ms: float
    """Percentiles are upper bounds, at most a tenth above the true value."""
    p99Ms: float
    errorRate: float
    """Percent of requests that were answered 4xx or 5xx."""
    totalRequests: int
    successfulRequests: int
    failedRequests: int


class Health(TypedDict):
    status: str


class ReadinessParts(TypedDict):
    store: str
    broker: str
    draining: bool


class Readiness(TypedDict):
    status: str
    parts: ReadinessParts
