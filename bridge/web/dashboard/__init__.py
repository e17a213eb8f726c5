"""The dashboard: pages for people, rendered here, readable and usable without JavaScript."""

from bridge.web.dashboard.building import DashboardParts, build_dashboard

__all__ = ["DashboardParts", "build_dashboard"]
