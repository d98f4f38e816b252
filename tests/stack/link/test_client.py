"""SmartMeter against a dongle that misbehaves on purpose."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
import logging
import random

import pytest

from custom_components.wisun_route_b.stack import (
    Credentials,
    Progress,
    ReadReport,
    RouteBError,
    SmartMeter,
    Stage,
    errors,
    properties,
)
from custom_components.wisun_route_b.stack.echonet import CONTROLLER, ESV, METER, Frame, Property
from tests.stack.scripted import (
    JOIN_REFUSED,
    METER_IP,
    METER_SAYS,
    NEIGHBOUR_IP,
    NETWORK,
    PASSWORD,
    ROUTE_B_ID,
    ScriptedDongle,
    answer_to,
    erxudp,
    pana,
)
from tests.virtual_clock import run

LIVE = (
    properties.INSTANTANEOUS_POWER,
    properties.INSTANTANEOUS_CURRENT,
    properties.CUMULATIVE_ENERGY_NORMAL,
    properties.CUMULATIVE_ENERGY_REVERSE,
)

type Scenario = Callable[[ScriptedDongle, SmartMeter], Awaitable[None]]


def play(scenario: Scenario, *, connect: bool = True, remembered: bool = True) -> ScriptedDongle:
    """Run a scenario in virtual time with a meter that is connected already."""
    dongle = ScriptedDongle()

    async def whole() -> None:
        credentials = Credentials(ROUTE_B_ID, PASSWORD)
        meter = SmartMeter(dongle.connector(), credentials, network=NETWORK if remembered else None)
        try:
            if connect:
                await meter.connect()
                dongle.requests.clear()
            await scenario(dongle, meter)
        finally:
            await meter.close()
        assert len(asyncio.all_tasks()) == 1, "something still runs after close()"

    run(whole())
    return dongle


# --- Connecting --------------------------------------------------------------------------


def test_a_cold_connection_goes_through_every_stage_and_describes_the_meter() -> None:
    seen: list[Progress] = []

    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        await meter.connect(seen.append)
        assert meter.connected
        assert meter.network == NETWORK
        assert meter.description is not None
        assert meter.description.manufacturer == "Toshiba"
        assert meter.description.serial_number == "F24G366505"
        assert len(meter.description.readable) == 25
        assert meter.scale is not None
        assert meter.scale.step == Decimal("0.1")
        assert meter.signal is not None
        assert round(meter.signal.dbm) == -62

    play(scenario, connect=False, remembered=False)
    assert list(dict.fromkeys(progress.stage for progress in seen)) == list(Stage)
    assert all(0 <= progress.fraction <= 1 for progress in seen)


def test_a_remembered_network_is_joined_without_a_scan() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        words = [command.partition(" ")[0] for command in dongle.commands]
        assert "SKJOIN" in words
        assert "SKSCAN" not in words
        assert "SKSREG S2 31" in dongle.commands
        assert "SKSREG S3 21A3" in dongle.commands

    play(scenario)


def test_a_living_session_is_used_without_signing_in_again() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.replies["SKINFO"] = (
            b"EINFO FE80:0000:0000:0000:021D:1290:0005:747B 001D12900005747B 31 21A3 FFFE\r\nOK\r\n"
        )
        await meter.connect()
        words = [command.partition(" ")[0] for command in dongle.commands]
        assert "SKJOIN" not in words
        assert "SKRESET" not in words
        assert (await meter.read(LIVE)).value(properties.INSTANTANEOUS_POWER) == 632

    play(scenario, connect=False)


def test_the_other_argument_count_is_tried_when_the_scan_is_refused() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.replies["SKSCAN 2 05555555 5"] = b"FAIL ER05\r\n"
        await meter.connect()
        scans = [line for line in dongle.commands if line.startswith("SKSCAN")]
        assert set(scans[:-1]) == {"SKSCAN 2 05555555 5"}
        assert scans[-1] == "SKSCAN 2 05555555 5 0"

    play(scenario, connect=False, remembered=False)


FAILED = f"EVENT 24 {METER_IP}\r\n".encode()
UNHEARD = f"EVENT 21 {METER_IP} 01\r\n".encode()
#: Result-Code 1, PANA_AUTHENTICATION_REJECTED (RFC 5191, 8.7), and an EAP failure (RFC 3748, 4.2).
SAYS_NO = pana(2, bytes.fromhex("000700000004000000000001"))
EAP_FAILURE = pana(3, bytes.fromhex("000200000004000004020004"))


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        ({"SKVER": b""}, errors.DongleSilentError),
        ({"SKVER": b"ERROR\r\n"}, errors.NotAWiSunDongleError),
        (
            {"SKVER": b"SKVER\r\n"},
            errors.NotAWiSunDongleError,
        ),  # a plug that sends back what it gets
        ({"SKSCAN": b"OK\r\nEVENT 22 " + METER_IP.encode() + b"\r\n"}, errors.MeterNotFoundError),
        ({"SKJOIN": b"OK\r\nEVENT 24 " + METER_IP.encode() + b"\r\n"}, errors.JoinFailedError),
        ({"SKJOIN": JOIN_REFUSED}, errors.CredentialsRefusedError),
        ({"SKJOIN": b"OK\r\n" + pana(1) + SAYS_NO + FAILED}, errors.CredentialsRefusedError),
        (
            {"SKJOIN": b"OK\r\n" + pana(1) + pana(2) + EAP_FAILURE + FAILED},
            errors.CredentialsRefusedError,
        ),
        # The start twice, the proof of the meter that comes to the right password only, and
        # an answer of ours without an acknowledgement: all of this may be the radio.
        ({"SKJOIN": b"OK\r\n" + pana(1) + pana(1) + FAILED}, errors.JoinFailedError),
        ({"SKJOIN": b"OK\r\n" + pana(1) + pana(2) + pana(3) + FAILED}, errors.JoinFailedError),
        ({"SKJOIN": b"OK\r\n" + pana(1) + pana(2) + UNHEARD + FAILED}, errors.JoinFailedError),
        ({"SKRESET": b""}, errors.CommandTimeoutError),
        ({"SKJOIN": b"OK\r\n"}, errors.JoinFailedError),
    ],
)
def test_each_way_to_fail_has_its_own_error_and_frees_the_port(
    replies: dict[str, bytes], error: type[RouteBError]
) -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.replies.update(replies)
        with pytest.raises(error):
            await meter.connect()
        assert not meter.connected
        assert dongle.is_closing()

    play(scenario, connect=False, remembered=False)


@pytest.mark.parametrize(
    ("noise", "seconds"),
    [(b"", 5.0), (b"\x00\xff\x7e\xc1", 3.0), (b"OK\r\n", 3.0), (b"+++\r\n", 3.0)],
)
def test_other_device_is_recognised_within_three_seconds_and_silence_within_five(
    noise: bytes, seconds: float
) -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.replies["SKVER"] = noise
        begun = asyncio.get_running_loop().time()
        with pytest.raises((errors.DongleSilentError, errors.NotAWiSunDongleError)):
            await meter.connect()
        assert asyncio.get_running_loop().time() - begun <= seconds

    play(scenario, connect=False)


def test_a_meter_that_knew_us_must_refuse_twice() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.replies["SKJOIN"] = JOIN_REFUSED
        with pytest.raises(errors.CredentialsRefusedError):
            await meter.connect()
        assert sum(line.startswith("SKJOIN") for line in dongle.commands) == 2

    play(scenario, connect=False)


def test_cancelling_a_connection_frees_the_port() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.replies["SKSCAN"] = b"OK\r\n"
        task = asyncio.create_task(meter.connect())
        await asyncio.sleep(2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert dongle.is_closing()

    play(scenario, connect=False, remembered=False)


def test_the_session_is_left_alive_unless_its_end_is_wanted() -> None:
    async def leave(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        await meter.close()
        await meter.close()
        assert "SKTERM" not in dongle.commands

    async def end(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        await meter.close(end_session=True)
        assert dongle.commands[-1] == "SKTERM"

    async def stuck(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.replies["SKTERM"] = b""
        begun = asyncio.get_running_loop().time()
        await meter.close(end_session=True)
        assert asyncio.get_running_loop().time() - begun <= 2.0

    async def blocked(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.write_error = OSError(5, "gone")
        await meter.close(end_session=True)
        assert dongle.is_closing()

    for scenario in (leave, end, stuck, blocked):
        play(scenario)


# --- Reading -----------------------------------------------------------------------------


def test_one_datagram_reads_all_live_values() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        report = await meter.read(LIVE)
        assert len(dongle.requests) == 1
        assert report.value(properties.INSTANTANEOUS_POWER) == 632
        assert report.value(properties.CUMULATIVE_ENERGY_NORMAL) == Decimal("6513.9")
        assert report.value(properties.CUMULATIVE_ENERGY_REVERSE) == Decimal("2.2")
        assert report.refused == report.absent == frozenset()

    play(scenario)


def test_what_the_get_map_lacks_is_not_asked_for() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        report = await meter.read(
            (properties.INSTANTANEOUS_POWER, properties.ONE_MINUTE_CUMULATIVE_ENERGY)
        )
        assert report.refused == {properties.ONE_MINUTE_CUMULATIVE_ENERGY.epc}
        assert [item.epc for item in dongle.requests[0].properties] == [0xE7]

    play(scenario)


def test_a_refused_property_does_not_disturb_the_others_and_is_remembered() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        says = {epc: edt for epc, edt in METER_SAYS.items() if epc != 0xE3}
        dongle.know(says)
        first = await meter.read(LIVE)
        assert first.refused == {0xE3}
        assert first.value(properties.INSTANTANEOUS_POWER) == 632
        second = await meter.read(LIVE)
        assert second.refused == {0xE3}
        # What the meter's own list has, it must refuse twice: it may have been busy.
        asked = [[item.epc for item in request.properties] for request in dongle.requests]
        assert asked[1] == [0xE3]
        assert 0xE3 not in asked[2]

    play(scenario)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_meter_that_answers_fewer_properties_is_asked_for_fewer(most: int) -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        def cut(request: Frame) -> None:
            whole = answer_to(request)
            short = Frame(whole.tid, METER, CONTROLLER, ESV.GET_SNA, whole.properties[:most])
            dongle.accept()
            dongle.say(erxudp(short.encode()))

        dongle.on_request = cut
        assert (await meter.read(LIVE)).values.keys() == {row.epc for row in LIVE}
        dongle.requests.clear()
        assert (await meter.read(LIVE)).values.keys() == {row.epc for row in LIVE}
        assert all(len(request.properties) <= most for request in dongle.requests)

    play(scenario)


def test_a_meter_that_is_silent_to_bundles_is_asked_one_by_one() -> None:
    dongle = ScriptedDongle()

    def single_only(request: Frame) -> None:
        dongle.accept()
        if len(request.properties) == 1:
            dongle.say(erxudp(answer_to(request).encode()))

    async def whole() -> None:
        dongle.on_request = single_only
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
        await meter.connect()
        report = await meter.read(LIVE)
        assert report.value(properties.INSTANTANEOUS_POWER) == 632
        assert not report.absent
        await meter.close()

    run(whole())


def test_no_energy_is_invented_while_the_unit_is_unknown() -> None:
    says = {epc: edt for epc, edt in METER_SAYS.items() if epc != 0xE1}
    dongle = ScriptedDongle()

    async def whole() -> None:

        dongle.know(says)
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
        await meter.connect()
        report = await meter.read(LIVE)
        assert report.value(properties.INSTANTANEOUS_POWER) == 632
        assert report.value(properties.CUMULATIVE_ENERGY_NORMAL) is None
        assert properties.CUMULATIVE_ENERGY_NORMAL.epc in report.absent
        dongle.on_request = dongle.answer
        await meter.close()

    run(whole())


def test_a_lost_answer_is_asked_for_again_and_the_late_one_is_taken() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.on_request = lambda _: dongle.accept()
        reading = asyncio.create_task(meter.read((properties.INSTANTANEOUS_POWER,)))
        await asyncio.sleep(7)
        first, second = dongle.requests
        assert first.tid != second.tid
        dongle.say(erxudp(answer_to(first).encode()))
        assert (await reading).value(properties.INSTANTANEOUS_POWER) == 632
        assert meter.statistics.retries == 1
        dongle.say(erxudp(answer_to(second).encode()))
        assert meter.statistics.strays == 1

    play(scenario)


def test_a_meter_that_stays_silent_times_out_after_the_specified_time() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.on_request = lambda _: dongle.accept()
        begun = asyncio.get_running_loop().time()
        with pytest.raises(errors.ResponseTimeoutError):
            await meter.read((properties.INSTANTANEOUS_POWER,))
        # Eight seconds more to see whether it is silent about this property only.
        assert 20 <= asyncio.get_running_loop().time() - begun < 29
        assert meter.statistics.lost == 1

    play(scenario)


def test_a_failed_transmission_is_repeated_at_once() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        def fails_once(request: Frame) -> None:
            if len(dongle.requests) > 1:
                dongle.answer(request)
            else:
                dongle.say(f"EVENT 21 {METER_IP} 01\r\nOK\r\n".encode())

        dongle.on_request = fails_once
        begun = asyncio.get_running_loop().time()
        assert (await meter.read((properties.INSTANTANEOUS_POWER,))).value(
            properties.INSTANTANEOUS_POWER
        ) == 632
        assert asyncio.get_running_loop().time() - begun < 1

    play(scenario)


def test_a_dongle_that_never_gets_through_is_a_send_failure() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.on_request = lambda _: dongle.say(f"EVENT 21 {METER_IP} 01\r\nOK\r\n".encode())
        with pytest.raises(errors.SendFailedError):
            await meter.read((properties.INSTANTANEOUS_POWER,))

    play(scenario)


@pytest.mark.parametrize(
    "order",
    [
        [b"EVENT 21 {ip} 00\r\n", b"OK\r\n", b"{answer}"],
        [b"OK\r\n", b"EVENT 21 {ip} 00\r\n", b"{answer}"],
        [b"EVENT 21 {ip} 02\r\n", b"EVENT 21 {ip} 00\r\n", b"OK\r\n", b"{answer}"],
        [b"EVENT 21 {ip} 02\r\n", b"OK\r\n", b"EVENT 21 {ip} 00\r\n", b"{answer}"],
        [b"{answer}", b"EVENT 21 {ip} 00\r\n", b"OK\r\n"],
        [b"EVENT 21 {ip} 00\r\n", b"{answer}", b"OK\r\n"],
    ],
)
@pytest.mark.parametrize("glued", [True, False])
def test_answer_event_and_ok_come_in_any_order(order: list[bytes], glued: bool) -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        def in_this_order(request: Frame) -> None:
            answer = erxudp(answer_to(request).encode())
            parts = [
                part.replace(b"{ip}", METER_IP.encode()).replace(b"{answer}", answer)
                for part in order
            ]
            for piece in [b"".join(parts)] if glued else parts:
                dongle.say(piece)

        dongle.on_request = in_this_order
        assert (await meter.read((properties.INSTANTANEOUS_POWER,))).value(
            properties.INSTANTANEOUS_POWER
        ) == 632

    play(scenario)


# --- Bad input ---------------------------------------------------------------------------


def _power(tid: int, watts: int, esv: ESV = ESV.GET_RES) -> bytes:
    edt = watts.to_bytes(4, signed=True)
    return Frame(tid, METER, CONTROLLER, esv, (Property(0xE7, edt),)).encode()


@pytest.mark.parametrize(
    "lie",
    {
        "from a neighbour": lambda tid: erxudp(_power(tid, 9999), source=NEIGHBOUR_IP),
        "in plain text": lambda tid: erxudp(_power(tid, 9999), secured="0"),
        "with another TID": lambda tid: erxudp(_power(tid ^ 0x100, 9999)),
        "a push with our TID": lambda tid: erxudp(_power(tid, 9999, ESV.INF)),
        "a refusal to set": lambda tid: erxudp(_power(tid, 9999, ESV.SET_C_SNA)),
        "cut off": lambda tid: erxudp(_power(tid, 9999))[:-6] + b"\r\n",
        "too long": lambda tid: erxudp(_power(tid, 9999) + b"\x00\x00"),
        "on another port": lambda tid: erxudp(_power(tid, 9999), port="02CC"),
        "from the node profile": lambda tid: erxudp(
            bytes.fromhex(f"1081{tid:04X}0EF00105FF017201E7040000270F")
        ),
        "an unknown event": lambda _: f"EVENT 7F {METER_IP} 00\r\n".encode(),
        "an event from the future": lambda _: b"EVENT FF what ever\r\n",
        "a stray OK": lambda _: b"OK\r\n",
        "a stray FAIL": lambda _: b"FAIL ER09\r\n",
        "five seconds of noise": lambda _: random.Random(1).randbytes(57_000) + b"\r\n",
        "five seconds without a line end": lambda _: b"E" * 57_000 + b"\r\n",
    }.items(),
    ids=lambda lie: lie[0],
)
def test_nothing_untrue_reaches_the_reading(
    lie: tuple[str, Callable[[int], bytes]],
) -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        def lie_first(request: Frame) -> None:
            dongle.accept()
            dongle.say(lie[1](request.tid))
            asyncio.get_running_loop().call_later(
                0.5, dongle.say, erxudp(answer_to(request).encode())
            )

        dongle.on_request = lie_first
        assert (await meter.read((properties.INSTANTANEOUS_POWER,))).value(
            properties.INSTANTANEOUS_POWER
        ) == 632
        assert meter.connected

    play(scenario)


def test_an_ok_behind_a_datagram_that_broke_off_is_not_lost() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        def break_off(request: Frame) -> None:
            head, _, _ = erxudp(bytes(0x4D0)).rpartition(b" ")
            dongle.say(head + b" \x10\x81\r\n")
            dongle.accept()
            answer = erxudp(answer_to(request).encode())
            asyncio.get_running_loop().call_later(2, dongle.say, answer)

        dongle.on_request = break_off
        assert (await meter.read((properties.INSTANTANEOUS_POWER,))).value(
            properties.INSTANTANEOUS_POWER
        ) == 632

    play(scenario)


def test_an_impossible_value_is_absent_with_its_reason_and_the_rest_is_there() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        says = METER_SAYS | {0xE0: "FFFFFFFF", 0xE8: "001E"}
        dongle.know(says)
        report = await meter.read(LIVE)
        assert report.absent == {0xE0, 0xE8}
        assert report.reasons.keys() == {0xE0, 0xE8}
        assert report.value(properties.INSTANTANEOUS_POWER) == 632
        assert report.value(properties.CUMULATIVE_ENERGY_REVERSE) == Decimal("2.2")

    play(scenario)


def test_no_data_is_a_value_of_none() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        says = METER_SAYS | {0xE0: "FFFFFFFE", 0xE7: "7FFFFFFE"}
        dongle.know(says)
        report = await meter.read(LIVE)
        assert report.values[0xE0] is None
        assert report.values[0xE7] is None
        assert not report.absent

    play(scenario)


def test_a_fail_in_the_middle_of_an_exchange_is_a_send_failure_and_the_next_read_works() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.on_request = lambda _: dongle.say(b"FAIL ER09\r\n")
        with pytest.raises(errors.SendFailedError):
            await meter.read((properties.INSTANTANEOUS_POWER,))
        dongle.on_request = dongle.answer
        assert (await meter.read((properties.INSTANTANEOUS_POWER,))).value(
            properties.INSTANTANEOUS_POWER
        ) == 632

    play(scenario)


# --- Losing the link ----------------------------------------------------------------------


@pytest.mark.parametrize("number", ["24", "26", "27", "28"])
def test_the_end_of_a_session_fails_the_read_at_once_and_is_reported_once(number: str) -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        lost: list[RouteBError] = []
        meter.on_lost(lost.append)
        dongle.on_request = lambda _: dongle.say(f"EVENT {number} {METER_IP}\r\n".encode() * 2)
        with pytest.raises(errors.SessionLostError):
            await meter.read((properties.INSTANTANEOUS_POWER,))
        assert not meter.connected
        assert len(lost) == 1
        with pytest.raises(errors.SessionLostError):
            await meter.read((properties.INSTANTANEOUS_POWER,))
        dongle.on_request = dongle.answer
        await meter.connect()
        assert (await meter.read((properties.INSTANTANEOUS_POWER,))).value(
            properties.INSTANTANEOUS_POWER
        ) == 632

    play(scenario)


def test_unplugging_fails_the_read_at_once() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        lost: list[RouteBError] = []
        meter.on_lost(lost.append)
        dongle.on_request = lambda _: dongle.unplug()
        with pytest.raises(errors.PortLostError):
            await meter.read((properties.INSTANTANEOUS_POWER,))
        assert len(lost) == 1
        assert not meter.connected

    play(scenario)


def test_a_dongle_that_stops_answering_is_a_lost_dongle() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.on_request = lambda _: None
        dongle.replies["SKVER"] = b""
        with pytest.raises(errors.CommandTimeoutError):
            await meter.read((properties.INSTANTANEOUS_POWER,))
        assert not meter.connected

    play(scenario)


def test_a_dongle_that_swallowed_one_ok_is_not_lost() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        def swallow(_: Frame) -> None:
            dongle.on_request = dongle.answer

        dongle.on_request = swallow
        report = await meter.read((properties.INSTANTANEOUS_POWER,))
        assert report.value(properties.INSTANTANEOUS_POWER) == 632
        assert meter.statistics.disconnects == 0

    play(scenario)


def test_a_late_first_answer_does_not_cost_single_questions_for_the_whole_session() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        silent = True

        def late(request: Frame) -> None:
            dongle.accept()
            if not silent or len(request.properties) == 1:
                dongle.say(erxudp(answer_to(request).encode()))

        dongle.on_request = late
        await meter.connect()
        silent = False
        live = (properties.INSTANTANEOUS_POWER, properties.INSTANTANEOUS_CURRENT)
        dongle.requests.clear()
        await meter.read(live)
        assert len(dongle.requests) == 1

    play(scenario, connect=False)


def test_a_refusal_is_believed_for_an_hour_or_until_the_next_session() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        says = dict(METER_SAYS)
        del says[0xE7]
        dongle.know(says)
        both = (properties.INSTANTANEOUS_POWER, properties.INSTANTANEOUS_CURRENT)
        assert properties.INSTANTANEOUS_POWER.epc in (await meter.read(both)).refused
        dongle.on_request = dongle.answer
        assert properties.INSTANTANEOUS_POWER.epc in (await meter.read(both)).refused
        await asyncio.sleep(3601)
        assert (await meter.read(both)).value(properties.INSTANTANEOUS_POWER) == 632

    play(scenario)


def test_nothing_can_be_read_before_a_connection() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        with pytest.raises(errors.NotConnectedError):
            await meter.read((properties.INSTANTANEOUS_POWER,))

    play(scenario, connect=False)


# --- Notifications ------------------------------------------------------------------------

_PUSH = "EA0B07E50112120000 0000FBD2".replace(" ", "")


def test_an_inf_push_is_reported() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        heard: list[ReadReport] = []
        stop = meter.subscribe(heard.append)
        push = erxudp(bytes.fromhex(f"1081000102880105FF017301{_PUSH}"))
        dongle.say(push)
        stop()
        dongle.say(push)
        assert len(heard) == 1
        half_hour = heard[0].value(properties.FIXED_TIME_ENERGY_NORMAL)
        assert half_hour is not None
        assert half_hour.energy == Decimal("6446.6")
        assert half_hour.measured_at.isoformat() == "2021-01-18T18:00:00+09:00"
        assert not dongle.requests

    play(scenario)


def test_an_infc_push_is_confirmed_with_its_own_tid_and_swapped_objects() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.on_request = lambda _: dongle.accept()
        dongle.say(erxudp(bytes.fromhex(f"1081029F02880105FF017401{_PUSH}")))
        await asyncio.sleep(1)
        assert dongle.requests == [
            Frame(0x029F, CONTROLLER, METER, ESV.INFC_RES, (Property(0xEA),))
        ]

    play(scenario)


def test_a_flood_of_infc_stays_bounded() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.on_request = lambda _: None
        for tid in range(1000):
            dongle.say(erxudp(bytes.fromhex(f"1081{tid:04X}02880105FF017401{_PUSH}")))
        assert len(asyncio.all_tasks()) < 20

    play(scenario)


# --- Secrets ------------------------------------------------------------------------------


def test_no_secret_is_logged_at_any_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    clear_id = erxudp(bytes(8) + b"SM" + ROUTE_B_ID.encode(), port="02CC", secured="0")

    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.replies["SKSETRBID"] = f"SKSETRBID {ROUTE_B_ID}\r\nOK\r\n".encode()
        dongle.replies["SKSETPWD"] = f"SKSETPWD C {PASSWORD}\r\nOK\r\n".encode()
        dongle.replies["SKJOIN"] = b"OK\r\n" + clear_id + f"EVENT 25 {METER_IP}\r\n".encode()
        await meter.connect()
        dongle.say(clear_id.replace(b"02CC", b"0E1A").replace(b" 0 0", b" 1 0"))
        await meter.read((properties.OPERATION_STATUS, properties.FAULT_STATUS))

    play(scenario, connect=False, remembered=False)
    assert len(caplog.records) > 20
    for secret in (ROUTE_B_ID, PASSWORD, ROUTE_B_ID[-8:], METER_IP):
        assert secret.lower() not in caplog.text.lower()
        assert secret.encode().hex() not in caplog.text.lower()


# --- At awkward moments -------------------------------------------------------------------


def test_an_answer_that_is_still_owed_to_an_earlier_program_does_no_harm() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.first_replies["SKVER"] = b"FAIL ER04\r\nEVER 1.2.10\r\nOK\r\n"
        dongle.first_replies["SKINFO"] = b"OK\r\nEVER 1.2.10\r\nOK\r\n" + dongle.usual("SKINFO")
        await meter.connect()
        assert (await meter.read((properties.INSTANTANEOUS_POWER,))).value(
            properties.INSTANTANEOUS_POWER
        ) == 632

    play(scenario, connect=False)


def test_close_ends_a_connection_that_is_still_being_made() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.replies["SKSCAN"] = b"OK\r\n"
        connecting = asyncio.create_task(meter.connect())
        await asyncio.sleep(2)
        await meter.close()
        assert dongle.is_closing()
        with pytest.raises(RouteBError):
            await connecting

    play(scenario, connect=False, remembered=False)


def test_a_cancelled_close_still_frees_the_port() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.replies["SKTERM"] = b""
        closing = asyncio.create_task(meter.close(end_session=True))
        await asyncio.sleep(0.1)
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)
        assert dongle.is_closing()

    play(scenario)


def test_close_fails_the_read_in_flight_at_once() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.on_request = lambda _: dongle.accept()
        reading = asyncio.create_task(meter.read((properties.INSTANTANEOUS_POWER,)))
        await asyncio.sleep(1)
        begun = asyncio.get_running_loop().time()
        await meter.close()
        with pytest.raises(errors.NotConnectedError):
            await reading
        assert asyncio.get_running_loop().time() - begun < 0.1

    play(scenario)


def test_an_answer_that_is_a_connection_late_fits_no_new_request() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        dongle.on_request = lambda _: dongle.accept()
        reading = asyncio.create_task(meter.read((properties.INSTANTANEOUS_POWER,)))
        await asyncio.sleep(1)
        late = erxudp(_power(dongle.requests[-1].tid, 9999))
        await meter.close()
        await asyncio.gather(reading, return_exceptions=True)
        dongle.on_request = dongle.answer
        await meter.connect()

        def late_first(request: Frame) -> None:
            dongle.say(late)
            dongle.answer(request)

        dongle.on_request = late_first
        assert (await meter.read((properties.INSTANTANEOUS_POWER,))).value(
            properties.INSTANTANEOUS_POWER
        ) == 632

    play(scenario)


def test_an_answer_about_something_else_is_no_answer() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        def foreign_first(request: Frame) -> None:
            foreign = Frame(request.tid, METER, CONTROLLER, ESV.GET_RES, (Property(0x80, b"0"),))
            dongle.accept()
            dongle.say(erxudp(foreign.encode()))
            dongle.say(erxudp(answer_to(request).encode()))

        dongle.on_request = foreign_first
        assert (await meter.read(LIVE)).values.keys() == {row.epc for row in LIVE}

    play(scenario)


def test_a_listener_that_fails_does_not_stop_the_link() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        def fails(_: ReadReport) -> None:
            raise ValueError("a bug of the listener")

        stop = meter.subscribe(fails)

        def push_first(request: Frame) -> None:
            dongle.say(
                erxudp(bytes.fromhex(f"1081000102880105FF017301{_PUSH}"))
                + f"EVENT 21 {METER_IP} 00\r\nOK\r\n".encode()
                + erxudp(answer_to(request).encode())
            )

        dongle.on_request = push_first
        assert (await meter.read((properties.INSTANTANEOUS_POWER,))).value(
            properties.INSTANTANEOUS_POWER
        ) == 632
        stop()
        stop()

    play(scenario)


def test_one_silent_property_does_not_take_the_others_with_it() -> None:
    async def scenario(dongle: ScriptedDongle, meter: SmartMeter) -> None:
        def silent_to_e8(request: Frame) -> None:
            dongle.accept()
            if len(request.properties) == 1 and request.properties[0].epc != 0xE8:
                dongle.say(erxudp(answer_to(request).encode()))

        dongle.on_request = silent_to_e8
        await meter.close()
        await meter.connect()
        report = await meter.read(LIVE)
        assert report.has(0xE7, 0xE0, 0xE3)
        assert report.absent == {0xE8}

    play(scenario)
