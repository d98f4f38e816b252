"""Takes the picture of a month whose days have costs: `python -m tools.demo.costs_pictures [en] [ja]`."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
import sys
from typing import Final

from playwright.async_api import expect

from .browser import browser
from .errors import DemoError
from .options import Options
from .process import ROOT
from .set_up import COMPENSATION_PER_KWH, PRICE_PER_KWH, sensors_of
from .stage import Stage, perform, say
from .statistics import full_hour, hours_of
from .watching import import_done

_FOLDERS: Final = {"en": ROOT / "docs" / "images", "ja": ROOT / "docs" / "images" / "ja"}
_WORDS: Final = {
    "en": ("Cost per day", "Cost", "Compensation"),
    "ja": ("1日ごとの料金", "料金", "売電"),
}
#: Path of the dashboard; Home Assistant wants a hyphen in it.
_PATH: Final = "cost-per-day"
_DAYS: Final = 30
_WIDTH: Final = 1280
_HEIGHT: Final = 490
#: The bars grow for a second when they are drawn.
_GROWING: Final = 4.0
_YEN: Final = Decimal("0.01")


async def take_costs(stage: Stage) -> bool:
    """Import a month, check the costs of all its hours, and look at them day by day.

    Raises:
        DemoError: The cost of an hour is not its energy times the price.
    """
    entry_id = await stage.set_up()
    await import_done(stage.home_assistant, entry_id)
    imported, exported = await _checked(stage, entry_id)
    await _make_dashboard(stage, f"{imported}_cost", f"{exported}_compensation")
    await _take(stage, _FOLDERS[stage.options.language] / "energy-costs.png")
    return True


async def _checked(stage: Stage, entry_id: str) -> tuple[str, str]:
    """Return both energy sensors if every hour has its cost."""
    sensors = await sensors_of(stage.home_assistant, entry_id)
    imported, exported = sensors["imported_energy"], sensors["exported_energy"]
    for energy, cost, price in (
        (imported, f"{imported}_cost", PRICE_PER_KWH),
        (exported, f"{exported}_compensation", COMPENSATION_PER_KWH),
    ):
        end = full_hour(stage.clock.now()) - timedelta(hours=1)
        start = end - timedelta(days=_DAYS - 1)
        client = stage.home_assistant
        bars = {bar.start: bar.change for bar in await hours_of(client, energy, start, end)}
        costs = {bar.start: bar.change for bar in await hours_of(client, cost, start, end)}
        wrong = [
            f"{cost} at {hour.isoformat()}: {costs.get(hour)} for {kwh} kWh"
            for hour, kwh in bars.items()
            if not _is_price_of(costs.get(hour), kwh, price)
        ]
        if wrong or len(bars) < 24 * (_DAYS - 1):
            raise DemoError("\n".join(wrong) or f"{energy} has {len(bars)} hours only.")
    return imported, exported


def _is_price_of(cost: Decimal | None, kwh: Decimal | None, price: Decimal) -> bool:
    return cost is not None and kwh is not None and abs(cost - kwh * price) <= _YEN


async def _make_dashboard(stage: Stage, cost: str, compensation: str) -> None:
    """Make a dashboard with one card: that of docs/energy.md."""
    client = stage.home_assistant
    title, bought, sold = _WORDS[stage.options.language]
    card = {
        "type": "statistics-graph",
        "title": title,
        "chart_type": "bar",
        "period": "day",
        "days_to_show": _DAYS,
        "stat_types": ["change"],
        "entities": [
            {"entity": cost, "name": bought},
            {"entity": compensation, "name": sold},
        ],
    }
    await client.command("lovelace/dashboards/create", url_path=_PATH, title=title)
    view = {"title": title, "type": "panel", "cards": [card]}
    await client.command("lovelace/config/save", url_path=_PATH, config={"views": [view]})


async def _take(stage: Stage, path: Path) -> None:
    url = stage.home_assistant.url
    async with browser(stage.options.language) as page:
        await page.set_size(_WIDTH, _HEIGHT)
        await page.sign_in(url, stage.tokens)
        await page.open(f"{url}/{_PATH}/0")
        card = page.tab.locator("hui-statistics-graph-card")
        await expect(card.locator("canvas").first).to_be_visible()
        await asyncio.sleep(_GROWING)
        await card.screenshot(path=path, animations="disabled")


def main() -> int:
    """Take the picture in all languages, or in those that are named; return the exit status."""
    for language in sys.argv[1:] or _FOLDERS:
        try:
            if not asyncio.run(perform(Options(port=0, language=language), take_costs)):
                return 1
        except (DemoError, OSError) as err:
            say(f"pictures: {err}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
