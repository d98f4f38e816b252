"""Sensors: what a meter says, in the words of Home Assistant."""

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest

from custom_components.wisun_route_b.const import CONF_IDENTITY, DOMAIN
from custom_components.wisun_route_b.stack.echonet import (
    CONTROLLER,
    ESV,
    METER,
    Frame,
    Property,
    property_map,
)
from tests.stack.scripted import METER_SAYS, ScriptedDongle, answer_to, erxudp

from .conftest import entry_for, poll, set_up, state_of

HALF_HOUR_IMPORT = "sensor.smart_meter_imported_at_half_hour"


def saying(dongle: ScriptedDongle, **changes: str | None) -> None:
    """Have the meter answer otherwise: ``E7="..."``; None takes a property away."""
    says = dict(METER_SAYS)
    for code, edt in changes.items():
        says.pop(int(code, 16), None)
        if edt is not None:
            says[int(code, 16)] = edt
    says[0x9F] = property_map.encode(says).hex()
    dongle.know(says)


async def test_sensors_show_what_the_meter_says(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    await set_up(hass, entry_for())

    assert state_of(hass, "power") == "632"
    assert state_of(hass, "current_r") == "3.0"
    assert state_of(hass, "current_t") == "5.0"
    assert state_of(hass, "imported_energy") == "6513.9"
    assert state_of(hass, "exported_energy") == "2.2"


async def test_sensors_carry_what_the_energy_dashboard_asks_for(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    await set_up(hass, entry_for())

    energy = hass.states.get("sensor.smart_meter_imported_energy")
    power = hass.states.get("sensor.smart_meter_power")
    assert energy
    assert power
    assert energy.attributes["state_class"] == "total_increasing"
    assert energy.attributes["device_class"] == "energy"
    assert energy.attributes["unit_of_measurement"] == "kWh"
    assert power.attributes["state_class"] == "measurement"
    assert power.attributes["device_class"] == "power"
    assert power.attributes["unit_of_measurement"] == "W"


@pytest.mark.parametrize(
    ("unit", "state", "decimals"),
    [("00", "65139", 0), ("01", "6513.9", 1), ("04", "6.5139", 4), ("0A", "651390", 0)],
)
async def test_energy_shows_as_many_decimals_as_the_register_has(  # noqa: PLR0917 - fixtures
    hass: HomeAssistant,
    dongle: ScriptedDongle,
    entity_registry: er.EntityRegistry,
    unit: str,
    state: str,
    decimals: int,
) -> None:
    saying(dongle, E1=unit)

    await set_up(hass, entry_for())

    assert state_of(hass, "imported_energy") == state
    entity = entity_registry.async_get("sensor.smart_meter_imported_energy")
    assert entity
    assert entity.options["sensor"]["suggested_display_precision"] == decimals


async def test_selling_is_negative_power(hass: HomeAssistant, dongle: ScriptedDongle) -> None:
    saying(dongle, E7="FFFFFE0C")

    await set_up(hass, entry_for())

    assert state_of(hass, "power") == "-500"


async def test_two_wire_connection_has_no_current_t(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    saying(dongle, E8="001E7FFE")

    await set_up(hass, entry_for())

    assert state_of(hass, "current_r") == "3.0"
    assert state_of(hass, "current_t") is None


async def test_current_whose_first_answer_was_lost_comes_with_the_next(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    saying(dongle, E8="00")  # too short to be true
    await set_up(hass, entry_for())
    assert state_of(hass, "current_t") is None

    saying(dongle)
    await poll(hass)

    assert state_of(hass, "current_r") == "3.0"
    assert state_of(hass, "current_t") == "5.0"


async def test_meter_without_export_gets_no_export_sensor(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    saying(dongle, E3=None)

    await set_up(hass, entry_for())

    assert state_of(hass, "exported_energy") is None
    assert state_of(hass, "imported_energy") == "6513.9"


async def test_meter_that_keeps_its_property_map_to_itself_is_judged_by_its_answers(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    says = {epc: edt for epc, edt in METER_SAYS.items() if epc not in {0x9F, 0xE3}}
    dongle.know(says)
    await set_up(hass, entry_for())

    assert state_of(hass, "power") == "632"
    assert state_of(hass, "imported_energy") == "6513.9"
    assert state_of(hass, "exported_energy") is None


async def test_property_without_data_disturbs_no_other(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    await set_up(hass, entry_for())

    saying(dongle, E7="7FFFFFFE", E0="FFFFFFFE")
    await poll(hass)

    assert state_of(hass, "power") == STATE_UNAVAILABLE
    assert state_of(hass, "imported_energy") == STATE_UNAVAILABLE
    assert state_of(hass, "exported_energy") == "2.2"
    assert state_of(hass, "current_r") == "3.0"


async def test_without_energy_unit_there_is_no_energy(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    saying(dongle, E1=None)

    await set_up(hass, entry_for())

    assert state_of(hass, "imported_energy") == STATE_UNAVAILABLE
    assert state_of(hass, "power") == "632"


async def test_only_what_enabled_sensors_show_is_asked_for(
    hass: HomeAssistant, dongle: ScriptedDongle, entity_registry: er.EntityRegistry
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    for key in (
        *("sensor.smart_meter_current_r", "sensor.smart_meter_current_t"),
        "sensor.smart_meter_exported_energy",
        "sensor.smart_meter_demand",
        "sensor.smart_meter_projected_demand",
        "sensor.smart_meter_monthly_peak_demand",
        "sensor.smart_meter_12_month_peak_demand",
        "sensor.smart_meter_half_hour_import",
        "sensor.smart_meter_half_hour_export",
        "binary_sensor.smart_meter_fault",
    ):
        entity_registry.async_update_entity(key, disabled_by=er.RegistryEntryDisabler.USER)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)

    dongle.requests.clear()
    await poll(hass)

    assert [[item.epc for item in request.properties] for request in dongle.requests] == [
        [0xE7, 0xE0]
    ]


async def test_energy_of_the_last_half_hour_is_looked_up_and_then_announced(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    says = METER_SAYS | {
        # Registers 0xFE68 and 0xFE60 at 14:00 and 13:30, nothing exported.
        0xEC: "07EA05140E0002" + "0000FE68" + "00000016" + "0000FE60" + "00000016",
        0xEB: "07EA05140E000000000016",
    }
    says[0x9F] = property_map.encode({*says, 0xED}).hex()

    def answer(request: Frame) -> None:
        dongle.accept()
        reply = answer_to(request, says)
        if request.esv is ESV.SET_C:
            listed = tuple(Property(item.epc) for item in request.properties)
            reply = Frame(request.tid, METER, CONTROLLER, ESV.SET_RES, listed)
        dongle.say(erxudp(reply.encode()))

    dongle.on_request = answer
    await set_up(hass, entry_for())
    await hass.async_block_till_done(wait_background_tasks=True)
    await poll(hass)
    await hass.async_block_till_done(wait_background_tasks=True)

    key = "sensor.smart_meter_half_hour_import"
    state = hass.states.get(key)
    assert state is not None
    assert (state.state, state.attributes["last_reset"]) == ("0.8", "2026-05-20T13:30:00+09:00")
    assert state_of(hass, "half_hour_export") == "0.0"

    asked = len(dongle.requests)
    push = bytes.fromhex("07EA05140E1E000000FE70"), bytes.fromhex("07EA05140E1E0000000017")
    listed = (Property(0xEA, push[0]), Property(0xEB, push[1]))
    dongle.say(erxudp(Frame(7, METER, CONTROLLER, ESV.INF, listed).encode()))
    await hass.async_block_till_done(wait_background_tasks=True)

    state = hass.states.get(key)
    assert state is not None
    assert (state.state, state.attributes["last_reset"]) == ("0.8", "2026-05-20T14:00:00+09:00")
    assert state_of(hass, "half_hour_export") == "0.1"
    assert len(dongle.requests) == asked


async def test_half_hour_that_is_dated_later_than_now_is_not_kept(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    """Of a meter whose clock was wrong for a moment: it would hide all true ones until then."""
    await set_up(hass, entry_for())
    key = "sensor.smart_meter_half_hour_import"

    # Both ends of one in the year 2099, and of one that is over.
    for stamp, register in (
        ("083305140F0000", "0000FEF0"),
        ("083305140F1E00", "0000FEFF"),
        ("07EA05140D1E00", "0000FE60"),
        ("07EA05140E0000", "0000FE68"),
    ):
        pushed = (Property(0xEA, bytes.fromhex(stamp + register)),)
        dongle.say(erxudp(Frame(7, METER, CONTROLLER, ESV.INF, pushed).encode()))
        await hass.async_block_till_done(wait_background_tasks=True)

    state = hass.states.get(key)
    assert state is not None
    assert (state.state, state.attributes["last_reset"]) == ("0.8", "2026-05-20T13:30:00+09:00")


async def test_half_hour_reading_is_pushed_without_a_poll(
    hass: HomeAssistant, dongle: ScriptedDongle, entity_registry: er.EntityRegistry
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    for key in ("half_hour_imported_energy", "half_hour_reading_time"):
        entity_id = entity_registry.async_get_entity_id(
            "sensor", DOMAIN, f"{entry.data[CONF_IDENTITY]}_{key}"
        )
        assert entity_id
        entity_registry.async_update_entity(entity_id, disabled_by=None)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    requests = len(dongle.requests)

    pushed = Property(0xEA, bytes.fromhex("07EA05140E1E000000FE70"))
    dongle.say(erxudp(Frame(0, METER, CONTROLLER, ESV.INF, (pushed,)).encode()))
    await hass.async_block_till_done()

    assert state_of(hass, "imported_at_half_hour") == "6513.6"
    assert state_of(hass, "half_hour_read_at") == "2026-05-20T05:30:00+00:00"
    assert state_of(hass, "power") == "632"
    assert len(dongle.requests) == requests


async def test_signal_strength_is_that_of_the_last_datagram(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    hass.config_entries.async_update_entry(entry, data={**entry.data, "network": None})

    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()

    assert state_of(hass, "signal_strength") == "-62.5"  # LQI 98 hexadecimal, in the scan


async def test_rarely_wanted_sensors_are_disabled_at_first(
    hass: HomeAssistant, dongle: ScriptedDongle, entity_registry: er.EntityRegistry
) -> None:
    entry = entry_for()
    await set_up(hass, entry)

    disabled = {
        entity.unique_id.removeprefix(f"{entry.data[CONF_IDENTITY]}_")
        for entity in er.async_entries_for_config_entry(entity_registry, entry.entry_id)
        if entity.disabled_by
    }
    assert disabled == {
        "clock_offset",
        "link_quality",
        "lost_answers",
        "operation",
        "reconnects",
        "requests",
        "retries",
        "session_start",
        "half_hour_exported_energy",
        "half_hour_imported_energy",
        "half_hour_reading_time",
    }


async def test_only_the_counters_are_offered_to_the_energy_dashboard(
    hass: HomeAssistant, dongle: ScriptedDongle, entity_registry: er.EntityRegistry
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    for key in ("imported_at_half_hour", "exported_at_half_hour"):
        entity_registry.async_update_entity(f"sensor.smart_meter_{key}", disabled_by=None)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)

    energies = [
        state
        for state in hass.states.async_all("sensor")
        if state.attributes.get("device_class") == "energy"
    ]
    with_statistics = {state.entity_id for state in energies if "state_class" in state.attributes}
    assert "sensor.smart_meter_imported_at_half_hour" in {state.entity_id for state in energies}
    assert with_statistics == {
        "sensor.smart_meter_imported_energy",
        "sensor.smart_meter_exported_energy",
    }


async def test_firmware_that_was_stored_before_is_taken_away(
    hass: HomeAssistant, dongle: ScriptedDongle, device_registry: dr.DeviceRegistry
) -> None:
    entry = entry_for()
    entry.add_to_hass(hass)
    before = device_registry.async_get_or_create(
        config_entry_id=entry.entry_id,
        identifiers={(DOMAIN, entry.data[CONF_IDENTITY])},
        sw_version="ECHONET Lite Appendix F rev. 0",
    )

    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()

    device = device_registry.async_get(before.id)
    assert isinstance(device, dr.DeviceEntry)
    assert device.sw_version is None


async def test_device_is_described_by_its_name_plate(
    hass: HomeAssistant, dongle: ScriptedDongle, device_registry: dr.DeviceRegistry
) -> None:
    entry = entry_for()
    await set_up(hass, entry)

    device = device_registry.async_get_device_by_identifier(
        (DOMAIN, entry.data[CONF_IDENTITY]), entry.entry_id
    )

    assert device
    assert device.name == "Smart meter"
    assert device.model == "Low-voltage smart electricity meter"
    assert device.serial_number == "F24G366505"
    assert device.sw_version is None  # the version of the standard is no firmware


async def test_device_of_a_japanese_house_is_described_in_japanese(
    hass: HomeAssistant, dongle: ScriptedDongle, device_registry: dr.DeviceRegistry
) -> None:
    hass.config.language = "ja"
    entry = entry_for()
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, title="スマートメーター")  # as the dialog does
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()

    (device,) = dr.async_entries_for_config_entry(device_registry, entry.entry_id)

    assert device.name == "スマートメーター"
    assert device.model == "低圧スマート電力量メータ"


async def test_no_name_and_no_id_gives_a_secret_away(
    hass: HomeAssistant,
    dongle: ScriptedDongle,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    devices = dr.async_entries_for_config_entry(device_registry, entry.entry_id)
    entities = er.async_entries_for_config_entry(entity_registry, entry.entry_id)

    shown = f"{entry.title} {entry.unique_id} {devices} {entities}".upper()

    for secret in (entry.data["route_b_id"], entry.data["password"], "001C6400601421A3"):
        assert secret not in shown


async def test_meter_without_a_name_plate_is_a_device_all_the_same(
    hass: HomeAssistant, dongle: ScriptedDongle, device_registry: dr.DeviceRegistry
) -> None:
    saying(dongle, **{"82": None, "8A": None, "8D": None})
    entry = entry_for()

    await set_up(hass, entry)

    (device,) = dr.async_entries_for_config_entry(device_registry, entry.entry_id)
    assert device.name == "Smart meter"
    assert (device.manufacturer, device.serial_number, device.sw_version) == (None, None, None)
