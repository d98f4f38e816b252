"""The set-up dialog, from the first page to the device."""

import re

from playwright.async_api import expect
import pytest

from tools.demo.client import HomeAssistantClient
from tools.demo.dongle import PASSWORD, ROUTE_B_ID
from tools.demo.frontend import Frontend, about_dashboard, all_text, connected, words
from tools.demo.onboarding import choose_language

from .ha_instance import HomeAssistantInstance

#: Latin letters that a Japanese text has as well.
_INTERNATIONAL = re.compile(r"Wi-SUN|ESPHome|Home Assistant|Route B|Bルート|[A-Z]{1,2}|USB")


@pytest.mark.parametrize("typed", ["スマートメーター", "Bルート", "電力", "smart meter"])
async def test_what_people_type_finds_the_integration(frontend: Frontend, typed: str) -> None:
    await frontend.find_integration(typed)


@pytest.mark.usefixtures("no_meter")
async def test_a_wrong_id_and_a_wrong_password_are_told_and_corrected(
    frontend: Frontend, instance: HomeAssistantInstance
) -> None:
    await frontend.find_integration()
    await frontend.choose_integration()
    await frontend.sees(words("config.step.user.title"))

    # An ID that was copied in part is found out without asking any meter.
    await frontend.open_ports()
    await frontend.enter_port(instance.dongle)
    await frontend.enter("route_b_id", ROUTE_B_ID[:20])
    await frontend.enter("password", PASSWORD)
    await frontend.submit()
    await frontend.sees(words("config.error.invalid_route_b_id"))

    # What is still right need not be typed again, the password apart.
    await frontend.enter("route_b_id", ROUTE_B_ID)
    await frontend.enter("password", "ZZZZZZ999999")
    await frontend.submit()
    await frontend.sees(words("config.progress.join"))
    await frontend.sees(words("config.error.credentials_refused"))

    await frontend.enter("password", PASSWORD)
    await frontend.submit()
    await frontend.sees(connected())
    # Finishing leads to the device, once the dialog has heard of it.
    await frontend.sees("Low-voltage smart electricity meter", frontend.dialog)
    await frontend.finish()
    await expect(frontend.state("Imported energy")).to_contain_text("kWh")


@pytest.mark.usefixtures("no_meter")
async def test_a_port_without_a_dongle_is_told_within_seconds(frontend: Frontend) -> None:
    await frontend.follow_link_to_set_up()
    await frontend.open_ports()
    await frontend.enter_port("/dev/no-such-port")
    await frontend.enter("route_b_id", ROUTE_B_ID)
    await frontend.enter("password", PASSWORD)
    await frontend.submit()
    await frontend.sees(words("config.error.port_not_found"))


@pytest.mark.usefixtures("no_meter")
async def test_the_dialog_speaks_japanese_to_the_end(
    frontend: Frontend, instance: HomeAssistantInstance, client: HomeAssistantClient
) -> None:
    # An earlier test may have left a connection, for which the switch of the form is off.
    await client.command("energy/save_prefs", energy_sources=[])
    await choose_language(client, "ja")
    try:
        await frontend.follow_link_to_set_up()
        await frontend.sees(words("config.step.user.title", "ja"))
        await _is_japanese(frontend)
        for field in ("device", "route_b_id", "password", "import_days"):
            await frontend.sees(words(f"config.step.user.data.{field}", "ja"))
            await frontend.sees(words(f"config.step.user.data_description.{field}", "ja"))

        await frontend.open_ports()
        await frontend.enter_port(instance.dongle)
        await frontend.enter("route_b_id", ROUTE_B_ID)
        await frontend.enter("password", PASSWORD[:3])
        await frontend.submit()
        await frontend.sees(words("config.error.invalid_password", "ja"))
        await _is_japanese(frontend, instance.dongle)

        # It takes the dongle some seconds to give up, so the progress is there to be seen.
        await frontend.enter("password", PASSWORD[::-1])
        await frontend.submit()
        await frontend.sees(words("config.progress.join", "ja"))
        await frontend.sees(words("config.error.credentials_refused", "ja"))
        await _is_japanese(frontend, instance.dongle)

        await frontend.enter("password", PASSWORD)
        await frontend.submit()
        # In the language of the person, in an English home; only the meter is named for all.
        await frontend.sees(connected("ja"))
        await frontend.sees(about_dashboard("added", "ja"))
        assert connected("en") not in await all_text(frontend.dialog)
    finally:
        await choose_language(client, "en")


async def _is_japanese(frontend: Frontend, *typed: str) -> None:
    """Check that every line of the dialog is Japanese, apart from what was typed."""
    for line in (await all_text(frontend.dialog)).splitlines():
        if line not in typed:
            rest = _INTERNATIONAL.sub("", line)
            assert not re.search("[A-Za-z]{2}|[a-z]_[a-z]", rest), line
