"""A headless Chromium, driven by Playwright: for the tests in a browser and for pictures."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import json
import os
from pathlib import Path
import shutil
import time
from typing import Final

from playwright.async_api import ConsoleMessage, Error, Page as Tab, async_playwright, expect

from .errors import DemoError
from .jsons import Json, JsonObject

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_FLAGS: Final = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
#: How long anything may take to be seen, in seconds. A busy machine has shown nothing for a minute.
TIMEOUT_S: Final = 120.0
_WIDTH: Final = 1280
#: Playwright calls every exception that is no Error just "Object".
_REPORT_REJECTIONS: Final = """\
addEventListener('unhandledrejection', (event) => {
  const {reason} = event;
  if (reason instanceof Error) return;
  console.error(`Uncaught ${JSON.stringify(reason)}`);
  event.preventDefault();
});
"""
_HEIGHT: Final = 800


def find_chromium() -> str | None:
    """Return the path of the machine's Chromium, None if there is none."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


class Page:
    """One tab."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self.complaints: list[str] = []
        """Errors of the browser's console, and uncaught exceptions."""
        tab.on("console", self._on_console)
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} ({message.location['url']})")

    async def evaluate(self, script: str) -> Json:
        """Run JavaScript and return its value.

        Raises:
            DemoError: It raised an exception.
        """
        try:
            result: Json = await self.tab.evaluate(script)
        except Error as err:
            raise DemoError(f"In the page: {err}") from err
        return result

    async def open(self, url: str) -> None:
        """Go to an address. The page builds itself after that.

        Raises:
            DemoError: Nothing answers there.
        """
        try:
            await self.tab.goto(url, wait_until="commit")
        except Error as err:
            raise DemoError(f"{url} cannot be opened: {err}") from err

    async def set_size(self, width: int, height: int) -> None:
        """Choose the size of the window in CSS pixels."""
        await self.tab.set_viewport_size({"width": width, "height": height})

    async def sign_in(self, url: str, tokens: JsonObject) -> None:
        """Sign the frontend of Home Assistant in."""
        expires = round((time.time() + 1800) * 1000)
        stored = json.dumps(
            {
                **tokens,
                "hassUrl": url,
                "clientId": f"{url}/",
                "expires": expires,
                "expires_in": 1800,
            }
        )
        await self.tab.add_init_script(f"localStorage.setItem('hassTokens', {json.dumps(stored)})")

    async def save_picture(self, path: Path) -> None:
        """Write what is seen as a PNG."""
        await self.tab.screenshot(path=path, animations="disabled")


@asynccontextmanager
async def browser(language: str = "en") -> AsyncIterator[Page]:
    """Run Chromium with an empty profile, in this language.

    Raises:
        DemoError: It is not installed.
    """
    chromium = find_chromium()
    if chromium is None:
        raise DemoError("There is no Chromium on this machine (Debian: apt-get install chromium).")
    expect.set_options(timeout=TIMEOUT_S * 1000)
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(
            executable_path=chromium,
            args=_FLAGS,
            # Some pages, all of them our own; for root there is no other way.
            chromium_sandbox=os.geteuid() != 0,
        )
        try:
            context = await running.new_context(
                locale=language,
                timezone_id="Asia/Tokyo",
                viewport={"width": _WIDTH, "height": _HEIGHT},
            )
            context.set_default_timeout(TIMEOUT_S * 1000)
            await context.add_init_script(_REPORT_REJECTIONS)
            yield Page(await context.new_page())
        finally:
            await running.close()
