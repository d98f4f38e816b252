"""Two meters behind two dongles: each has a name of its own, its values and its troubles."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
import re

from playwright.async_api import expect
import pytest

from tools.demo.client import HomeAssistantClient
from tools.demo.dongle import PASSWORD, ROUTE_B_ID, true_values
from tools.demo.frontend import Frontend, connected, words
from tools.emulator import Emulator

from .conftest import SecondDongle, remove_meters
from .counted import JAPAN
from .ha_instance import HomeAssistantInstance

#: Age that a shown register may have: the clock of the demo is behind by up to five minutes.
_OLD = timedelta(minutes=20)
#: What Home Assistant logs once when credentials were refused, perhaps by mistake at first: an error, and its
#: traceback for us.
_REFUSED = re.compile(
    r"fetching Smart meter 2 data: The meter (refused the sign-in|was found, but it did not answer the sign-in)"
    r"|Full error:[\s\S]*: The meter (refused the sign-in|was found, but it did not answer the sign-in)"
)
#: Milliseconds until the meter has refused often enough: each time takes the dongle some 40 s.
_REFUSED_OFTEN = 420_000.0


@pytest.mark.usefixtures("no_meter")
async def test_trouble_of_one_meter_names_it_and_leaves_the_other_reading(
    frontend: Frontend,
    instance: HomeAssistantInstance,
    client: HomeAssistantClient,
    second: SecondDongle,
) -> None:
    await _set_up(frontend, instance.dongle, ROUTE_B_ID)
    await _set_up(frontend, second.port, second.route_b_id)

    await frontend.open_device("Smart meter 2")
    await _shows(frontend, lambda at: Decimal(_kwh(second.emulator, at)))
    await frontend.open_device("Smart meter")
    await _shows(frontend, lambda at: true_values(at)["imported_energy"])

    # The second meter refuses its password until it is entered again.
    instance.expect_complaint(_REFUSED)
    second.emulator.faults.refuse_sign_ins(on=True)
    second.emulator.faults.terminate()
    await frontend.open_integration()
    await expect(frontend.attention("Smart meter 2")).to_be_visible(timeout=_REFUSED_OFTEN)
    await frontend.attend_to("Smart meter 2")
    question = words("config.step.reauth_confirm.description")
    await frontend.sees(question.replace("{name}", "Smart meter 2"), frontend.dialog)
    await frontend.close()
    await frontend.open_device("Smart meter")
    await _goes_on(frontend)

    second.emulator.faults.refuse_sign_ins(on=False)
    await frontend.open_integration()
    await frontend.attend_to("Smart meter 2")
    await frontend.enter("password", PASSWORD)
    await frontend.submit()
    await frontend.sees("Re-authentication was successful")
    await frontend.finish()
    await frontend.open_device("Smart meter 2")
    await _goes_on(frontend)

    await frontend.open_integration()
    await frontend.choose("delete", frontend.entry_named("Smart meter 2"))
    await frontend.sees("Delete Smart meter 2?")
    await frontend.confirm()
    await expect(frontend.entry_named("Smart meter 2")).to_have_count(0)
    await frontend.open_device("Smart meter")
    await _goes_on(frontend)
    await remove_meters(client)


async def _set_up(frontend: Frontend, port: str, route_b_id: str) -> None:
    """Go through the dialog, and leave out the days before."""
    await frontend.follow_link_to_set_up()
    await frontend.open_ports()
    await frontend.enter_port(port)
    await frontend.enter("route_b_id", route_b_id)
    await frontend.enter("password", PASSWORD)
    await frontend.submit()
    await frontend.sees(connected())


def _kwh(emulator: Emulator, at: datetime) -> str:
    energy = emulator.truth(at)["energy_imported"]
    assert isinstance(energy, dict)
    return str(energy["kwh"])


async def _shows(frontend: Frontend, counted: Callable[[datetime], Decimal | None]) -> None:
    """Check that the page of a device shows what this meter has counted."""
    await expect(frontend.state("Imported energy")).to_contain_text("kWh")
    shown = Decimal((await frontend.value("Imported energy")).split()[0].replace(",", ""))
    now = datetime.now(JAPAN)
    before, after = counted(now - _OLD), counted(now)
    assert before is not None
    assert after is not None
    assert before <= shown <= after


async def _goes_on(frontend: Frontend) -> None:
    """Wait for the next reading; the power of a household is never quite the same."""
    await expect(frontend.state("Power")).to_contain_text("W")
    before = await frontend.value("Power")
    await expect(frontend.state("Power")).not_to_contain_text(before)
