"""The J11 driver at the wire: what it sends in each state, and what it makes of whatever comes back."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from custom_components.wisun_route_b.stack import (
    Credentials,
    DongleIdentity,
    Network,
    Redactor,
    RouteBError,
    errors,
)
from custom_components.wisun_route_b.stack.dongle.detect import detect
from custom_components.wisun_route_b.stack.dongle.dongle import (
    DatagramReceived,
    Dongle,
    DongleEvent,
    DongleLost,
    SessionLost,
    SessionRenewed,
    TransmitLimit,
)
from custom_components.wisun_route_b.stack.dongle.scan_passes import METER_CHANNELS, ScanPass
from custom_components.wisun_route_b.stack.j11 import ResultCode
from custom_components.wisun_route_b.stack.trace.trace import Trace
from tests.stack.scripted import METER_MAC, PASSWORD, ROUTE_B_ID
from tests.stack.scripted_j11 import (
    CHANNEL,
    DBM,
    J11_NETWORK,
    MAC,
    OK,
    PAN,
    RSSI,
    ScriptedJ11Dongle,
    connection_changed,
    datagram,
    notification,
    pana_result,
    response,
)
from tests.virtual_clock import run

CREDENTIALS = Credentials(ROUTE_B_ID, PASSWORD)
#: About ten seconds.
PASS = ScanPass(METER_CHANNELS, 6)
PAYLOAD = bytes.fromhex("1081000105FF010288016201E700")
OTHER_MAC = bytes.fromhex("001C640060149999")
NOT_EXECUTED = (
    ResultCode.BUSY,
    ResultCode.REQUEST_INCOMPLETE,
    ResultCode.HEADER_DAMAGED,
    ResultCode.DATA_DAMAGED,
)

type Body = Callable[[ScriptedJ11Dongle, Dongle, list[DongleEvent]], Awaitable[None]]


def play(body: Body, prepare: Callable[[ScriptedJ11Dongle], None] = lambda _: None) -> None:
    """Run a test with the driver that the detection has returned."""

    async def whole() -> None:
        dongle, events = ScriptedJ11Dongle(), list[DongleEvent]()
        prepare(dongle)
        trace = Trace(Redactor(ROUTE_B_ID, PASSWORD))
        driver = await detect(dongle.connector(), events.append, trace, remembered="j11")
        assert driver.kind == "j11"
        forget(dongle)
        try:
            await body(dongle, driver, events)
        finally:
            await driver.close()
        assert len(asyncio.all_tasks()) == 1, "something still runs after close()"

    run(whole())


def forget(dongle: ScriptedJ11Dongle) -> None:
    dongle.codes.clear()
    dongle.data.clear()
    dongle.command_times.clear()


async def joined(dongle: ScriptedJ11Dongle, driver: Dongle) -> None:
    """Sign in, and forget how."""
    await driver.prepare(CREDENTIALS)
    await driver.join(J11_NETWORK)
    forget(dongle)


def seconds() -> float:
    return asyncio.get_running_loop().time()


# --- The usual way -------------------------------------------------------------------------


def test_sequence_of_a_sign_in_is_that_of_the_application_note() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, events: list[DongleEvent]) -> None:
        assert await driver.identify() == DongleIdentity("J11", "1.3 rev 0000158A", None)
        forget(dongle)
        await driver.prepare(CREDENTIALS)
        assert dongle.codes == [0x00D9, 0x005F, 0x0054]
        assert dongle.data[1] == bytes((5, 0, 4, 0))
        assert dongle.data[2] == (ROUTE_B_ID + PASSWORD).encode()

        forget(dongle)
        (found,) = await driver.scan(ROUTE_B_ID[-8:], PASS)
        assert (found.network, found.dbm, found.ours, found.lqi) == (J11_NETWORK, DBM, True, None)
        assert dongle.data == [b"\x06\x00\x03\xff\xf0\x01" + ROUTE_B_ID[-8:].encode()]

        forget(dongle)
        await driver.join(found.network)
        assert dongle.codes == [0x0001, 0x005F, 0x0054, 0x0053, 0x0005, 0x0056]
        assert dongle.data[1] == bytes((5, 0, CHANNEL, 0))
        assert dongle.data[4] == bytes.fromhex("0E1A")
        assert not events

    play(body)


def test_datagrams_are_sent_to_the_meter_and_received_with_their_strength() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, events: list[DongleEvent]) -> None:
        await joined(dongle, driver)
        await driver.send(PAYLOAD)
        assert dongle.codes == [0x0001, 0x0008]
        assert dongle.data[1] == bytes.fromhex(
            "FE80000000000000021C6400601421A30E1A0E1A000E" + PAYLOAD.hex()
        )
        (event,) = events
        assert isinstance(event, DatagramReceived)
        assert (event.dbm, event.lqi) == (DBM, None)

    play(body)


def test_session_that_is_alive_is_used_without_a_sign_in() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        assert await driver.resume(J11_NETWORK)
        assert dongle.codes == [0x0011, 0x0005]
        await driver.send(PAYLOAD)

    play(body, ScriptedJ11Dongle.authenticate)


@pytest.mark.parametrize(
    "network",
    [
        Network(0x31, 0x21A4, METER_MAC),
        Network(0x31, 0x21A3, "001C640060149999"),
    ],
    ids=["another PAN", "another meter"],
)
def test_session_with_another_meter_is_not_used(network: Network) -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        assert not await driver.resume(network)
        assert not await driver.is_on_network(network)
        with pytest.raises(errors.NotConnectedError):
            await driver.send(PAYLOAD)
        assert 0x0008 not in dongle.codes

    play(body, ScriptedJ11Dongle.authenticate)


def test_network_that_is_only_joined_is_no_session() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        dongle.authenticate()
        dongle.state = 2
        assert not await driver.resume(J11_NETWORK)

    play(body)


def test_end_of_the_session_wipes_the_credentials_and_a_new_sign_in_sets_them() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, events: list[DongleEvent]) -> None:
        await joined(dongle, driver)
        assert await driver.disconnect()
        assert dongle.codes == [0x0057]
        assert not await driver.disconnect(), "there is none any more"
        forget(dongle)
        await driver.join(J11_NETWORK)
        assert dongle.codes == [0x0001, 0x0011, 0x0054, 0x0005, 0x0056]
        assert not events

    play(body)


def test_rejoin_after_the_meter_ended_the_session_keeps_the_place_in_its_network() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, events: list[DongleEvent]) -> None:
        await joined(dongle, driver)
        dongle.state = 2
        dongle.say(connection_changed(4))
        assert events == [SessionLost("the meter ended it (601A 04)")]
        assert await driver.is_on_network(J11_NETWORK)
        forget(dongle)
        await driver.join(J11_NETWORK)
        assert 0x0053 not in dongle.codes
        assert 0x00D9 not in dongle.codes

    play(body)


def test_sign_in_while_the_dongle_takes_an_old_session_for_alive_begins_with_a_reset() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        await joined(dongle, driver)
        await driver.join(J11_NETWORK)
        assert dongle.codes == [0x0001, 0x00D9, 0x005F, 0x0054, 0x0053, 0x0005, 0x0056]
        assert 0x0057 not in dongle.codes, "the meter would want a pause after it"

    play(body)


# --- Never in plain text -------------------------------------------------------------------


@pytest.mark.parametrize("state", [1, 2], ids=["idle", "operating"])
def test_nothing_is_sent_if_the_end_of_the_session_was_not_heard(state: int) -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, events: list[DongleEvent]) -> None:
        await joined(dongle, driver)
        dongle.state = state  # its 601A was lost
        with pytest.raises(errors.SessionLostError):
            await driver.send(PAYLOAD)
        assert dongle.codes == [0x0001]
        assert [type(event) for event in events] == [SessionLost]
        with pytest.raises(errors.NotConnectedError):
            await driver.send(PAYLOAD)
        assert 0x0008 not in dongle.codes

    play(body)


def test_nothing_is_sent_if_the_session_ends_behind_the_answer_about_it() -> None:
    """Both arrive in one read, so the answer alone would say that all is well."""

    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, events: list[DongleEvent]) -> None:
        await joined(dongle, driver)
        dongle.responses[0x0001] = response(0x0001, b"\1\3\3\0") + connection_changed(4)
        with pytest.raises(errors.NotConnectedError):
            await driver.send(PAYLOAD)
        assert dongle.codes == [0x0001]
        assert [type(event) for event in events] == [SessionLost]

    play(body)


@pytest.mark.parametrize("result", NOT_EXECUTED)
def test_datagram_is_not_repeated_if_the_session_ended_unheard_meanwhile(
    result: ResultCode,
) -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        await joined(dongle, driver)
        dongle.responses[0x0008] = response(0x0008, bytes((result,)))
        sending = asyncio.create_task(driver.send(PAYLOAD))
        await asyncio.sleep(0.5)
        assert dongle.codes == [0x0001, 0x0008] * 3
        dongle.state = 2
        with pytest.raises(errors.SessionLostError):
            await sending
        assert dongle.codes == [0x0001, 0x0008] * 3 + [0x0001]

    play(body)


def test_nothing_is_sent_behind_the_end_of_the_session_that_waited_for_the_same_answer() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        await joined(dongle, driver)
        dongle.responses[0x0001] = b""
        sending = asyncio.create_task(driver.send(PAYLOAD))
        await asyncio.sleep(0.5)
        ending = asyncio.create_task(driver.disconnect())
        await asyncio.sleep(0.1)
        dongle.say(response(0x0001, b"\1\3\3\0"))
        assert await ending
        with pytest.raises(errors.NotConnectedError):
            await sending
        assert dongle.codes == [0x0001, 0x0057]

    play(body)


def test_datagram_whose_sender_has_gone_is_not_sent_into_the_next_sign_in() -> None:
    """Exchanges go on when their caller is cancelled; this one still waits for its turn."""

    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        await joined(dongle, driver)
        dongle.responses[0x0001] = b""
        sending = asyncio.create_task(driver.send(PAYLOAD))
        await asyncio.sleep(0.5)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        preparing = asyncio.create_task(driver.prepare(CREDENTIALS))
        await asyncio.sleep(0)
        dongle.responses.clear()
        dongle.say(response(0x0001, b"\1\3\3\0"))
        await preparing
        await driver.join(J11_NETWORK)
        assert 0x0008 not in dongle.codes

    play(body)


def test_nothing_is_sent_before_the_sign_in_has_succeeded() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        await driver.prepare(CREDENTIALS)
        dongle.responses[0x0056] = response(0x0056)
        joining = asyncio.create_task(driver.join(J11_NETWORK))
        await asyncio.sleep(1)
        with pytest.raises(errors.NotConnectedError):
            await driver.send(PAYLOAD)
        dongle.say(pana_result(1))
        await joining
        assert 0x0008 not in dongle.codes

    play(body)


def test_forbidden_commands_are_never_sent() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        await driver.identify()
        await joined(dongle, driver)
        await driver.send(PAYLOAD)
        await driver.disconnect()
        assert not {0x00F0, 0x0059, 0x010A} & set(dongle.codes)

    play(body)


# --- The sign-in goes wrong ----------------------------------------------------------------


async def sign_in(
    dongle: ScriptedJ11Dongle, driver: Dongle, error: type[RouteBError] | None
) -> None:
    """Sign in; expect an error, or success."""
    await driver.prepare(CREDENTIALS)
    forget(dongle)
    if error is None:
        await driver.join(J11_NETWORK)
    else:
        with pytest.raises(error):
            await driver.join(J11_NETWORK)


@pytest.mark.parametrize(
    ("code", "answers", "error"),
    [
        (0x0053, [response(0x0053, b"\x0e")] * 2, None),
        (0x0053, [response(0x0053, b"\x0e")] * 3, errors.JoinFailedError),
        (0x0053, [response(0x0053, b"\x0f")], errors.HanInUseError),
        (0x0053, [response(0x0053, b"\x33")], errors.HanInUseError),
        (0x0053, [response(0x0053, b"\x37")], errors.JoinFailedError),
        (0x0053, [b""], None),
        (0x0053, [b""] * 3, errors.CommandTimeoutError),
        (0x0005, [response(0x0005, b"\x0a")], None),
        (0x0005, [response(0x0005, b"\x12")], errors.JoinFailedError),
        (0x0054, [response(0x0054, b"\x58")], None),
        (0x0056, [response(0x0056, b"\x51")], None),
        (0x0056, [response(0x0056, b"\x51")] * 2, errors.JoinFailedError),
        (0x0056, [response(0x0056) + pana_result(2)], errors.CredentialsRefusedError),
        (0x0056, [response(0x0056) + pana_result(3)], errors.JoinFailedError),
        (0x0056, [response(0x0056) + pana_result(7)], errors.JoinFailedError),
        (0x0056, [pana_result(1) + response(0x0056)], None),
        (0x0056, [response(0x0056) + pana_result(2, OTHER_MAC) + pana_result(1)], None),
        (0x0056, [response(0x0056) + connection_changed(3)], errors.JoinFailedError),
        (0x0056, [response(0x0056) + notification(0x6019)], errors.JoinFailedError),
        *((code, [response(code, bytes((result,)))] * 2, None)
          for code in (0x005F, 0x0054, 0x0053, 0x0005, 0x0056, 0x0001) for result in NOT_EXECUTED),
        *((code, [notification(0x2FFF, b"\xf0")] * 2, None)
          for code in (0x005F, 0x0054, 0x0053, 0x0005, 0x0056, 0x0001)),
        *((code, [b""] * 2, None) for code in (0x005F, 0x0054, 0x0005, 0x0001)),
    ],
)  # fmt: skip
def test_sign_in_ends_with_success_or_the_right_error(
    code: int, answers: list[bytes], error: type[RouteBError] | None
) -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, events: list[DongleEvent]) -> None:
        await driver.prepare(CREDENTIALS)
        dongle.first_responses[code] = answers[:]
        if error is None:
            await driver.join(J11_NETWORK)
            dongle.state = 3
            await driver.send(PAYLOAD)
        else:
            with pytest.raises(error):
                await driver.join(J11_NETWORK)
            with pytest.raises(errors.NotConnectedError):
                await driver.send(PAYLOAD)
            assert 0x0008 not in dongle.codes
        assert not dongle.first_responses[code]
        assert not [event for event in events if isinstance(event, SessionLost)]

    play(body)


def test_lost_response_of_the_start_is_recovered_from_the_state() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        await driver.prepare(CREDENTIALS)
        dongle.first_responses[0x0053] = [b"", response(0x0053, b"\x34")]
        joining = asyncio.create_task(driver.join(J11_NETWORK))
        await asyncio.sleep(2)
        dongle.state = 2  # the first one was executed
        await joining
        assert dongle.codes.count(0x0053) == 2
        assert dongle.codes[dongle.codes.index(0x0053) :][:3] == [0x0053, 0x0053, 0x0011]

    play(body)


def test_another_meter_that_answers_the_start_is_left_again() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        dongle.joined = PAN + OTHER_MAC
        await sign_in(dongle, driver, errors.JoinFailedError)
        assert dongle.codes[-1] == 0x0058
        assert 0x0056 not in dongle.codes, "its credentials are not shown to it"

    play(body)


def test_channel_that_j11_does_not_have_is_not_joined() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        await driver.prepare(CREDENTIALS)
        with pytest.raises(errors.JoinFailedError):
            await driver.join(Network(0x32, 0x21A3, METER_MAC))
        assert 0x0053 not in dongle.codes

    play(body)


def test_pana_without_an_end_is_left_by_a_reset_after_a_limit_of_our_own() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        dongle.responses[0x0056] = response(0x0056)
        for first_sign, expected in ((15.0, 15.0), (None, 45.0)):
            await driver.prepare(CREDENTIALS)
            begun = seconds()
            with pytest.raises(errors.JoinFailedError):
                await driver.join(J11_NETWORK, first_sign=first_sign)
            assert seconds() - begun == pytest.approx(expected, abs=1)
            assert dongle.codes[-3:] == [0x00D9, 0x005F, 0x0054]
        del dongle.responses[0x0056]
        await driver.join(J11_NETWORK)

    play(body)


def test_lost_result_of_pana_is_recovered_from_the_state() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        await driver.prepare(CREDENTIALS)
        dongle.responses[0x0056] = response(0x0056)
        joining = asyncio.create_task(driver.join(J11_NETWORK))
        await asyncio.sleep(3)
        dongle.state = 3
        begun = seconds()
        await joining
        assert seconds() - begun < 5
        await driver.send(PAYLOAD)

    play(body)


def test_dongle_that_is_too_busy_for_questions_during_pana_is_waited_for() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        await driver.prepare(CREDENTIALS)
        dongle.responses[0x0056] = response(0x0056)
        dongle.responses[0x0011] = response(0x0011, b"\x3d")
        joining = asyncio.create_task(driver.join(J11_NETWORK))
        await asyncio.sleep(13)
        del dongle.responses[0x0011]
        dongle.state = 3
        dongle.say(pana_result(1))
        await joining

    play(body)


def test_repeated_pana_start_after_a_lost_response_is_no_failure() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        await driver.prepare(CREDENTIALS)
        dongle.first_responses[0x0056] = [b"", response(0x0056, b"\x52")]
        joining = asyncio.create_task(driver.join(J11_NETWORK))
        await asyncio.sleep(4)
        dongle.state = 3
        dongle.say(pana_result(1))
        await joining

    play(body)


# --- Sending -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"\x01\x00" + PAYLOAD[:5], None),
        (b"\x01\x0f" + PAYLOAD[:5], None),
        (b"\x01\x10" + PAYLOAD[:5], None),
        (b"\x01\x03" + PAYLOAD[:5], errors.SendFailedError),
        (b"\x01\x05" + PAYLOAD[:5], errors.SendFailedError),
        (b"\x01\x08" + PAYLOAD[:5], errors.SendFailedError),
        (b"\x01\x07" + PAYLOAD[:5], errors.SendFailedError),
        (b"\x01\x02" + PAYLOAD[:5], errors.TransmitLimitError),
        (b"\x04", errors.SendFailedError),
        (b"\x0c", errors.SendFailedError),
        (b"\x99", errors.SendFailedError),
        (b"\x02", errors.SessionLostError),
        (b"\x06", errors.SessionLostError),
        (b"\x10", errors.SessionLostError),
        (b"\x37", errors.SessionLostError),
    ],
)
def test_result_of_a_transmission(data: bytes, error: type[RouteBError] | None) -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, events: list[DongleEvent]) -> None:
        await joined(dongle, driver)
        dongle.responses[0x0008] = response(0x0008, data)
        if error is None:
            await driver.send(PAYLOAD)
        else:
            with pytest.raises(error) as caught:
                await driver.send(PAYLOAD)
            assert isinstance(caught.value, error)
        lost = any(isinstance(event, SessionLost) for event in events)
        assert lost is (error is errors.SessionLostError)

    play(body)


@pytest.mark.parametrize("result", NOT_EXECUTED)
def test_datagram_that_was_not_executed_is_sent_again(result: ResultCode) -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        await joined(dongle, driver)
        dongle.first_responses[0x0008] = [response(0x0008, bytes((result,)))] * 3
        await driver.send(PAYLOAD)
        assert dongle.codes == [0x0001, 0x0008] * 4

    play(body)


@pytest.mark.parametrize("result", [0x0A, 0x0B, 0x58])
@pytest.mark.parametrize("code", [0x0001, 0x0008, 0x0053, 0x0056, 0x005F, 0x006B])
def test_effect_that_another_command_has_already_is_no_success(code: int, result: int) -> None:
    """0A belongs to the opening of a port, 0B to its closing, 58 to the credentials."""

    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        async def whole() -> None:
            await driver.version()
            await driver.prepare(CREDENTIALS)
            await driver.join(J11_NETWORK)
            await driver.send(PAYLOAD)

        dongle.responses[code] = response(code, bytes((result,)))
        with pytest.raises(RouteBError):
            await whole()

    play(body)


def test_effect_that_a_command_has_already_is_as_good_as_success() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        dongle.responses[0x0005] = response(0x0005, b"\x0a")
        dongle.responses[0x0054] = response(0x0054, b"\x58")
        await joined(dongle, driver)
        await driver.send(PAYLOAD)

    play(body)


def test_late_response_of_an_earlier_datagram_does_not_count_for_the_next() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        await joined(dongle, driver)
        other = PAYLOAD[:3] + b"\x02" + PAYLOAD[4:]
        late = response(0x0008, b"\x01\x00" + PAYLOAD[:5])
        dongle.responses[0x0008] = late + response(0x0008, b"\x01\x05" + other[:5])
        with pytest.raises(errors.SendFailedError):
            await driver.send(other)
        assert driver.line_statistics["stray_answers"] == 1

    play(body)


def test_transmit_limit_is_reported_and_tried_once_a_minute() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, events: list[DongleEvent]) -> None:
        await joined(dongle, driver)
        dongle.responses[0x0008] = response(0x0008, b"\x01\x02" + PAYLOAD[:5])
        for _ in range(90):
            with pytest.raises(errors.TransmitLimitError):
                await driver.send(PAYLOAD)
            await asyncio.sleep(2)
        assert [type(event) for event in events] == [TransmitLimit]
        with pytest.raises(errors.TransmitLimitError):
            await driver.require_transmission()
        assert dongle.codes.count(0x0008) == 3
        del dongle.responses[0x0008]
        await asyncio.sleep(60)
        await driver.require_transmission()
        await driver.send(PAYLOAD)
        assert not driver.transmit_limited
        limits = [event for event in events if isinstance(event, TransmitLimit)]
        assert limits == [TransmitLimit(active=True), TransmitLimit(active=False)]

    play(body)


def test_dongle_that_does_not_answer_a_datagram_is_named() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        await joined(dongle, driver)
        dongle.responses[0x0008] = b""
        with pytest.raises(errors.CommandTimeoutError):
            await driver.send(PAYLOAD)
        assert await driver.ping()
        dongle.responses[0x006B] = response(0x006B, b"\x3d")
        assert await driver.ping(), "any answer is a sign of life"
        dongle.responses[0x006B] = b""
        assert not await driver.ping()

    play(body)


# --- What the dongle says by itself --------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        datagram(PAYLOAD, secured=1),
        datagram(PAYLOAD, secured=0),
        datagram(PAYLOAD, pan=b"\x21\xa4"),
        datagram(PAYLOAD, source=bytes.fromhex("FE80000000000000021C640060149999")),
        datagram(PAYLOAD, port=b"\x02\xcc"),
        datagram(PAYLOAD, size=len(PAYLOAD) + 1),
        datagram(PAYLOAD, size=len(PAYLOAD) - 1),
        datagram(PAYLOAD, size=0xFFFF),
    ],
    ids=["plain", "unknown encryption", "PAN", "address", "port", "too long", "too short", "65535"],
)
def test_datagram_that_is_not_certain_to_be_of_our_meter_is_dropped_and_counted(
    data: bytes,
) -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, events: list[DongleEvent]) -> None:
        await joined(dongle, driver)
        dongle.say(data)
        assert not events
        counts = driver.line_statistics
        assert counts["stray_datagrams"] + counts["malformed"] == 1

    play(body)


@pytest.mark.parametrize("rssi", [0, 0x7F, 0x80, 0xDF, 0x97])
def test_impossible_strength_is_left_out(rssi: int) -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, events: list[DongleEvent]) -> None:
        await joined(dongle, driver)
        dongle.say(datagram(PAYLOAD, rssi=bytes((rssi,))))
        assert events == [DatagramReceived(PAYLOAD, None)]

    play(body)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (connection_changed(3), "601A 03"),
        (connection_changed(4), "601A 04"),
        (pana_result(2), "6028 02"),
        (pana_result(3), "6028 03"),
        (notification(0x6019), "6019"),
    ],
)
def test_session_is_lost_when_the_dongle_says_so(said: bytes, reason: str) -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, events: list[DongleEvent]) -> None:
        await joined(dongle, driver)
        dongle.say(said)
        (event,) = events
        assert isinstance(event, SessionLost)
        assert reason in event.reason
        with pytest.raises(errors.NotConnectedError):
            await driver.send(PAYLOAD)

    play(body)


@pytest.mark.parametrize(
    "said",
    [
        connection_changed(4, OTHER_MAC),
        pana_result(2, OTHER_MAC),
        connection_changed(1),
        connection_changed(2),
        connection_changed(0x55),
        notification(0x6023, b"\x01" * 9),
        notification(0x60D1, b"\x00"),
        notification(0x6038, b"\x40" + bytes(16) + b"\x01\x00\x00\x00\x10\x81"),
        notification(0x4051, b"\x01\x0c"),
        response(0x0001, OK + b"\x03\x01\x00"),
        notification(0x2FFF, b"\xf0"),
        notification(0xFFFF, b"\x03"),
        response(0x0059, OK + bytes(16)),
    ],
)
def test_what_does_not_concern_the_session_leaves_it_alone(said: bytes) -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, events: list[DongleEvent]) -> None:
        await joined(dongle, driver)
        dongle.say(said)
        assert not events
        await driver.send(PAYLOAD)

    play(body)


def test_renewal_that_is_reported_is_passed_on() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, events: list[DongleEvent]) -> None:
        await joined(dongle, driver)
        dongle.say(pana_result(1))
        assert events == [SessionRenewed()]
        assert not driver.is_renewing

    play(body)


def test_restart_in_the_middle_of_a_command_ends_it_at_once() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        await joined(dongle, driver)
        dongle.responses[0x0008] = notification(0x6019)
        begun = seconds()
        with pytest.raises(errors.CommandTimeoutError):
            await driver.send(PAYLOAD)
        assert seconds() - begun < 0.1

    play(body)


def test_port_that_goes_away_fails_what_waits_and_is_reported() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, events: list[DongleEvent]) -> None:
        await joined(dongle, driver)
        dongle.responses[0x0008] = b""
        sending = asyncio.create_task(driver.send(PAYLOAD))
        await asyncio.sleep(1)
        dongle.unplug()
        with pytest.raises(errors.PortLostError):
            await sending
        assert [type(event) for event in events] == [DongleLost]
        with pytest.raises(errors.NotConnectedError):
            await driver.send(PAYLOAD)

    play(body)


# --- Scan, reset, identification -----------------------------------------------------------


def test_scan_with_twenty_beacons_on_a_channel_returns_them_all() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        await driver.prepare(CREDENTIALS)
        beacons = b"".join(MAC[:-1] + bytes((n,)) + PAN + RSSI for n in range(20))
        channels = b"".join(
            notification(0x4051, bytes((0, channel, 20)) + beacons) for channel in range(4, 18)
        )
        dongle.responses[0x0051] = channels + response(0x0051)
        found = await driver.scan(ROUTE_B_ID[-8:], PASS)
        assert len(found) == 64, "a neighbour cannot fill our memory"
        assert len({pan.network.address for pan in found[:20]}) == 20

    play(body)


def test_scan_reports_each_channel_as_progress() -> None:
    async def body(_: ScriptedJ11Dongle, driver: Dongle, __: list[DongleEvent]) -> None:
        await driver.prepare(CREDENTIALS)
        fractions: list[float] = []
        await driver.scan(ROUTE_B_ID[-8:], PASS, fractions.append)
        assert fractions == pytest.approx([number / 14 for number in range(1, 15)])
        assert driver.scan_seconds(PASS) == pytest.approx(9.9, abs=0.1)

    play(body)


def test_scan_of_some_channels_asks_for_those() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, __: list[DongleEvent]) -> None:
        await driver.prepare(CREDENTIALS)
        await driver.scan(ROUTE_B_ID[-8:], ScanPass(range(33, 36), 5))
        assert dongle.data[-1][:5] == bytes((5, 0, 0, 0, 0x30))

    play(body)


def test_scan_whose_end_was_lost_returns_what_was_found() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        await driver.prepare(CREDENTIALS)
        dongle.responses[0x0051] = notification(0x4051, bytes((0, 12, 1)) + MAC + PAN + b"\0")
        begun = seconds()
        (found,) = await driver.scan(ROUTE_B_ID[-8:], PASS)
        assert found.dbm is None
        assert seconds() - begun < driver.scan_seconds(PASS) + 2

    play(body)


def test_scan_after_an_unnoticed_restart_sets_the_dongle_up_again() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        await driver.prepare(CREDENTIALS)
        forget(dongle)
        dongle.first_responses[0x0051] = [response(0x0051, b"\x37")]
        assert await driver.scan(ROUTE_B_ID[-8:], PASS)
        assert dongle.codes == [0x0051, 0x005F, 0x0054, 0x0051]

    play(body)


def test_beacons_outside_a_scan_are_ignored() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        await driver.prepare(CREDENTIALS)
        dongle.say(notification(0x4051, bytes((0, 12, 1)) + OTHER_MAC + PAN + RSSI))
        (found,) = await driver.scan(ROUTE_B_ID[-8:], PASS)
        assert found.network == J11_NETWORK

    play(body)


def test_lost_start_report_of_a_reset_is_recovered_from_the_state() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        dongle.responses[0x00D9] = b""
        await driver.prepare(CREDENTIALS)
        assert dongle.codes == [0x00D9, 0x0001, 0x005F, 0x0054]
        forget(dongle)
        with pytest.raises(errors.CommandTimeoutError):
            await driver.prepare(CREDENTIALS)
        assert dongle.codes == [0x00D9, 0x0001] * 3, "it is set up: no reset was executed"

    play(body)


def test_scan_that_an_earlier_program_has_left_running_is_ended() -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        dongle.first_responses[0x006B] = [response(0x006B, b"\x3d")] * 7
        assert (await driver.identify()).version == "1.3 rev 0000158A"
        assert dongle.codes.count(0x00D9) == 1

    play(body, lambda dongle: dongle.first_responses.update({0x006B: [response(0x006B, b"\x3d")]}))


def test_firmware_without_route_b_is_named() -> None:
    async def body(_: ScriptedJ11Dongle, driver: Dongle, __: list[DongleEvent]) -> None:
        with pytest.raises(errors.FirmwareNotDualError):
            await driver.version()
        with pytest.raises(errors.FirmwareNotDualError):
            await driver.identify()

    play(body, lambda dongle: setattr(dongle, "firmware", 0x0200))


@pytest.mark.parametrize("state", [2, 3])
def test_dongle_in_use_in_a_han_is_named_and_left_alone(state: int) -> None:
    async def body(dongle: ScriptedJ11Dongle, driver: Dongle, _: list[DongleEvent]) -> None:
        dongle.han = state
        with pytest.raises(errors.HanInUseError):
            await driver.identify()
        assert 0x00D9 not in dongle.codes

    play(body)


def test_credentials_are_in_no_trace_and_no_error() -> None:
    async def scenario() -> None:
        dongle = ScriptedJ11Dongle()
        trace = Trace(Redactor())  # which knows no secret: the layout alone must hide them
        driver = await detect(dongle.connector(), lambda _: None, trace)
        await driver.identify()
        await driver.prepare(CREDENTIALS)
        await driver.scan(ROUTE_B_ID[-8:], PASS)
        await driver.join(J11_NETWORK)
        await driver.send(PAYLOAD)
        await driver.close()
        shown = "\n".join(line.text for line in vars(trace)["_log"].lines)
        for secret in (ROUTE_B_ID, PASSWORD, ROUTE_B_ID[-8:], METER_MAC, "21A3"):
            for form in (
                secret,
                secret.encode().hex().upper(),
                bytes.fromhex(secret).hex(" ").upper(),
            ):
                assert form not in shown, form
        assert "set credentials: D0EA83FC 0054 0030 03BD **** **** (44 bytes)" in shown
        assert "start response: D0F9EE5D 2053 0011 0398 **** 01 0C <PAN 1> <address 1> B9" in shown

    run(scenario())
