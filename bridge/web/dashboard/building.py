"""The dashboard, put together from what the composition root hands in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.routing import BaseRoute

from bridge.clock import Clock
from bridge.loops import Bell
from bridge.web.auth import Gate
from bridge.web.dashboard.desk import DashboardInsight, DashboardRegistry, Desk, TemplatePreviews
from bridge.web.dashboard.media import MediaPaths
from bridge.web.dashboard.pages import Pages
from bridge.web.dashboard.routes import dashboard_routes
from bridge.web.dashboard.session import Sessions, SignedOut
from bridge.web.dashboard.static import StaticFiles
from bridge.web.services import Services


@dataclass(frozen=True, slots=True)
class DashboardParts:
    """What only the dashboard needs.

    :param signing: keys for sessions and forms, the newest first.
    :param ended: the sessions that somebody signed out of.
    """

    registry: DashboardRegistry
    insight: DashboardInsight
    previews: TemplatePreviews
    media: MediaPaths
    signing: Sequence[bytes]
    ended: SignedOut


def build_dashboard(
    parts: DashboardParts,
    services: Services,
    gate: Gate,
    folders: Sequence[Path],
    bell: Bell,
    clock: Clock,
    wall: Clock,
    public_url: str | None,
) -> list[BaseRoute]:
    """The routes of the dashboard.

    :param folders: where templates are looked for; earlier ones win.
    :param bell: rung when a watch shows something new.
    :param clock: by which rows were written; :param wall: the machine's, by which sessions end.
    """
    sessions = Sessions(parts.signing, gate.keys, wall, parts.ended, secure=(public_url or "").startswith("https:"))
    static = StaticFiles(folders)
    desk = Desk(
        registry=parts.registry,
        insight=parts.insight,
        previews=parts.previews,
        media=parts.media,
        providers=services.providers,
        sessions=sessions,
        pages=Pages(folders, sessions, static, clock),
        static=static,
        readiness=services.readiness,
        sign_ins=gate.sign_ins,
        rate=gate.rate,
        streams=services.streams,
        bell=bell,
        clock=clock,
        public_url=public_url,
    )
    return dashboard_routes(desk, gate.keys)
