"""The whole stack against the emulated dongle and meter, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from custom_components.wisun_route_b.stack import (
    Credentials,
    Network,
    ReadReport,
    RouteBError,
    SmartMeter,
    errors,
    properties as meter_properties,
)
from tests.virtual_clock import now, run
from tools.emulator import MODELS, PRODUCTS, SECOND_GENERATION, Emulator, EmulatorConfig

#: Every dongle with every form of output it can have.
DONGLES = [
    pytest.param({"dongle": name, "output": output}, id=f"{name}-{output}")
    for name, product in PRODUCTS.items()
    for output in ("ascii", "binary")
    if output == "ascii" or product.has_options
]

type Scenario = Callable[[Emulator, SmartMeter], Awaitable[None]]


def seconds() -> float:
    return asyncio.get_running_loop().time()


def play(
    scenario: Scenario,
    *,
    route_b_id: str | None = None,
    password: str | None = None,
    network: Network | None = None,
    **config: Any,
) -> None:
    """Run a scenario with a meter that is not connected yet."""

    async def whole() -> None:
        async with Emulator(EmulatorConfig(clock=now, **config)) as emulator:
            credentials = Credentials(
                route_b_id or emulator.config.route_b_id, password or emulator.config.password
            )
            meter = SmartMeter(emulator.connector(), credentials, network=network)
            try:
                await scenario(emulator, meter)
            finally:
                await meter.close()

    run(whole())


@pytest.mark.parametrize("config", DONGLES)
@pytest.mark.parametrize("echo", [True, False], ids=["echo", "no-echo"])
@pytest.mark.parametrize("model", MODELS)
def test_every_property_is_what_the_meter_itself_says(
    config: dict[str, Any], echo: bool, model: str
) -> None:
    async def scenario(emulator: Emulator, meter: SmartMeter) -> None:
        await meter.connect()
        assert meter.description is not None
        offered = [meter_properties.PROPERTIES[epc] for epc in sorted(meter.description.readable)]
        assert meter.description.readable == MODELS[model].readable
        report = await meter.read(offered)
        assert report.refused == MODELS[model].refused
        assert not report.absent
        properties = emulator.truth()["properties"]
        assert isinstance(properties, dict)
        assert report.values.keys() == MODELS[model].readable - MODELS[model].refused
        steady = report.values.keys() - {0xD0, 0xE0, 0xE3, 0xE7, 0xE8, 0x97}
        for epc in steady:
            edt = bytes.fromhex(properties[f"{epc:02X}"])
            assert report.values[epc] == meter_properties.PROPERTIES[epc].decode(
                edt, meter.scale
            ), hex(epc)

    play(scenario, echo=echo, model=MODELS[model], **config)


def test_live_values_are_those_of_the_moment_they_were_asked_for() -> None:
    async def scenario(emulator: Emulator, meter: SmartMeter) -> None:
        await meter.connect()
        for _ in range(20):
            await asyncio.sleep(97)
            before = now()
            power = (await meter.read((meter_properties.INSTANTANEOUS_POWER,))).value(
                meter_properties.INSTANTANEOUS_POWER
            )
            elapsed = int((now() - before).total_seconds()) + 1
            possible = {
                emulator.truth(before + timedelta(seconds=second))["power"]
                for second in range(elapsed + 1)
            }
            assert power in possible

    play(scenario)


@pytest.mark.parametrize("days_ago", [0, 1, 50, 99])
def test_history_agrees_with_the_register_at_every_half_hour(days_ago: int) -> None:
    async def scenario(emulator: Emulator, meter: SmartMeter) -> None:
        await meter.connect()
        slots = await meter.day_history(days_ago)
        assert slots[0].at.date() == now().date() - timedelta(days=days_ago)
        for slot in slots:
            if slot.at > now():
                assert slot.registers.normal is slot.registers.reverse is None
                continue
            truth = emulator.truth(slot.at)
            imported, exported = truth["energy_imported"], truth["energy_exported"]
            assert isinstance(imported, dict)
            assert isinstance(exported, dict)
            assert slot.registers.normal == Decimal(imported["kwh"])
            assert slot.registers.reverse == Decimal(exported["kwh"])

    play(scenario)


@pytest.mark.parametrize("count", [1, 10])
def test_minute_history_of_a_second_generation_meter(count: int) -> None:
    async def scenario(emulator: Emulator, meter: SmartMeter) -> None:
        await meter.connect()
        newest = now().replace(second=0, microsecond=0)
        slots = await meter.minute_history(newest, count)
        assert [newest - slot.at for slot in reversed(slots)] == [
            timedelta(minutes=minute) for minute in range(count)
        ]
        for slot in slots:
            imported = emulator.truth(slot.at)["energy_imported"]
            assert isinstance(imported, dict)
            assert slot.registers.normal == Decimal(imported["kwh"])

    play(scenario, model=SECOND_GENERATION)


def test_a_cold_start_is_one_short_scan_and_one_join() -> None:
    async def scenario(emulator: Emulator, meter: SmartMeter) -> None:
        begun = seconds()
        await meter.connect()
        assert seconds() - begun < 12

    play(scenario)


def test_a_cold_start_asks_for_nothing_twice() -> None:
    async def scenario(emulator: Emulator, meter: SmartMeter) -> None:
        report = await meter.connect(first=(meter_properties.INSTANTANEOUS_POWER,))
        assert report.has(meter_properties.INSTANTANEOUS_POWER.epc)
        assert meter.description is not None
        assert meter.description.serial_number is not None
        # What the numbers hang on, and then the first reading with the name plate.
        assert meter.statistics.requests == 2

    play(scenario)


def test_a_meter_that_only_long_scans_hear_is_found() -> None:
    async def scenario(emulator: Emulator, meter: SmartMeter) -> None:
        await meter.connect()
        assert meter.connected

    play(scenario, shortest_scan=7)


def test_a_restart_uses_the_session_that_is_still_alive() -> None:
    async def scenario(emulator: Emulator, meter: SmartMeter) -> None:
        await meter.connect()
        await meter.close()
        credentials = Credentials(emulator.config.route_b_id, emulator.config.password)
        again = SmartMeter(emulator.connector(), credentials, network=meter.network)
        begun = seconds()
        await again.connect()
        assert seconds() - begun < 6
        await again.close()

    play(scenario)


def test_a_session_that_is_still_alive_proves_no_password() -> None:
    async def scenario(emulator: Emulator, meter: SmartMeter) -> None:
        await meter.connect()
        await meter.close()
        wrong = Credentials(emulator.config.route_b_id, emulator.config.password[::-1])
        again = SmartMeter(emulator.connector(), wrong, network=meter.network, require_sign_in=True)
        with pytest.raises(errors.CredentialsRefusedError):
            await again.connect()
        await again.close()
        # The right one is still accepted.
        await meter.connect()
        assert meter.connected

    play(scenario)


def test_a_session_that_was_ended_is_made_anew_without_a_scan() -> None:
    async def scenario(emulator: Emulator, meter: SmartMeter) -> None:
        await meter.connect()
        await meter.close(end_session=True)
        begun = seconds()
        await meter.connect()
        # The meter takes no part in a sign-in for ten seconds after the end of a session.
        assert 10 < seconds() - begun < 20
        assert meter.connected

    play(scenario)


def test_a_meter_that_has_moved_to_another_channel_is_found_again() -> None:
    async def scenario(emulator: Emulator, meter: SmartMeter) -> None:
        await meter.connect()
        assert meter.network != elsewhere
        assert meter.connected

    elsewhere = Network(0x21, 0x1234, "001C640000000001")
    play(scenario, network=elsewhere)


def test_neighbours_are_never_joined() -> None:
    async def scenario(emulator: Emulator, meter: SmartMeter) -> None:
        await meter.connect()
        report = await meter.read((meter_properties.INSTANTANEOUS_POWER,))
        assert report.has(meter_properties.INSTANTANEOUS_POWER.epc)

    play(scenario, neighbours=5)


def test_a_wrong_password_is_refused_after_about_38_seconds() -> None:
    async def scenario(emulator: Emulator, meter: SmartMeter) -> None:
        begun = seconds()
        with pytest.raises(errors.CredentialsRefusedError):
            await meter.connect()
        assert 38 < seconds() - begun < 55

    play(scenario, password="BA9876543210")


@pytest.mark.parametrize(
    "trouble",
    [
        {"route_b_id": "F" * 32},
        {"in_range": False},
        {"route_b_id": "F" * 32, "neighbours": 3},
    ],
    ids=["wrong ID", "no meter in range", "wrong ID among neighbours"],
)
def test_no_meter_is_not_a_wrong_password(trouble: dict[str, Any]) -> None:
    async def scenario(emulator: Emulator, meter: SmartMeter) -> None:
        with pytest.raises(errors.MeterNotFoundError):
            await meter.connect()

    play(scenario, **trouble)


def test_a_meter_out_of_range_is_not_a_wrong_password_either() -> None:
    async def scenario(emulator: Emulator, meter: SmartMeter) -> None:
        with pytest.raises((errors.JoinFailedError, errors.MeterNotFoundError)) as raised:
            await meter.connect()
        assert not isinstance(raised.value, errors.CredentialsRefusedError)

    play(scenario, in_range=False, network=Network(0x31, 0x21A3, "001C6400601421A3"))


@pytest.mark.parametrize("push", ["inf", "infc"])
@pytest.mark.parametrize("config", DONGLES)
def test_half_hours_are_pushed_and_right(config: dict[str, Any], push: str) -> None:
    async def scenario(emulator: Emulator, meter: SmartMeter) -> None:
        await meter.connect()
        heard: list[ReadReport] = []
        meter.subscribe(heard.append)
        await asyncio.sleep(2 * 3600 + 300)
        assert len(heard) == 4
        for report in heard:
            for row, key in (
                (meter_properties.FIXED_TIME_ENERGY_NORMAL, "energy_imported"),
                (meter_properties.FIXED_TIME_ENERGY_REVERSE, "energy_exported"),
            ):
                reading = report.value(row)
                assert reading is not None
                fixed = emulator.truth(reading.measured_at)[key]
                assert isinstance(fixed, dict)
                assert reading.energy == Decimal(fixed["kwh"])

    play(scenario, push=push, **config)


def test_an_hour_of_polling_loses_nothing() -> None:
    async def scenario(emulator: Emulator, meter: SmartMeter) -> None:
        lost: list[RouteBError] = []
        await meter.connect()
        meter.on_lost(lost.append)
        for _ in range(120):
            await meter.read((meter_properties.INSTANTANEOUS_POWER,))
            await asyncio.sleep(30)
        assert not lost
        assert meter.statistics.answers == meter.statistics.requests

    play(scenario, push="infc")
