"""What can be changed later: options, and port, ID and password."""

from playwright.async_api import expect
import pytest

from tools.demo.dongle import PASSWORD
from tools.demo.frontend import Frontend, words


@pytest.mark.usefixtures("meter")
async def test_options_are_kept_and_take_effect_at_once(frontend: Frontend) -> None:
    await frontend.open_integration()
    await frontend.open_options()
    await frontend.sees(words("options.step.init.title"))
    await frontend.number(0).fill("15")
    await frontend.switch.click()
    await frontend.submit()
    await frontend.finish()

    await frontend.open_integration()
    await frontend.open_options()
    await expect(frontend.number(0)).to_have_value("15")
    await expect(frontend.switch.get_by_role("switch")).not_to_be_checked()
    days = frontend.dialog.locator("ha-selector-select").first
    await frontend.sees(words("selector.import_days.options.none"), days)
    await frontend.number(0).fill("30")
    await frontend.switch.click()
    await frontend.submit()
    await frontend.finish()

    await frontend.open_device()
    await expect(frontend.state("Imported energy")).to_contain_text("kWh")


@pytest.mark.usefixtures("meter")
async def test_a_wrong_new_password_changes_nothing_and_a_blank_one_keeps_the_old(
    frontend: Frontend,
) -> None:
    await frontend.open_integration()
    await frontend.choose("reconfigure")
    await frontend.sees(words("config.step.reconfigure.title"))
    await frontend.enter("password", PASSWORD[::-1])
    await frontend.submit()
    await frontend.sees(words("config.error.credentials_refused"))

    await frontend.enter("password", "")
    await frontend.submit()
    await frontend.sees("Reconfiguration was successful")
    await frontend.finish()

    await frontend.open_device()
    await expect(frontend.state("Imported energy")).to_contain_text("kWh")


@pytest.mark.usefixtures("meter")
async def test_closing_the_dialog_after_a_failure_brings_the_meter_back(frontend: Frontend) -> None:
    await frontend.open_integration()
    await frontend.choose("reconfigure")
    await frontend.open_ports()
    await frontend.enter_port("/dev/no-such-port")
    await frontend.submit()
    await frontend.sees(words("config.error.port_not_found"))
    await frontend.close()

    await frontend.open_device()
    await expect(frontend.state("Imported energy")).to_contain_text("kWh")


@pytest.mark.usefixtures("meter")
async def test_reloading_brings_the_readings_back(frontend: Frontend) -> None:
    await frontend.open_integration()
    await frontend.choose("reload")
    await frontend.sees("The integration was reloaded")

    await frontend.open_device()
    await expect(frontend.state("Imported energy")).to_contain_text("kWh")
