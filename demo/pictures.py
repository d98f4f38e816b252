"""Takes the pictures of the documentation: `scripts/pictures [en] [ja]`."""

import asyncio
from pathlib import Path
import shutil
import sys
from typing import Final

from playwright.async_api import Locator, expect

from .browser import browser
from .configuration import DOMAIN
from .dongle import PASSWORD, ROUTE_B_ID
from .errors import DemoError
from .frontend import Frontend, words
from .jsons import as_objects, as_text
from .options import Options
from .process import ROOT
from .stage import Stage, perform, say
from .watching import next_repair

_IMAGES: Final = ROOT / "docs" / "images"
#: Where the pictures for readers of each language are.
_FOLDERS: Final = {"en": _IMAGES, "ja": _IMAGES / "ja"}
#: Where the demo lives meanwhile: the path of its port is in the pictures.
_PLACE: Final = Path("/var/tmp/wi-sun")  # noqa: S108 - emptied only if a demo has made it
_ENTRIES: Final = "/api/config/config_entries/entry"
_WIDTH: Final = 1280
_HEIGHT: Final = 900
#: Some pictures on a page are drawn, or grow, after everything else is there (seconds).
_SETTLING: Final = 2.0
_DAYS: Final = "7"


class _Camera:
    """Takes pictures of one Home Assistant, for readers of one language."""

    def __init__(self, stage: Stage, frontend: Frontend, language: str) -> None:
        self._stage, self._frontend, self._language = stage, frontend, language

    def _words(self, key: str) -> str:
        return words(key, self._language)

    async def _take(self, name: str, of: Locator | None = None) -> None:
        """Take the whole page, or what is seen of one element and a little around it."""
        await asyncio.sleep(_SETTLING)
        path = _FOLDERS[self._language] / f"{name}.png"
        if of is None:
            await self._frontend.page.save_picture(path)
        else:
            await of.screenshot(path=path, animations="disabled")

    @property
    def _dialog(self) -> Locator:
        return self._frontend.tab.locator("dialog[open]").first

    async def set_up(self) -> None:
        """Go through the set-up."""
        frontend = self._frontend
        await frontend.follow_link_to_set_up()
        await frontend.sees(self._words("config.step.user.title"))
        await frontend.open_ports()
        await frontend.enter_port(str(self._stage.configuration.dongle))
        await frontend.enter("route_b_id", ROUTE_B_ID)
        await frontend.enter("password", PASSWORD)
        await frontend.number(0).fill(_DAYS)
        await self._take("setup-form", self._dialog)
        await frontend.submit()
        await frontend.sees(self._words("config.create_entry.default"))
        await self._take("setup-connected", self._dialog)
        await frontend.finish()

    async def options(self) -> None:
        """Look at the options."""
        await self._frontend.open_integration()
        await self._frontend.open_options()
        await self._take("options", self._dialog)

    async def device(self) -> None:
        """Look at the device when the days before have been imported."""
        say("Waiting for the import, so that there is something to see.")
        listed = await self._stage.home_assistant.get(f"{_ENTRIES}?domain={DOMAIN}")
        await next_repair(self._stage.home_assistant, as_text(as_objects(listed)[0]["entry_id"]))
        await self._frontend.open_device()
        await expect(self._frontend.tab.get_by_text("kWh").first).to_be_visible()
        await self._take("device")


async def _take_all(stage: Stage) -> bool:
    language = stage.options.language
    async with browser(language) as page:
        await page.set_size(_WIDTH, _HEIGHT)
        await page.sign_in(stage.home_assistant.url, stage.tokens)
        camera = _Camera(stage, Frontend(page, stage.home_assistant.url), language)
        await camera.set_up()
        await camera.options()
        await camera.device()
    return True


def main() -> int:
    """Take all pictures, or those in one language; return the exit status."""
    languages = sys.argv[1:] or [*_FOLDERS]
    try:
        for language in languages:
            folder = _FOLDERS[language]
            folder.mkdir(parents=True, exist_ok=True)
            options = Options(port=0, language=language, folder=_PLACE)
            if not asyncio.run(perform(options, _take_all)):
                return 1
    except (DemoError, OSError) as err:
        say(f"pictures: {err}")
        return 1
    finally:
        shutil.rmtree(_PLACE, ignore_errors=True)
    say(f"The pictures are in {_IMAGES}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
