"""Every block of README and docs, run for real; run by ``make docs-test``.

Environment: ``BRIDGE_TEST_DOCS=1`` collects them. They need bash, curl, openssl, node and npm.
"""

import os

WANTED = bool(os.environ.get("BRIDGE_TEST_DOCS"))
