"""Repair issues as a person sees them, and a dongle whose port can be shut."""

import asyncio
from collections.abc import Callable
from typing import cast

from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.translation import async_get_translations

from custom_components.wisun_route_b.const import DOMAIN
from custom_components.wisun_route_b.stack import Connector, RouteBError
from custom_components.wisun_route_b.stack.echonet import Frame
from tests.stack.scripted import METER_SAYS, ScriptedDongle, answer_to, erxudp


class FaultyPort:
    """The way to a scripted dongle, on every port; it can be shut."""

    def __init__(self, dongle: ScriptedDongle) -> None:
        self.dongle = dongle
        self.error: RouteBError | None = None
        dongle.on_request = self._answer

    def _answer(self, request: Frame) -> None:
        """Answer without a half-hourly value: the history before that would be looked up."""
        says = {epc: edt for epc, edt in METER_SAYS.items() if epc != 0xEA}
        self.dongle.accept()
        self.dongle.say(erxudp(answer_to(request, says).encode()))

    def connector(self, _: str) -> Connector:
        open_dongle = self.dongle.connector()

        async def connect(
            factory: Callable[[], asyncio.Protocol],
        ) -> tuple[asyncio.Transport, asyncio.Protocol]:
            if self.error is not None:
                raise self.error
            return await open_dongle(factory)

        return connect


def issues(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    """Return our issues by the key of their text."""
    return {
        cast("str", issue.translation_key): issue
        for issue in ir.async_get(hass).issues.values()
        if DOMAIN in (issue.domain, issue.issue_domain) and issue.active
    }


async def texts(hass: HomeAssistant, issue: ir.IssueEntry, language: str = "en") -> dict[str, str]:
    """Return what a person reads, by its place under the issue."""
    prefix = f"component.{DOMAIN}.issues.{issue.translation_key}."
    found = await async_get_translations(hass, language, "issues", {DOMAIN})
    return {
        key.removeprefix(prefix): text.format(**(issue.translation_placeholders or {}))
        for key, text in found.items()
        if key.startswith(prefix) and ".abort." not in key
    }


def count_changes(hass: HomeAssistant) -> list[str]:
    """Return a list that grows with every change of an issue."""
    changes: list[str] = []

    @callback
    def changed(event: Event[ir.EventIssueRegistryUpdatedData]) -> None:
        changes.append(event.data["action"])

    hass.bus.async_listen(ir.EVENT_REPAIRS_ISSUE_REGISTRY_UPDATED, changed)
    return changes
