"""The set-up dialog with a dongle that speaks J11: a wrong password, then the right one."""

from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import expect
import pytest

from tools.demo.client import HomeAssistantClient
from tools.demo.dongle import PASSWORD, ROUTE_B_ID
from tools.demo.frontend import Frontend, connected, words
from tools.demo.onboarding import choose_language
from tools.emulator import Emulator, EmulatorConfig

from .conftest import remove_meters


@pytest.fixture
async def j11_port(tmp_path: Path) -> AsyncIterator[str]:
    """The serial port of an emulated J11 dongle, whose waits are ten times shorter than real ones."""
    port = str(tmp_path / "j11")
    config = EmulatorConfig(
        dongle="rs-wsuha-j11", route_b_id=ROUTE_B_ID, password=PASSWORD, speed=10.0, seed=2
    )
    async with Emulator(config) as emulator:
        emulator.serve_pty(port)
        yield port


@pytest.mark.usefixtures("no_meter")
async def test_a_j11_dongle_is_set_up_after_a_wrong_password(
    frontend: Frontend, client: HomeAssistantClient, j11_port: str
) -> None:
    await frontend.find_integration()
    await frontend.choose_integration()
    await _set_up(frontend, j11_port, "en")
    # Finishing leads to the device, once the dialog has heard of it.
    await frontend.sees("Low-voltage smart electricity meter", frontend.dialog)
    await frontend.finish()
    await expect(frontend.state("Imported energy")).to_contain_text("kWh")
    await remove_meters(client)


@pytest.mark.usefixtures("no_meter")
async def test_a_j11_dongle_is_set_up_in_japanese(
    frontend: Frontend, client: HomeAssistantClient, j11_port: str
) -> None:
    await choose_language(client, "ja")
    try:
        await frontend.follow_link_to_set_up()
        await _set_up(frontend, j11_port, "ja")
    finally:
        await choose_language(client, "en")
        await remove_meters(client)


async def _set_up(frontend: Frontend, port: str, language: str) -> None:
    """Type a wrong password, see that it was refused, and type the right one."""
    await frontend.open_ports()
    await frontend.enter_port(port)
    await frontend.enter("route_b_id", ROUTE_B_ID)
    await frontend.enter("password", PASSWORD[::-1])
    await frontend.submit()
    await frontend.sees(words("config.error.credentials_refused", language))

    await frontend.enter("password", PASSWORD)
    await frontend.submit()
    await frontend.sees(connected(language))
