"""What must hold when processes die, databases go away and receivers misbehave. `make chaos` runs it all in full."""

import os

FULL = os.environ.get("BRIDGE_TEST_CHAOS") == "full"
