"""Made-up requests to a real server in a process of its own: hundreds in `make test`, thousands in `make fuzz`."""

import os

FULL = os.environ.get("BRIDGE_TEST_FUZZ") == "full"
