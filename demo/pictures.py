"""Takes the pictures of the documentation: `scripts/pictures`."""

import asyncio
from pathlib import Path
import sys
from typing import Final

from .browser import Page, browser
from .errors import DemoError
from .jsons import as_list, as_objects, as_text
from .options import Options
from .process import ROOT
from .stage import Stage, perform, say

_IMAGES: Final = ROOT / "docs" / "images"
_WIDTH: Final = 1280
_HEIGHT: Final = 800
#: How long a page of the frontend may take to draw itself, in seconds.
_DRAWING: Final = 60.0
_BETWEEN_LOOKS: Final = 0.5
#: Gives the text of the whole page; the frontend lives in nested shadow roots.
_ALL_TEXT: Final = """\
(() => {
  const text = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.textContent;
    const tag = (node.tagName || '').toLowerCase();
    if (tag === 'script' || tag === 'style') return '';
    return [...(node.shadowRoot ? [node.shadowRoot] : []), ...node.childNodes].map(text).join(' ');
  };
  return document.body ? text(document.body) : '';
})()
"""


async def _wait_for(page: Page, *texts: str) -> None:
    """Wait until the page shows all of these."""
    try:
        async with asyncio.timeout(_DRAWING):
            while True:
                shown = str(await page.evaluate(_ALL_TEXT))
                if all(text in shown for text in texts):
                    break
                await asyncio.sleep(_BETWEEN_LOOKS)
    except TimeoutError as err:
        raise DemoError(f"The page does not show {', '.join(texts)}") from err
    await asyncio.sleep(2 * _BETWEEN_LOOKS)  # pictures of icons come after the text


async def _take(stage: Stage) -> None:
    entry_id = await stage.set_up()
    devices = as_objects(await stage.home_assistant.command("config/device_registry/list"))
    device = next(item for item in devices if entry_id in as_list(item["config_entries"]))
    say("Waiting for a few polls, so that there is something to see.")
    await asyncio.sleep(100)
    url = stage.home_assistant.url
    async with browser() as page:
        await page.set_size(_WIDTH, _HEIGHT)
        await page.sign_in(url, stage.tokens)
        await page.open(f"{url}/config/devices/device/{as_text(device['id'])}")
        await _wait_for(page, "Power", "Imported energy", "kWh")
        await page.save_picture(_IMAGES / "device.png")
    say(f"The pictures are in {_IMAGES}.")


def main() -> int:
    """Take all pictures; return the exit status."""
    Path(_IMAGES).mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(perform(Options(port=0), _take))
    except (DemoError, OSError) as err:
        say(f"pictures: {err}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
