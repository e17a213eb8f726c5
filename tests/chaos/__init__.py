"""What must hold when processes die, databases go away and receivers misbehave: small here, in full by `make chaos`."""

import os

FULL = os.environ.get("BRIDGE_TEST_CHAOS") == "full"
