"""Every metric there is. A name that is not here cannot be used: callers import the object."""

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000)

# Pipeline. `unit` is a processor's or materializer's name.
EVENT_LAG = Histogram(
    "mg_stream_event_lag_seconds", "Record time of the input to the end of its batch.", ["unit"], buckets=_SECONDS
)
EVENT_AGE = Histogram(
    "mg_stream_event_age_seconds", "occurred_at of the event to the end of its batch.", ["unit"], buckets=_SECONDS
)
BATCH_SIZE = Histogram("mg_stream_batch_events", "Events a batch.", ["unit"], buckets=_SIZES)
BATCH_SECONDS = Histogram("mg_stream_batch_seconds", "From decode to durable.", ["unit"], buckets=_SECONDS)
EVENTS = Counter("mg_stream_events_total", "Events by outcome: done, invalid, skipped, late.", ["unit", "outcome"])
BATCHES_RETRIED = Counter("mg_stream_batch_retries_total", "Batches tried again, by reason.", ["unit", "reason"])
DEAD_LETTERS = Counter("mg_stream_dead_letters_total", "Confirmed dead letters.", ["unit", "reason"])
FENCED = Counter("mg_stream_fenced_total", "Batches given up because another owner moved the position.", ["unit"])
REBALANCES = Counter("mg_stream_rebalances_total", "Partitions assigned or revoked.", ["unit", "kind"])
NOTICES = Counter("mg_stream_notices_total", "Change notices by outcome: sent, failed, skipped.", ["unit", "outcome"])
STATE_KEYS = Gauge("mg_stream_state_keys", "Keys that a stateful processor remembers here.", ["unit"])
STATE_TIMERS = Counter("mg_stream_state_timers_total", "Events made by timers of stateful processors.", ["unit"])
STATE_RESTORED_SECONDS = Histogram(
    "mg_stream_state_restore_seconds",
    "Reading the state of assigned partitions.",
    ["unit"],
    buckets=_SECONDS,
)
OUTBOX_PENDING = Gauge("mg_stream_outbox_events", "Decided events that Kafka has not confirmed.", ["unit"])

# What the units of a process say about themselves, set when the admin server is asked for metrics. A unit that finishes
# no batch observes no lag above, but it grows here.
UNIT_READY = Gauge("mg_unit_ready", "1 when the unit is ready, else 0.", ["unit"])
UNIT_LAG_SECONDS = Gauge("mg_unit_lag_seconds", "How long the oldest unfinished event has waited.", ["unit"])
UNIT_LAG_EVENTS = Gauge("mg_unit_lag_events", "Events in the log that the unit has not finished.", ["unit"])

# Kafka producers. `client` is the client id.
PRODUCED = Counter("mg_kafka_produced_total", "Messages the brokers confirmed.", ["client"])
PRODUCE_FAILED = Counter("mg_kafka_produce_failures_total", "Batches with an unconfirmed message.", ["client"])

# HTTP. `route` is the template, never the path.
HTTP_REQUESTS = Counter("mg_http_requests_total", "Answers.", ["service", "method", "route", "status"])
HTTP_SECONDS = Histogram(
    "mg_http_request_seconds", "Request to answer.", ["service", "method", "route"], buckets=_SECONDS
)
HTTP_SHED = Counter("mg_http_shed_total", "Requests refused because too many were being worked on.", ["service"])
WEBHOOK_ITEMS = Counter("mg_webhook_items_total", "Items of accepted deliveries.", ["provider", "action"])
WEBHOOK_REJECTED = Counter("mg_webhook_rejections_total", "Rejected deliveries by problem.", ["provider", "problem"])
PROVIDER_LAST_DELIVERY = Gauge(
    "mg_provider_last_delivery_timestamp_seconds",
    "When a provider's newest delivery was accepted; providers that never delivered have none.",
    ["provider"],
)
PULL_REQUESTS = Counter(
    "mg_pull_requests_total",
    "Requests to a pulled provider: answered, limited, refused, failed.",
    ["provider", "outcome"],
)
PULL_ITEMS = Counter("mg_pull_items_total", "Items of pulled pages.", ["provider"])
PULL_FAILURES = Counter("mg_pull_failures_total", "Walks that did not reach their end.", ["provider", "stream"])
PULL_COMPLETED = Gauge(
    "mg_pull_completed_timestamp_seconds", "When a stream was last read to its end.", ["provider", "stream"]
)
WEBHOOKS_SENT = Counter(
    "mg_webhooks_sent_total",
    "Messages to subscribers: delivered, refused (by the receiver), unreachable, forbidden (the address), gone.",
    ["subscriber", "outcome"],
)
WEBHOOKS_WAITING = Gauge("mg_webhooks_waiting", "Messages that a subscriber has not taken yet.", ["subscriber"])
WEBHOOKS_GIVEN_UP = Counter("mg_webhooks_given_up_total", "Messages that nobody took in 75 hours.", ["subscriber"])
COMMANDS = Counter(
    "mg_command_events_total",
    "What people's devices sent, by outcome: events accepted or repeated, requests refused by problem.",
    ["service", "outcome"],
)

# Search.
SEARCH_SECONDS = Histogram("mg_search_leg_seconds", "One leg of a search.", ["leg"], buckets=_SECONDS)
SEARCH_DEGRADED = Counter("mg_search_degraded_total", "Searches answered without a leg.", ["leg"])

# The live channel. `transport`: websocket or sse.
LIVE_CONNECTIONS = Gauge("mg_live_connections", "Open channels.", ["transport"])
LIVE_ENDED = Counter("mg_live_ended_total", "Channels that ended, by why.", ["transport", "ending"])
LIVE_MESSAGES = Counter("mg_live_messages_total", "Messages sent, by type.", ["type"])
LIVE_REFETCHES = Counter("mg_live_refetches_total", "Clients told to fetch everything anew, by reason.", ["reason"])
LIVE_GAPS = Counter(
    "mg_live_gaps_total",
    "Times that notices may have been missed: listening (again), chain, rows (too many to tell), sweep, failure.",
    ["cause"],
)
LIVE_READS = Counter("mg_live_reads_total", "Deltas read from the database for a channel, by outcome.", ["outcome"])
LIVE_AGE = Histogram(
    "mg_live_age_seconds", "occurred_at of the newest row of a message to its sending.", buckets=_SECONDS
)

# Supervision.
UNIT_RESTARTS = Counter("mg_unit_restarts_total", "Units started again after they died.", ["unit"])


def render(registry: CollectorRegistry = REGISTRY) -> bytes:
    """The Prometheus text format."""
    return generate_latest(registry)
