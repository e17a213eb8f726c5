"""The program put together and run: :func:`open_bridge` makes the parts, :func:`serve` runs them on a socket."""

from bridge.app.composition import Bridge, open_bridge
from bridge.app.outgoing import egress_policy
from bridge.app.roles import ALL_ROLES, Role, parse_roles
from bridge.app.rotation import Rotation, rotate_secrets
from bridge.app.serving import STOP_GRACE, serve

__all__ = [
    "ALL_ROLES",
    "STOP_GRACE",
    "Bridge",
    "Role",
    "Rotation",
    "egress_policy",
    "open_bridge",
    "parse_roles",
    "rotate_secrets",
    "serve",
]
