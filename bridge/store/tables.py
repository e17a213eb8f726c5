"""The tables. The table is the queue: what is due stands in ``next_at``, who works on it in the lease columns.

Times are Unix seconds (double precision). A row whose ``next_at`` is NULL waits for nothing. A claim moves ``next_at``
to the end of the lease, so that one index answers both "what is due" and "whose worker died".
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TextClause,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _partial(name: str, *columns: Column[Any], where: ColumnElement[bool] | TextClause) -> None:
    """An index over some rows only, on both databases.

    The steps of the schema say so to each of them. To name PostgreSQL here would import its dialect, a thirtieth of a
    start, for nothing: no table is made from this description.
    """
    Index(name, *columns, sqlite_where=where)


# Facts about this installation: the key check and the pepper of our hashes.
settings = Table(
    "settings",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

# What replicas on PostgreSQL share about time (bridge.store.shared_clock): always one row.
clock = Table(
    "clock",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("seen_at", Float, nullable=False),  # the last time of the server that any replica lived at
    Column("moved", Float, nullable=False),  # by how much all waits have been moved so far, seconds
)

# What is known of each provider's standing (bridge.providers.health), so that a restart does not forget it.
providers = Table(
    "providers",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("base_url", Text, nullable=False),
    Column("health", JSON, nullable=False),
    Column("updated_at", Float, nullable=False),
)

# How each provider is asked: the price of a request, its clock, its pushes (bridge.pacing.price), shared by replicas.
tempos = Table(
    "tempos",
    metadata,
    Column("provider", String(64), primary_key=True),
    Column("tempo", JSON, nullable=False),
    Column("updated_at", Float, nullable=False),
)

# How long jobs take (bridge.pacing.learning), by what was ordered; an empty word stands for any.
durations = Table(
    "durations",
    metadata,
    Column("provider", String(64), nullable=False),
    Column("model", String(64), nullable=False),
    Column("seconds", String(64), nullable=False),
    Column("size", String(64), nullable=False),
    Column("learned", JSON, nullable=False),
    Column("updated_at", Float, nullable=False),
    PrimaryKeyConstraint("provider", "model", "seconds", "size"),
)

# What replicas share about asking a provider: the book of its budget, who reads its list, and what is known of that.
lanes = Table(
    "lanes",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("base_url", Text, nullable=False),
    Column("next_slot", Float, nullable=False),  # the first moment at which nobody has reserved to ask
    Column("low", Float),  # the rate after the last 429 …
    Column("slowed_at", Float),  # … and from when on it comes back
    Column("sweep_owner", String(40)),
    Column("sweep_until", Float),
    Column("listing", JSON, nullable=False),  # bridge.providers.listing
)

videos = Table(
    "videos",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("provider", String(64), nullable=False),
    Column("video_id", String(512), nullable=False),
    Column("status", String(16)),  # as last observed; NULL before the first observation
    Column("observation", JSON(none_as_null=True)),  # the Video object as last observed
    Column("created_at", Float, nullable=False),
    Column("looked_at", Float),  # last look of any outcome
    Column("last_look", String(16)),  # outcome of that look: observed, missing, trouble …
    Column("looks", Integer, nullable=False),  # since the watching began; what pacing counts
    Column("missing_count", Integer, nullable=False),  # "not there" answers in a row …
    Column("missing_since", Float),  # … and when the row of them began
    Column("deadline", Float),  # earliest expires_at of its live watches
    Column("reports", JSON(none_as_null=True)),  # sums over its progress, see bridge.pacing.progress
    Column("pushed_at", Float),  # when its provider told unasked that it ended
    Column("next_at", Float),
    Column("lease_owner", String(40)),
    Column("lease_until", Float),
    Column("fence", Integer, nullable=False),
    UniqueConstraint("provider", "video_id"),
)
# What is over is in none of these: they grow with what is in flight, not with what is kept.
_partial("ix_videos_due", videos.c.provider, videos.c.next_at, videos.c.id, where=videos.c.next_at.is_not(None))
_partial("ix_videos_deadline", videos.c.provider, videos.c.deadline, where=videos.c.deadline.is_not(None))
Index("ix_videos_looked", videos.c.provider, videos.c.looked_at, videos.c.last_look)

# What looks learned of a video: one row whenever something changed, for the time line of its watches.
observations = Table(
    "observations",
    metadata,
    Column("video", String(40), ForeignKey("videos.id", ondelete="CASCADE"), nullable=False),
    Column("at", Float, nullable=False),
    Column("look", String(16), nullable=False),  # observed, missing
    Column("status", String(16)),  # as the video showed it then
    Column("progress", Integer),
    PrimaryKeyConstraint("video", "at"),
)

watches = Table(
    "watches",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("video", String(40), ForeignKey("videos.id"), nullable=False),
    Column("provider", String(64), nullable=False),
    Column("video_id", String(512), nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", String(32)),
    Column("slot", String(64), unique=True),  # who registers under which key; given up when the key is used anew
    Column("key", String(255), nullable=False),
    Column("content", String(64), nullable=False),  # digest of what was registered, see bridge.registry.again
    Column("metadata", JSON, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("created_by", String(64)),
    Column("expires_at", Float, nullable=False),
    Column("ended_at", Float),
)
Index("ix_watches_video_status", watches.c.video, watches.c.status)
Index("ix_watches_status_id", watches.c.status, watches.c.id)
Index("ix_watches_video_id_id", watches.c.video_id, watches.c.id)
_partial("ix_watches_ended", watches.c.ended_at, watches.c.status, where=watches.c.ended_at.is_not(None))
LIVE = text("status = 'watching'")
"""A watch is still waiting. Spelled out, because the partial index below serves only what says just this."""
_partial("ix_watches_live", watches.c.created_by, watches.c.status, where=LIVE)

destinations = Table(
    "destinations",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", String(64), unique=True),  # NULL: inline in a watch
    Column("origin", String(16), nullable=False),  # inline, stored, environment
    Column("kind", String(32), nullable=False),
    Column("target", String(64), nullable=False),
    Column("shown_url", Text, nullable=False),
    Column("host", String(255), nullable=False),
    Column("config", LargeBinary, nullable=False),  # encrypted: URL, secrets, headers, template
    Column("config_key", String(8), nullable=False),  # id of the key it is encrypted with
    Column("digest", String(64), unique=True),  # of an inline one's content: equal ones are one row
    Column("events", JSON, nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("disabled_reason", String(64)),
    Column("fallback", String(64)),
    Column("created_at", Float, nullable=False),
    Column("created_by", String(64)),
    Column("updated_at", Float, nullable=False),
)
Index("ix_destinations_target", destinations.c.target)
Index("ix_destinations_config_key", destinations.c.config_key)

watch_destinations = Table(
    "watch_destinations",
    metadata,
    Column("watch_id", String(40), ForeignKey("watches.id", ondelete="CASCADE"), nullable=False),
    Column("destination_id", String(40), ForeignKey("destinations.id"), nullable=False),
    Column("position", Integer, nullable=False),
    PrimaryKeyConstraint("watch_id", "destination_id"),
)
Index("ix_watch_destinations_destination_id", watch_destinations.c.destination_id)

# Kind and URL of a destination: what rate, breaker and disabling belong to. No row: there is nothing to say yet.
targets = Table(
    "targets",
    metadata,
    Column("target", String(64), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("disabled_at", Float),
    Column("disabled_reason", String(64)),
    Column("next_send_at", Float),  # the rate of its kind
    Column("held_until", Float),  # the receiver asked to be left alone
    Column("failures", Integer, nullable=False),
    Column("opened_at", Float),  # the breaker: nothing on schedule goes there …
    Column("probe_at", Float),  # … but for one delivery from this moment on; for the one under way, its lease's end
    Column("probe_wait", Float),  # how long the breaker waited for that, seconds
)

_partial("ix_targets_disabled", targets.c.disabled_at, where=targets.c.disabled_at.is_not(None))
_partial("ix_targets_opened", targets.c.opened_at, where=targets.c.opened_at.is_not(None))

events = Table(
    "events",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("watch_id", String(40), ForeignKey("watches.id", ondelete="CASCADE"), nullable=False),
    Column("type", String(32), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("video", JSON, nullable=False),  # the Video object at that moment
)
Index("ix_events_watch_id", events.c.watch_id)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("event_id", String(40), ForeignKey("events.id", ondelete="CASCADE"), nullable=False),
    Column("event_type", String(32), nullable=False),
    Column("watch_id", String(40), nullable=False),
    Column("destination_id", String(40), ForeignKey("destinations.id"), nullable=False),
    Column("target", String(64), nullable=False),
    Column("host", String(255), nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", String(32)),
    Column("degraded", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("delivered_at", Float),
    Column("body", LargeBinary),  # rendered once, before the first attempt
    Column("step", Integer, nullable=False),  # attempts since the schedule (re)started
    Column("attempts", Integer, nullable=False),  # attempts ever made
    Column("manual_asked", Integer, nullable=False),  # retries somebody asked for …
    Column("manual_done", Integer, nullable=False),  # … and how many of them have been tried
    Column("turn", Integer, nullable=False),  # 0 goes before 1: first attempts and manual ones before late retries
    Column("next_at", Float),
    Column("lease_owner", String(40)),
    Column("lease_until", Float),
    Column("fence", Integer, nullable=False),
    UniqueConstraint("event_id", "destination_id"),  # nobody is told twice of one event, whoever stands in for whom
)
_partial(
    "ix_deliveries_due",
    deliveries.c.turn,
    deliveries.c.next_at,
    deliveries.c.id,
    deliveries.c.host,
    where=deliveries.c.next_at.is_not(None),
)
Index("ix_deliveries_target_status", deliveries.c.target, deliveries.c.status)
Index("ix_deliveries_status_id", deliveries.c.status, deliveries.c.id)
Index("ix_deliveries_watch_id_id", deliveries.c.watch_id, deliveries.c.id)
Index("ix_deliveries_destination_id_id", deliveries.c.destination_id, deliveries.c.id)

attempts = Table(
    "attempts",
    metadata,
    Column("delivery_id", String(40), ForeignKey("deliveries.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("reason", String(32)),
    Column("status", Integer),
    Column("response", Text),
    Column("trigger", String(16), nullable=False),
    PrimaryKeyConstraint("delivery_id", "number"),
)

# Files of finished videos that are to be kept, or are. A row outlives its video until the file is deleted, too.
archives = Table(
    "archives",
    metadata,
    Column("video", String(40), nullable=False),  # the row of the video; it may be purged
    Column("variant", String(16), nullable=False),
    Column("status", String(16), nullable=False),  # pending, kept, failed
    Column("reason", String(32)),
    Column("media_type", String(128)),
    Column("size", BigInteger),  # bytes, of a kept one
    Column("etag", Text),  # of the provider's file, to go on with what is half there
    Column("file", String(255)),  # below the folder of the archive
    Column("tries", Integer, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("kept_at", Float),
    Column("next_at", Float),
    Column("lease_owner", String(40)),
    Column("lease_until", Float),
    Column("fence", Integer, nullable=False),
    PrimaryKeyConstraint("video", "variant"),
)
Index("ix_archives_next_at", archives.c.next_at)

# Sessions of the dashboard that somebody signed out of, until their cookies end by themselves.
ended_sessions = Table(
    "ended_sessions",
    metadata,
    Column("session", String(64), primary_key=True),
    Column("until", Float, nullable=False),  # by the machine's clock, as the cookie itself
)
