"""Removal, by the menu of the entry."""

from playwright.async_api import expect
import pytest

from tools.demo.client import HomeAssistantClient
from tools.demo.frontend import Frontend
from tools.demo.jsons import as_objects


@pytest.mark.usefixtures("meter")
async def test_removing_the_meter_leaves_no_device_behind(
    frontend: Frontend, client: HomeAssistantClient
) -> None:
    await frontend.open_integration()
    await frontend.choose("delete")
    await frontend.sees("Its devices and entities will be permanently deleted.")
    await frontend.confirm()

    await expect(frontend.entry).to_have_count(0)
    devices = as_objects(await client.command("config/device_registry/list"))
    assert "Smart meter" not in [device["name"] for device in devices]
