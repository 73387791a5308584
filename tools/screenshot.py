"""Take the pictures of the report that the README shows.

Usage: ``python tools/screenshot.py docs/images``. Needs Chromium and the extra ``browser``.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from whyloss import cases

WIDTH, HEIGHT = 1200, 1500


def main() -> None:
    """Draw the report of case C1, open it offline, and photograph its beginning, light and dark."""
    folder = Path(sys.argv[1])
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        report = cases.find("C1").diagnose().to_html(Path(place) / "report.html")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            page = browser.new_page(
                viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme
            )
            page.goto(report.as_uri())
            page.wait_for_timeout(500)  # charts are drawn after the text
            page.screenshot(path=folder / f"report-{scheme}.png")
        browser.close()


if __name__ == "__main__":
    main()
