"""The routes of the API: a new one is an endpoint and an entry here."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.registry import Batch, Registration, RetryFilter
from bridge.web import deliveries, examples, public, schemas, watches, webhooks
from bridge.web.destination_api import DESTINATIONS, PROVIDERS
from bridge.web.operations import Answer, Operation
from bridge.web.queries import DeliveryQuery, WaitQuery, WatchQuery

GROUPS = {
    "Watches": "Tell these destinations when this video ends.",
    "Deliveries": "One event for one destination: what was sent, what was answered, and how to send it again.",
    "Destinations": "Where to tell: under a name of their own, so that watches need not repeat them.",
    "Providers": "The servers that make the videos.",
    "Server": "Probes, metrics and this documentation. These routes ask for no key.",
}

_WATCHES: Sequence[Operation] = (
    Operation(
        "POST",
        "/v1/watches",
        "register_watch",
        "Watches",
        "Register a watch",
        "The video is looked at until it ends; then each destination is told. Registering again with the same key and "
        "content answers 200 with the existing watch, so a script that runs twice notifies once. Without a `key`, one "
        "is made of provider, video id, destinations and metadata. A given key with other content is a 409.",
        watches.register,
        (
            Answer(201, "It is registered.", schemas.RegisteredWatch, examples.NEW_WATCH),
            Answer(200, "It was registered already.", schemas.RegisteredWatch, examples.NEW_WATCH),
        ),
        (409, 413, 415),
        body=Registration,
        body_example=examples.REGISTRATION,
        headers={"Idempotency-Key": "The same as the field `key`: 1 to 255 printable characters."},
    ),
    Operation(
        "POST",
        "/v1/watches/batch",
        "register_watches",
        "Watches",
        "Register many watches",
        "Up to 1,000 registrations in one request of at most 8 MiB. Each is answered on its own and in order: with its "
        "watch, or with the error that registering it alone would have given.",
        watches.register_batch,
        (Answer(200, "One answer per registration.", schemas.BatchAnswer, examples.BATCH_ANSWER),),
        (413, 415),
        body=Batch,
        body_example=examples.BATCH,
    ),
    Operation(
        "GET",
        "/v1/watches",
        "list_watches",
        "Watches",
        "List watches",
        "Newest first. Give the `last_id` of a page as `after` to get the next one.",
        watches.list_watches,
        (Answer(200, "One page of watches.", schemas.WatchList, examples.WATCH_LIST),),
        query=WatchQuery,
    ),
    Operation(
        "GET",
        "/v1/watches/{watch_id}",
        "get_watch",
        "Watches",
        "Show a watch",
        "With the video as last observed and a summary of the deliveries. With `wait` the answer is held until the "
        "watch has ended, at most so many seconds.",
        watches.show,
        (Answer(200, "The watch.", schemas.Watch, examples.WATCH),),
        (404,),
        query=WaitQuery,
    ),
    Operation(
        "GET",
        "/v1/watches/{watch_id}/outlook",
        "get_outlook",
        "Watches",
        "Explain when a video is looked at next",
        "When the next look at the watch's video is planned and when the video is expected to end, with the reason in "
        "one line for people. Both times are null when nobody waits for the video any more.",
        watches.outlook,
        (Answer(200, "The outlook.", schemas.Outlook, examples.OUTLOOK),),
        (404,),
    ),
    Operation(
        "GET",
        "/v1/watches/{watch_id}/stream",
        "stream_watch",
        "Watches",
        "Follow a watch",
        "Server-sent events: `progress` at once and whenever the watch shows something new, then `ended`, after which "
        "the stream ends. `data` is the watch as JSON on one line; the `id` stands for what it shows, so that a client "
        "that comes back with `Last-Event-ID` hears nothing until that changed. A comment every 15 seconds keeps the "
        "connection alive.",
        watches.stream,
        (
            Answer(200, "Events until the watch has ended.", media_type="text/event-stream"),
            Answer(204, "`Last-Event-ID` is that of `ended`: there is nothing more to come.", media_type=None),
        ),
        (404,),
        headers={"Last-Event-ID": "The `id` of the last event that was received."},
    ),
    Operation(
        "DELETE",
        "/v1/watches/{watch_id}",
        "cancel_watch",
        "Watches",
        "Cancel a watch",
        "Nobody is told any more. Of a watch that has ended already, the deliveries still pending are cancelled and "
        "its status stays; when none is pending, that is a 409. Cancelling twice is fine.",
        watches.cancel,
        (Answer(200, "The watch.", schemas.Watch, examples.CANCELLED_WATCH),),
        (404, 409),
    ),
)

_WEBHOOKS: Sequence[Operation] = (
    Operation(
        "POST",
        "/v1/webhooks/openai",
        "receive_openai_webhook",
        "Providers",
        "Take a provider's webhook",
        "The provider's own `video.completed` and `video.failed`, signed after Standard Webhooks with the secret in "
        "`OPENAI_WEBHOOK_SECRET` instead of an API key. The video of the provider `openai` that it names is looked at "
        "at once. Other events, and what came before, are answered and ignored.",
        webhooks.receive_openai,
        (Answer(200, "It was taken.", schemas.WebhookReceipt, {"status": "looking"}),),
        (400, 401, 404, 413, 503),
        body=schemas.ProviderEvent,
        body_example={
            "id": "evt_1",
            "object": "event",
            "type": "video.completed",
            "created_at": 1763870000,
            "data": {"id": "video_abc"},
        },
        signed=True,
    ),
)

_DELIVERIES: Sequence[Operation] = (
    Operation(
        "GET",
        "/v1/deliveries",
        "list_deliveries",
        "Deliveries",
        "List deliveries",
        "Newest first, with their attempts. `status=failed` shows what was given up.",
        deliveries.list_deliveries,
        (Answer(200, "One page of deliveries.", schemas.DeliveryList, examples.DELIVERY_LIST),),
        query=DeliveryQuery,
    ),
    Operation(
        "GET",
        "/v1/deliveries/{delivery_id}",
        "get_delivery",
        "Deliveries",
        "Show a delivery",
        "With its attempts and the body that is sent.",
        deliveries.show,
        (Answer(200, "The delivery.", schemas.DeliveryDetail, examples.DELIVERY),),
        (404,),
    ),
    Operation(
        "POST",
        "/v1/deliveries/{delivery_id}/retry",
        "retry_delivery",
        "Deliveries",
        "Send a delivery again",
        "It is sent now, with the same `webhook-id`, and its schedule starts anew. A pending one is brought forward, a "
        "delivered one is sent again, a cancelled one is a 409.",
        deliveries.retry,
        (Answer(202, "It will be sent.", schemas.Delivery, examples.RETRIED_DELIVERY),),
        (404, 409, 413),
    ),
    Operation(
        "POST",
        "/v1/deliveries/retry",
        "retry_failed_deliveries",
        "Deliveries",
        "Send failed deliveries again",
        "All failed ones, or those created at or after `since`, or those of one `destination`.",
        deliveries.retry_failed,
        (Answer(200, "How many will be sent.", schemas.Retried, examples.RETRIED),),
        (413, 415),
        body=RetryFilter,
        body_example=examples.RETRY,
    ),
)

_SERVER: Sequence[Operation] = (
    Operation(
        "GET",
        "/healthz",
        "healthz",
        "Server",
        "Liveness",
        "Answers as long as the process runs.",
        public.healthz,
        (Answer(200, "It runs.", schemas.Health, examples.HEALTH),),
    ),
    Operation(
        "GET",
        "/readyz",
        "readyz",
        "Server",
        "Readiness",
        "Whether to send requests here. A database that is away shows in the body and keeps this at 200.",
        public.readyz,
        (
            Answer(200, "Send requests.", schemas.ReadinessReport, examples.READY),
            Answer(503, "Starting, stopping, or a loop is dead.", schemas.ReadinessReport),
        ),
    ),
    Operation(
        "GET",
        "/metrics",
        "metrics",
        "Server",
        "Metrics",
        "Figures for Prometheus.",
        public.metrics,
        (Answer(200, "In Prometheus' text format.", media_type="text/plain"),),
    ),
    Operation(
        "GET",
        "/openapi.json",
        "openapi",
        "Server",
        "OpenAPI document",
        "This API as an OpenAPI 3.1 document.",
        public.openapi,
        (Answer(200, "The document."),),
    ),
    Operation(
        "GET",
        "/docs",
        "docs",
        "Server",
        "Documentation",
        "This page.",
        public.docs,
        (Answer(200, "A page for people.", media_type="text/html"),),
    ),
)

PROBES: Sequence[Operation] = tuple(each for each in _SERVER if each.name in ("healthz", "readyz", "metrics"))
"""What a process answers whose roles leave the API to others."""

OPERATIONS: Sequence[Operation] = (*_WATCHES, *_DELIVERIES, *DESTINATIONS, *PROVIDERS, *_WEBHOOKS, *_SERVER)
"""Every route there is, in the order it is documented and matched."""
