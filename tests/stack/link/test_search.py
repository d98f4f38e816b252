"""Where and how long the link looks for a meter, and how long it waits for one where it was before."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from custom_components.wisun_route_b.stack import (
    Credentials,
    Network,
    Progress,
    RouteBError,
    SmartMeter,
    Stage,
    errors,
)
from custom_components.wisun_route_b.stack.dongle.scan_passes import (
    CHANNELS,
    METER_CHANNELS,
    ScanPass,
    scan_passes,
)
from tests import transcripts
from tests.stack.scripted import (
    DONGLE_IP,
    METER_IP,
    NEIGHBOUR_IP,
    NETWORK,
    PASSWORD,
    ROUTE_B_ID,
    ScriptedDongle,
    pana,
)
from tests.virtual_clock import now, run
from tools.emulator import Emulator, EmulatorConfig

NOTHING = f"OK\r\nEVENT 22 {DONGLE_IP}\r\n".encode()
ELSEWHERE = Network(0x21, 0x1234, "001C640000000001")


def seconds() -> float:
    return asyncio.get_running_loop().time()


# --- The passes --------------------------------------------------------------------------


def test_every_network_of_the_captures_is_on_a_channel_of_meters() -> None:
    channels = {
        int(line.partition(b":")[2], 16)
        for capture in transcripts.load_all()
        for line in capture.received()
        if line.startswith(b"  Channel:")
    }
    assert len(channels) > 3
    assert channels <= set(METER_CHANNELS)


@pytest.mark.parametrize("shortened", [True, False])
@pytest.mark.parametrize("channels", [CHANNELS, METER_CHANNELS])
def test_a_search_begins_short_and_ends_on_all_channels_of_the_dongle(
    channels: range, shortened: bool
) -> None:
    passes = scan_passes(channels, shortened=shortened)

    assert passes[0] == ScanPass(METER_CHANNELS, 5)
    assert passes[-1].channels == channels
    assert [each.duration for each in passes] == sorted(each.duration for each in passes)


# --- Against the emulated meter ----------------------------------------------------------


def search(*, network: Network | None = None, **config: Any) -> tuple[RouteBError | None, float]:
    """Connect once; return why that failed, if it did, and how many seconds it took."""

    async def whole() -> tuple[RouteBError | None, float]:
        async with Emulator(EmulatorConfig(clock=now, **config)) as emulator:
            credentials = Credentials(emulator.config.route_b_id, emulator.config.password)
            meter = SmartMeter(emulator.connector(), credentials, network=network)
            begun = seconds()
            try:
                await meter.connect()
            except RouteBError as err:
                return err, seconds() - begun
            else:
                assert meter.network is not None
                assert meter.network.address == emulator.air.pan.mac
                return None, seconds() - begun
            finally:
                await meter.close()

    return run(whole())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("shortest", "within"), [(0, 14), (5, 14), (6, 23), (7, 40)], ids=str)
def test_meter_is_found_by_the_first_pass_that_it_hears(
    shortest: int, within: float, seed: int
) -> None:
    error, took = search(shortest_scan=shortest, seed=seed)
    assert error is None
    assert took < within


@pytest.mark.parametrize("shortest", [5, 6, 7])
def test_dongle_that_finds_nothing_without_all_channels_finds_the_meter_in_the_end(
    shortest: int,
) -> None:
    for network in (None, ELSEWHERE):
        error, took = search(shortest_scan=shortest, whole_scans_only=True, network=network)
        assert error is None
        assert took < 85


@pytest.mark.parametrize("dongle", ["bp35c2", "bp35a1", "rl7023-dss", "rl7023-ips"])
@pytest.mark.parametrize("seed", range(3))
def test_no_meter_is_said_within_75_seconds(dongle: Any, seed: int) -> None:
    for network, least in ((None, 65), (ELSEWHERE, 70)):
        error, took = search(dongle=dongle, seed=seed, in_range=False, network=network)
        assert type(error) is errors.MeterNotFoundError
        assert least < took < 75


def test_meter_that_has_moved_is_found_without_waiting_for_the_module_to_give_up() -> None:
    error, took = search(network=ELSEWHERE)
    assert error is None
    assert took < 30


@pytest.mark.parametrize("delay", [5.0, 13.0, 30.0])
def test_meter_that_is_slow_to_sign_in_is_joined_where_it_was(delay: float) -> None:
    async def whole() -> None:
        async with Emulator(EmulatorConfig(clock=now, sign_in_delay=delay)) as emulator:
            pan = emulator.air.pan
            credentials = Credentials(emulator.config.route_b_id, emulator.config.password)
            network = Network(pan.channel, pan.pan_id, pan.mac)
            meter = SmartMeter(emulator.connector(), credentials, network=network)
            steps = list[Progress]()
            await meter.connect(steps.append)
            assert Stage.SCANNING not in {step.stage for step in steps}
            await meter.close()

    run(whole())


# --- At the wire -------------------------------------------------------------------------

type Scenario = Callable[[ScriptedDongle, SmartMeter], Awaitable[None]]


def play(scenario: Scenario, network: Network | None = NETWORK) -> ScriptedDongle:
    dongle = ScriptedDongle()

    async def whole() -> None:
        credentials = Credentials(ROUTE_B_ID, PASSWORD)
        meter = SmartMeter(dongle.connector(), credentials, network=network)
        try:
            await scenario(dongle, meter)
        finally:
            await meter.close()

    run(whole())
    return dongle


def moments(dongle: ScriptedDongle, word: str) -> list[float]:
    return [at for name, at in dongle.command_times if name == word]


def test_sign_in_without_a_sign_of_the_meter_ends_after_15_seconds_and_then_there_is_a_scan() -> (
    None
):
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.first_replies["SKJOIN"] = f"OK\r\nEVENT 21 {METER_IP} 02\r\n".encode()
        await meter.connect()

    dongle = play(scenario)

    joined, again = moments(dongle, "SKJOIN")
    (scanned,) = moments(dongle, "SKSCAN")
    assert 15 < scanned - joined < 16.5
    assert scanned <= again
    words = [line.partition(" ")[0] for line in dongle.commands]
    # The dongle would go on with the sign-in, and report its end in the middle of the next.
    between = words[words.index("SKJOIN") : words.index("SKSCAN")]
    assert {"SKRESET", "SKSETPWD", "SKSETRBID"} <= set(between)


@pytest.mark.parametrize(
    "sign",
    [pana(1), f"EVENT 02 {METER_IP}\r\n".encode(), f"EVENT 21 {METER_IP} 00\r\n".encode()],
    ids=["packet", "neighbour advertisement", "acknowledgement"],
)
def test_any_sign_of_the_meter_leaves_the_end_of_the_sign_in_to_the_dongle(sign: bytes) -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.replies["SKJOIN"] = b"OK\r\n"
        for after, data in ((14.5, sign), (38.0, f"EVENT 25 {METER_IP}\r\n".encode())):
            asyncio.get_running_loop().call_later(after, dongle.say, data)
        await meter.connect()
        assert seconds() >= 38

    assert "SKSCAN" not in {word for word, _ in play(scenario).command_times}


@pytest.mark.parametrize(
    "line",
    [
        f"EVENT 21 {METER_IP} 01\r\n",
        f"EVENT 21 {METER_IP} 02\r\n",
        f"EVENT 02 {NEIGHBOUR_IP}\r\n",
        f"EVENT 21 {NEIGHBOUR_IP} 00\r\n",
    ],
)
def test_what_shows_no_meter_does_not_make_the_sign_in_longer(line: str) -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.first_replies["SKJOIN"] = b"OK\r\n"
        asyncio.get_running_loop().call_later(8.0, dongle.say, line.encode())
        await meter.connect()

    dongle = play(scenario)
    assert 15 < moments(dongle, "SKSCAN")[0] - moments(dongle, "SKJOIN")[0] < 16.5


def test_meter_that_a_scan_has_just_found_is_given_the_time_that_the_dongle_takes() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.replies["SKJOIN"] = b"OK\r\n"
        asyncio.get_running_loop().call_later(37.0, dongle.say, f"EVENT 25 {METER_IP}\r\n".encode())
        await meter.connect()

    assert len(moments(play(scenario, network=None), "SKJOIN")) == 1


def test_passes_are_longer_and_longer_and_the_last_is_on_all_channels() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.replies["SKSCAN"] = NOTHING
        with pytest.raises(errors.MeterNotFoundError):
            await meter.connect()

    assert [line for line in play(scenario, None).commands if line.startswith("SKSCAN")] == [
        "SKSCAN 2 05555555 5",
        "SKSCAN 2 05555555 6",
        "SKSCAN 2 05555555 7",
        "SKSCAN 2 FFFFFFFF 7",
    ]


def test_dongle_that_refuses_some_channels_scans_all() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        for duration in (5, 6, 7):
            dongle.replies[f"SKSCAN 2 05555555 {duration}"] = b"FAIL ER06\r\n"
        await meter.connect()
        assert meter.connected

    play(scenario, None)


def test_dongle_that_refuses_every_scan_is_not_a_missing_meter() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.replies["SKSCAN"] = b"FAIL ER06\r\n"
        with pytest.raises(errors.CommandFailedError):
            await meter.connect()

    play(scenario, None)


def test_progress_follows_the_passes() -> None:
    """Each pass has the share of the whole that it takes of the time, and none goes back."""
    steps: list[tuple[float, float]] = []

    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        def note(step: Progress) -> None:
            if step.stage is Stage.SCANNING:
                steps.append((seconds(), step.fraction))

        took = {f"SKSCAN 2 05555555 {d}": 14 * 0.0096 * (2**d + 1) for d in (5, 6, 7)}
        took["SKSCAN 2 FFFFFFFF 7"] = 28 * 0.0096 * 129
        usual = dongle._command

        def command(line: str) -> None:
            if line in took:
                asyncio.get_running_loop().call_later(
                    took[line], dongle.say, f"EVENT 22 {DONGLE_IP}\r\n".encode()
                )
            usual(line)

        dongle._command = command  # type: ignore[method-assign]
        dongle.replies["SKSCAN"] = b"OK\r\n"
        with pytest.raises(errors.MeterNotFoundError):
            await meter.connect(note)

    play(scenario, None)
    begun, whole = steps[0][0], steps[-1][0] - steps[0][0]
    assert 60 < whole < 67
    for at, fraction in steps:
        assert fraction == pytest.approx((at - begun) / whole, abs=0.03)
