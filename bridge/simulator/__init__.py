"""A local server that speaks the Videos API, for trials and tests without a paid key.

It makes no videos: each job lives through queued, in progress and completed (or failed) on the clock alone, as
:class:`SimulatorSettings` and the markers in its prompt (:data:`PROMPT_MARKERS`) say. Reads can be made to go wrong in
the ways of :class:`Fault`. Everything is in memory; a restart forgets all videos.
"""

from bridge.simulator.api import create_simulator
from bridge.simulator.faults import Fault, FaultRates
from bridge.simulator.jobs import Order, simulated_error
from bridge.simulator.markers import PROMPT_MARKERS
from bridge.simulator.server import serve_simulator
from bridge.simulator.settings import ListQuirk, ProgressStyle, SimulatorSettings
from bridge.simulator.state import Reply, SeenRequest, Simulator

__all__ = [
    "PROMPT_MARKERS",
    "Fault",
    "FaultRates",
    "ListQuirk",
    "Order",
    "ProgressStyle",
    "Reply",
    "SeenRequest",
    "Simulator",
    "SimulatorSettings",
    "create_simulator",
    "serve_simulator",
    "simulated_error",
]
