"""The dashboard in a real browser; run by ``make browser-test``.

Environment: ``BRIDGE_TEST_BROWSER=1`` collects them, ``BRIDGE_TEST_CHROMIUM`` names the browser (Debian's otherwise),
``BRIDGE_TEST_SCREENSHOTS`` names a folder that pictures of all pages go to.
"""

import os
from pathlib import Path

WANTED = bool(os.environ.get("BRIDGE_TEST_BROWSER"))
CHROMIUM = Path(os.environ.get("BRIDGE_TEST_CHROMIUM", "/usr/bin/chromium"))
SCREENSHOTS = os.environ.get("BRIDGE_TEST_SCREENSHOTS") or None
