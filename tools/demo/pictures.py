"""Takes the pictures of the documentation: `scripts/pictures [en] [ja]`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
import re
import shutil
import sys
from typing import Final

from playwright.async_api import Locator, expect

from tools.emulator import JST

from .browser import browser
from .configuration import DOMAIN
from .costs_pictures import take_costs
from .dongle import PASSWORD, ROUTE_B_ID
from .errors import DemoError
from .frontend import Frontend, connected, words
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
#: For a dialog that would be empty below.
_LOW: Final = 420
#: For a dialog with many fields.
_HIGH: Final = 1700
#: Prices of a worked example, kepco.jp/ryokin/menu/dento_a, with a reading on the first: a minimum charge
#: and the energy in it, three steps with their limits between, a discount.
_TARIFF: Final = ("1", "522.58", "15", "20.21", "120", "25.61", "300", "28.59", "-55")
#: From which month on adjustment and levy are valid: before all that is shown.
_MONTH: Final = "2026-05"
#: Milliseconds until the use of a whole period is read from the meter, and some more.
_READING: Final = 900_000.0
#: Some pictures on a page are drawn, or grow, after everything else is there (seconds).
_SETTLING: Final = 2.0
#: Home Assistant's own name of the sensor.
_POWER: Final = {"en": "Power", "ja": "電力"}
#: The dongle of the picture of a wrong password, in which nothing shows that it speaks J11.
_J11_DONGLE: Final = "rs-wsuha-j11"
#: Slow enough for a picture of what is shown meanwhile.
_SPEED: Final = 1.0


class _Camera:
    """Takes pictures of one Home Assistant, for readers of one language."""

    def __init__(self, stage: Stage, frontend: Frontend, language: str) -> None:
        self._stage, self._frontend, self._language = stage, frontend, language

    def _words(self, key: str) -> str:
        return words(key, self._language)

    async def _take(self, name: str, of: Locator | None = None, height: int = _HEIGHT) -> None:
        """Take the whole page, or what is seen of one element and a little around it."""
        page = self._frontend.page
        await page.set_size(_WIDTH, height)
        await page.tab.mouse.move(0, 0)  # or an element under it is highlighted
        await asyncio.sleep(_SETTLING)
        path = _FOLDERS[self._language] / f"{name}.png"
        if of is None:
            await page.save_picture(path)
        else:
            await of.screenshot(path=path, animations="disabled")

    @property
    def _dialog(self) -> Locator:
        return self._frontend.tab.locator("dialog[open]").first

    async def find(self) -> None:
        """Look for the integration."""
        await self._frontend.find_integration()
        await self._take("add-integration", self._dialog, height=_LOW)

    async def _fill_in(self, password: str) -> None:
        """Open the form of the set-up, and fill in what it needs."""
        frontend = self._frontend
        await frontend.choose_integration()
        await frontend.sees(self._words("config.step.user.title"))
        await frontend.open_ports()
        await frontend.enter_port(str(self._stage.configuration.dongle))
        await frontend.enter("route_b_id", ROUTE_B_ID)
        await frontend.enter("password", password)

    async def refusal(self) -> None:
        """See a wrong password refused."""
        await self._frontend.find_integration()
        await self._fill_in(PASSWORD[::-1])
        await self._frontend.submit()
        await self._frontend.sees(self._words("config.error.credentials_refused"))
        await self._take("setup-refused", self._dialog)
        await self._frontend.close()

    async def set_up(self) -> None:
        """Go through the set-up."""
        frontend = self._frontend
        await self._fill_in(PASSWORD)
        await self._take("setup-form", self._dialog)
        await frontend.submit()
        await frontend.sees(self._words("config.progress.scan"))
        await self._take("setup-progress", self._dialog)
        await frontend.sees(connected(self._language))
        await self._take("setup-connected", self._dialog)
        await frontend.finish()

    async def take_over(self) -> None:
        """Look at the offer to take over from Home Assistant's own integration."""
        frontend = self._frontend
        await frontend.follow_link_to_set_up()
        await frontend.sees(self._words("config.step.start.title"))
        await self._take("take-over-menu", self._dialog)
        await frontend.dialog.get_by_text(
            self._words("config.step.start.menu_options.take_over")
        ).click()
        await frontend.sees(self._words("config.step.take_over.title"))
        await self._take("take-over-form", self._dialog)
        await frontend.close()

    async def options(self) -> None:
        """Look at the options."""
        await self._frontend.open_integration()
        await self._frontend.open_options()
        await self._take("options", self._dialog)

    async def device(self) -> None:
        """Look at the device when the first of the days before have been imported."""
        say("Waiting for the import, so that there is something to see.")
        listed = await self._stage.home_assistant.get(f"{_ENTRIES}?domain={DOMAIN}")
        await next_repair(self._stage.home_assistant, as_text(as_objects(listed)[0]["entry_id"]))
        await self._frontend.open_device()
        await expect(self._frontend.tab.get_by_text("kWh").first).to_be_visible()
        await self._take("device")

    async def yesterday(self) -> None:
        """Look at the Energy dashboard as the set-up and the import have left it."""
        now = self._stage.clock.now().astimezone(JST)
        await self._frontend.open_energy_of((now - timedelta(days=1)).date())
        await expect(self._frontend.energy("imported")).to_contain_text(re.compile(r"[1-9]"))
        await self._take("energy-yesterday")

    async def tariff(self) -> None:
        """Fill in the electricity tariff, and look at the bill when the use was read."""
        frontend, page = self._frontend, "config_subentries.tariff.step"
        await frontend.open_integration()
        await frontend.add_tariff(self._language)
        await frontend.fill_in_numbers(_TARIFF)
        await self._take("tariff-form", self._dialog, height=_HIGH)
        await frontend.submit()
        await frontend.sees(self._words(f"{page}.adjustments.title"))
        await frontend.add_month(0, _MONTH, "-1.5")
        await frontend.add_month(1, _MONTH, "3.98")
        await self._take("tariff-adjustments", self._dialog)
        await frontend.submit()
        await frontend.finish()
        say("Waiting until the use since the meter reading is read.")
        await frontend.open_tariff()
        bill = frontend.state(self._words("entity.sensor.bill_expected.name"))
        await expect(bill).to_contain_text(re.compile(r"\d"), timeout=_READING)
        await self._take("tariff", height=_LOW)

    async def energy(self) -> None:
        """Look at the question of the Energy dashboard which sensors count for the grid."""
        # As if the switch of the set-up had been off.
        await self._stage.home_assistant.command("energy/save_prefs", energy_sources=[])
        await self._frontend.fill_in_grid_connection(
            imported=self._words("entity.sensor.imported_energy.name"),
            exported=self._words("entity.sensor.exported_energy.name"),
            power=_POWER[self._language],
        )
        await self._frontend.tab.locator("ha-statistic-picker").first.scroll_into_view_if_needed()
        await self._take("energy-grid", self._dialog)


@asynccontextmanager
async def _camera(stage: Stage) -> AsyncIterator[_Camera]:
    language = stage.options.language
    async with browser(language) as page:
        await page.set_size(_WIDTH, _HEIGHT)
        await page.sign_in(stage.home_assistant.url, stage.tokens)
        yield _Camera(stage, Frontend(page, stage.home_assistant.url), language)


async def _take_new_meter(stage: Stage) -> bool:
    async with _camera(stage) as camera:
        await camera.find()
        await camera.set_up()
        await camera.options()
        await camera.device()
        await camera.yesterday()
        await camera.energy()
        await camera.tariff()
    return True


async def _take_refusal(stage: Stage) -> bool:
    async with _camera(stage) as camera:
        await camera.refusal()
    return True


async def _take_take_over(stage: Stage) -> bool:
    async with _camera(stage) as camera:
        await camera.take_over()
    return True


def main() -> int:
    """Take all pictures, or those in one language; return the exit status."""
    languages = sys.argv[1:] or [*_FOLDERS]
    try:
        for language in languages:
            folder = _FOLDERS[language]
            folder.mkdir(parents=True, exist_ok=True)
            options = Options(port=0, language=language, speed=_SPEED, folder=_PLACE)
            if not asyncio.run(perform(options, _take_new_meter)):
                return 1
            if not asyncio.run(perform(Options(port=0, language=language), take_costs)):
                return 1
            options_j11 = replace(options, dongle=_J11_DONGLE)
            if not asyncio.run(perform(options_j11, _take_refusal)):
                return 1
            options = replace(options, core=True)
            if not asyncio.run(perform(options, _take_take_over)):
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
