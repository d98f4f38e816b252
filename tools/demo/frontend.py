"""Actions of a user in the frontend of Home Assistant, in any language."""

from collections.abc import Iterable
import contextlib
from datetime import date
from functools import cache
import json
import re
from typing import Final

from playwright.async_api import Locator, expect

from .browser import Page
from .configuration import DOMAIN
from .errors import DemoError
from .jsons import JsonObject
from .process import ROOT

_NAME: Final = "Wi-SUN Route B"
#: How long the frontend may take to react to a click (milliseconds).
_REACTION: Final = 5_000
#: Gives the text of an element; the frontend lives in nested shadow roots.
_ALL_TEXT: Final = """\
(element) => {
  const text = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.textContent.trim();
    const tag = (node.tagName || '').toLowerCase();
    if (tag === 'script' || tag === 'style') return '';
    const nodes = [...(node.shadowRoot ? [node.shadowRoot] : []), ...node.childNodes];
    return nodes.map(text).filter((part) => part).join('\\n');
  };
  return text(element);
}
"""
#: A list of statistics that is opened before they are known stays empty.
_STATISTICS_KNOWN: Final = """\
async (picker) => {
  while (!picker.statisticIds) await new Promise((done) => requestAnimationFrame(done));
}
"""


@cache
def _translations(language: str) -> JsonObject:
    path = ROOT / "custom_components" / DOMAIN / "translations" / f"{language}.json"
    translations: JsonObject = json.loads(path.read_text(encoding="utf-8"))
    return translations


def words(key: str, language: str = "en") -> str:
    """Return a text of the integration, such as "config.error.credentials_refused"."""
    found: object = _translations(language)
    for part in key.split("."):
        found = found[part] if isinstance(found, dict) else None
    if not isinstance(found, str):
        raise DemoError(f"There is no text {key} in {language}.")
    return found


def connected(language: str = "en") -> str:
    """Return what the last page of the set-up begins with; what follows depends on the meter."""
    return words("config.create_entry.unknown_plain", language)


def about_dashboard(outcome: str, language: str = "en") -> str:
    """Return what the last page says first of the Energy dashboard: "added", "switched" ..."""
    return words(f"config.create_entry.unknown_{outcome}", language).split("\n\n")[1]


async def all_text(element: Locator) -> str:
    """Return every text in an element, one a line."""
    text: str = await element.evaluate(_ALL_TEXT)
    return text


class Frontend:
    """The frontend, in a browser that is signed in."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.tab = page.tab
        self.url = url
        self.dialog = self.tab.locator("dialog-data-entry-flow")
        """The dialog of a flow: set-up, options, reconfiguration."""
        self.entry = self.tab.locator("ha-config-entry-row").first
        """The first meter on the page of the integration."""

    async def open(self, path: str) -> None:
        """Go to a page of Home Assistant."""
        await self.page.open(f"{self.url}{path}")

    async def sees(self, text: str, where: Locator | None = None) -> None:
        """Wait until a text is seen, there or anywhere."""
        seen = (where or self.tab).get_by_text(text).filter(visible=True)
        await expect(seen.first).to_be_visible()

    # --- Dialogs of flows --------------------------------------------------------------

    async def find_integration(self, typed: str = "Wi-SUN") -> None:
        """Look for the integration in the list of all."""
        await self.open("/config/integrations/dashboard")
        await self.tab.locator("ha-config-integrations-dashboard ha-button[slot=fab]").click()
        await self.tab.locator("dialog-add-integration input").fill(typed)
        await self.sees(_NAME, self.tab.locator("dialog-add-integration"))

    async def choose_integration(self) -> None:
        """Choose the integration that was found."""
        await self.tab.locator("dialog-add-integration").get_by_text(_NAME).click()

    async def follow_link_to_set_up(self) -> None:
        """Set up the integration as a "My Home Assistant" link does: a question, then the form."""
        await self.open(f"/config/integrations/dashboard/add?domain={DOMAIN}")
        await self.confirm()

    async def open_ports(self) -> None:
        """Open the list of serial ports."""
        await self.dialog.locator("ha-selector-serial_port ha-picker-field").click()
        await expect(self._own_port).to_be_visible()

    async def enter_port(self, path: str) -> None:
        """Enter a port that is not in the list, which must be open."""
        await self._own_port.click()
        # The list that closes has an input as well, for searching.
        own = self.dialog.locator("ha-selector-serial_port input[required]")
        # It takes the focus, and would take what is typed into another field until then.
        await expect(own).to_be_focused()
        await own.fill(path)

    @property
    def _own_port(self) -> Locator:
        """The last item of the list: "Enter manually"."""
        return self.dialog.locator("ha-picker-combo-box ha-list-item-option").last

    async def enter(self, field: str, text: str) -> None:
        """Enter a text into a text field of the dialog."""
        await self.dialog.locator(f"input[name={field}]").fill(text)

    def number(self, position: int) -> Locator:
        """Return a number field of the dialog by its position among them."""
        return self.dialog.locator("ha-selector-number input").nth(position)

    @property
    def switch(self) -> Locator:
        """The first switch of the dialog."""
        return self.dialog.locator("ha-selector-boolean ha-switch").first

    async def submit(self) -> None:
        """Press the button that goes on, or that closes the last step."""
        await self.dialog.locator("ha-dialog-footer ha-button").last.click()

    async def finish(self) -> None:
        """Close the last step."""
        await self.submit()
        await self._has_closed(self.dialog)

    async def close(self) -> None:
        """Close the dialog before its end."""
        cross = self.dialog.locator("ha-icon-button[data-dialog=close]")
        await cross.filter(visible=True).click()
        await self._has_closed(self.dialog)

    async def _has_closed(self, dialog: Locator) -> None:
        """Wait until a dialog is gone, and the browser has stepped back in its history for that.

        A page that is opened between the two is left again.
        """
        await expect(dialog.locator("ha-dialog")).to_have_count(0)
        await self.tab.wait_for_function("() => !history.state?.dialog")

    # --- The page of the integration ---------------------------------------------------

    async def open_integration(self) -> None:
        """Go to the page of the integration."""
        await self.open(f"/config/integrations/integration/{DOMAIN}")
        await expect(self.tab.locator("ha-config-integration-page")).to_be_visible()

    async def open_options(self) -> None:
        """Open the options of the first meter."""
        await self.entry.locator("ha-icon-button[slot=end]").first.click()
        await expect(self.number(0)).to_be_visible()

    def entry_named(self, name: str) -> Locator:
        """Return the meter of this name on the page of the integration."""
        rows = self.tab.locator("ha-config-entry-row")
        return rows.filter(has=self.tab.get_by_text(name, exact=True))

    async def choose(self, item: str, entry: Locator | None = None) -> None:
        """Choose from the menu of a meter, by default the first: reload, reconfigure, delete ..."""
        menu = (entry or self.entry).locator("ha-dropdown").first
        await menu.locator("ha-icon-button[slot=trigger]").click()
        await menu.locator(f"ha-dropdown-item[value={item}]").click()

    async def attend_to(self, name: str) -> None:
        """Open what needs attention: the dialog for new credentials of the meter of this name."""
        await self.attention(name).locator("ha-button").click()

    def attention(self, name: str) -> Locator:
        """Find what needs attention of the meter of this name, on the page of the integration."""
        rows = self.tab.locator("ha-config-integration-page ha-list-item-base.attention")
        return rows.filter(has=self.tab.get_by_text(name, exact=True))

    async def confirm(self) -> None:
        """Answer a question of the frontend with yes."""
        await self.tab.locator("dialog-box ha-button[slot=primaryAction]").click()

    # --- The electricity tariff --------------------------------------------------------

    async def add_tariff(self, language: str = "en") -> None:
        """Choose to add the tariff of the first meter."""
        menu = self.entry.locator("ha-dropdown").first
        await menu.locator("ha-icon-button[slot=trigger]").click()
        item = words("config_subentries.tariff.initiate_flow.user", language)
        await menu.get_by_text(item).click()
        await expect(self.number(0)).to_be_visible()

    async def fill_in_numbers(self, values: Iterable[str]) -> None:
        """Fill in the number fields of the dialog, from the first one on."""
        for position, value in enumerate(values):
            await self.number(position).fill(value)

    async def add_month(self, position: int, month: str, per_kwh: str) -> None:
        """Add a month and its price to one of the lists of the dialog."""
        lists = self.dialog.locator("ha-selector-object")
        await lists.nth(position).locator("ha-button").last.click()
        form = self.tab.locator("dialog-form")
        await form.locator("ha-selector-text input").fill(month)
        await form.locator("ha-selector-number input").fill(per_kwh)
        await form.locator("ha-dialog-footer ha-button").last.click()
        await expect(form.locator("ha-dialog")).to_have_count(0)

    async def open_tariff(self) -> None:
        """Go to the page of the first meter's tariff."""
        await self.open_integration()
        row = self.tab.locator("ha-config-sub-entry-row ha-config-entry-device-row")
        await row.locator("ha-list-item-button").first.click()
        await expect(self.tab.locator("ha-config-device-page")).to_be_visible()

    # --- The page of the device --------------------------------------------------------

    async def open_device(self, name: str | None = None) -> None:
        """Go to the page of a meter's device: of the meter of this name, or of the first."""
        await self.open_integration()
        entry = self.entry if name is None else self.entry_named(name)
        await entry.locator("ha-config-entry-device-row ha-list-item-button").first.click()
        await expect(self.tab.locator("ha-config-device-page")).to_be_visible()

    def state(self, name: str) -> Locator:
        """Return what the page of the device shows as the state of an entity."""
        rows = self.tab.locator("ha-config-device-page hui-generic-entity-row")
        return rows.filter(has=self.tab.get_by_title(name, exact=True))

    async def value(self, name: str) -> str:
        """Return the state of an entity with its unit, as the page of the device shows it."""
        text: str = await self.state(name).evaluate("(row) => row.textContent")
        return text.strip()

    # --- The Energy dashboard ----------------------------------------------------------

    async def fill_in_grid_connection(self, imported: str, exported: str, power: str) -> None:
        """Choose the sensors in the first step of a dashboard that is not configured yet."""
        await self.open("/energy")
        await self.tab.locator("ha-energy-grid-settings ha-button").first.click()
        await self._pick_statistic(0, imported)
        await self._pick_statistic(1, exported)
        await self._grid.locator("ha-radio-option[value=standard]").click()
        await self._pick_statistic(2, power)

    async def save_grid_connection(self) -> None:
        """Add the meter to the Energy dashboard."""
        await self._grid.locator("ha-button[slot=primaryAction]").click()
        await self._has_closed(self._grid)

    @property
    def _grid(self) -> Locator:
        return self.tab.locator("dialog-energy-grid-settings")

    async def _pick_statistic(self, position: int, name: str) -> None:
        picker = self._grid.locator("ha-statistic-picker").nth(position)
        await picker.evaluate(_STATISTICS_KNOWN)
        await picker.locator("ha-picker-field").click()
        await picker.locator("ha-picker-combo-box").get_by_text(name, exact=True).click()

    async def finish_energy_steps(self) -> None:
        """Go through the other steps to the dashboard itself; English only."""
        show = self.tab.get_by_role("button", name="Show me my energy dashboard!")
        after = self.tab.get_by_role("button", name="Next").or_(show)
        while not await show.is_visible():
            await after.click()
        await show.click()
        await expect(self.tab.locator("hui-energy-period-selector")).to_be_visible()

    async def open_energy_of(self, day: date) -> None:
        """Go to a past day of the Energy dashboard, in English or Japanese."""
        await self.open("/energy/electricity")
        shown = self.tab.locator("hui-energy-period-selector .header-title")
        previous = self.tab.get_by_role("button", name=re.compile("^(Previous|前)$"))
        await expect(shown).to_have_text(re.compile(r"[A-Z][a-z]{2} \d|\d月"))
        names = (f"{day:%b} {day.day}", f"{day.month}月{day.day}日")
        while not (text := (await shown.inner_text()).strip()).startswith(names):
            await previous.click()
            with contextlib.suppress(AssertionError):  # the first click may come too early
                await expect(shown).not_to_have_text(text, timeout=_REACTION)

    def source(self, name: str) -> Locator:
        """Return the day's energy of one source, in the table of all of them."""
        rows = self.tab.locator("hui-energy-sources-table-card tr:visible")
        return rows.filter(has_text=name).locator("td:visible").last

    def energy(self, direction: str) -> Locator:
        """Return the day's energy "imported" from or "exported" to the grid."""
        # The view stays twice in the page, for a wide window and for a narrow one.
        return self.tab.locator(f"hui-energy-grid-balance-card #eq-{direction}:visible")
