"""Takes the pictures of an outage, before and after: `python -m tools.demo.outage_pictures`."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
import sys
from typing import Final

from tools.emulator import JST

from . import outage
from .browser import browser
from .errors import DemoError
from .options import Options
from .process import ROOT
from .stage import Stage, perform, say

_IMAGES: Final = ROOT / "docs" / "images"
_LENGTH: Final = timedelta(hours=6)
_WIDTH: Final = 1280
_HEIGHT: Final = 760
#: The bars grow for a second when they are drawn.
_GROWING: Final = 4.0


async def _take(stage: Stage, day: datetime, path: Path) -> None:
    """Take a picture of that day in the Energy dashboard."""
    days_ago = (stage.clock.now().astimezone(JST).date() - day.astimezone(JST).date()).days
    period = "today" if days_ago == 0 else "yesterday"
    url = stage.home_assistant.url
    async with browser() as page:
        await page.set_size(_WIDTH, _HEIGHT)
        await page.sign_in(url, stage.tokens)
        await page.tab.add_init_script(
            "for (const key of ['_energy', '_energy_dashboard'])"
            f"localStorage.setItem(`energy-default-period-${{key}}`, '{period}')"
        )
        await page.open(f"{url}/energy/electricity")
        await page.tab.get_by_text("Smart meter Imported energy").first.wait_for()
        await asyncio.sleep(_GROWING)
        await page.save_picture(path)


async def _play(stage: Stage, back: datetime) -> list[str]:
    async def pause(stage: Stage, _: datetime, ended: datetime) -> None:
        await _take(stage, ended, _IMAGES / "energy-before.png")

    played = await outage.play(stage, back, pause)
    await _take(stage, played.ended, _IMAGES / "energy-after.png")
    return played.wrong


def main() -> int:
    """Take both pictures; return the exit status."""
    back = outage.back_again()
    clock = outage.clock_before(_LENGTH, back)
    try:
        wrong = asyncio.run(perform(Options(port=0), lambda stage: _play(stage, back), clock))
    except (DemoError, OSError) as err:
        say(f"pictures: {err}")
        return 1
    if wrong is None:
        return 1
    say(f"The pictures are in {_IMAGES}.")
    for fault in wrong:
        say(f"wrong: {fault}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
