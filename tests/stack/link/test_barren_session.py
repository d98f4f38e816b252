"""A session that carries no answer is no success: recovery goes on, and the state says so."""

import asyncio
from collections.abc import Callable
import itertools
import random
from typing import override

import pytest

from custom_components.wisun_route_b.stack import (
    Credentials,
    LinkKeeper,
    LinkState,
    LinkStatus,
    RouteBError,
    SmartMeter,
    errors,
    properties,
)
from custom_components.wisun_route_b.stack.echonet import CONTROLLER, ESV, METER, Frame, Property
from tests.stack.scripted import (
    DONGLE_IP,
    METER_IP,
    NETWORK,
    PASSWORD,
    ROUTE_B_ID,
    ScriptedDongle,
    erxudp,
    pana,
)
from tests.virtual_clock import run

#: A dongle that was not reset knows where the meter is.
REMEMBERS = f"EINFO {DONGLE_IP} 001D12900005747B 31 21A3 FFFE\r\nOK\r\n".encode()
LIVE = (properties.INSTANTANEOUS_POWER, properties.INSTANTANEOUS_CURRENT)
#: Within this many seconds a link that can be mended reads again (docs/architecture.md).
BOUND = 300.0


def silent(dongle: ScriptedDongle, _: Frame) -> None:
    dongle.accept()


def not_acknowledged(dongle: ScriptedDongle, _: Frame) -> None:
    dongle.say(f"EVENT 21 {METER_IP} 01\r\nOK\r\n".encode())


def no_session(dongle: ScriptedDongle, _: Frame) -> None:
    dongle.say(b"FAIL ER10\r\n")


def refused_form(dongle: ScriptedDongle, _: Frame) -> None:
    dongle.say(b"FAIL ER06\r\n")


BARREN = pytest.mark.parametrize("kind", [silent, not_acknowledged, no_session, refused_form])


async def poll(keeper: LinkKeeper, seconds: float) -> int:
    """Read every 30 s as the coordinator does; return how often it succeeded."""
    read = 0
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        for _ in range(2):
            try:
                await keeper.meter.read(LIVE, 20.0)
            except RouteBError:
                if not keeper.meter.connected:
                    break
            else:
                read += 1
                break
        await asyncio.sleep(30)
    return read


class Curable(ScriptedDongle):
    """A dongle that is barren from some moment on, until a recovery step."""

    def __init__(self, kind: Callable[[ScriptedDongle, Frame], None]) -> None:
        super().__init__()
        self.kind = kind
        self.helps = ""
        self.replies["SKINFO"] = REMEMBERS
        self.openings = 0

    def fail_until(self, helps: str) -> None:
        self.helps = helps
        self.on_request = lambda request: self.kind(self, request)

    @override
    def opened(self) -> None:
        self.openings += 1
        self._apply("REOPEN")

    @override
    def _command(self, line: str) -> None:
        self._apply(line.partition(" ")[0])
        super()._command(line)

    def _apply(self, step: str) -> None:
        if step == self.helps:
            self.on_request = self.answer


@BARREN
@pytest.mark.parametrize("helps", ["SKJOIN", "SKSCAN", "SKRESET", "REOPEN"])
def test_link_whose_sessions_carry_no_answer_reaches_the_step_that_helps(
    kind: Callable[[ScriptedDongle, Frame], None], helps: str
) -> None:
    async def scenario() -> None:
        dongle = Curable(kind)
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
        keeper = LinkKeeper(meter, random.Random(1))
        await keeper.open()
        await poll(keeper, 120)
        dongle.fail_until(helps)
        await poll(keeper, BOUND)
        assert keeper.state is LinkState.CONNECTED
        assert await poll(keeper, 120) == 4
        assert dongle.openings == (2 if helps == "REOPEN" else 1)
        await keeper.close()

    run(scenario())


@BARREN
def test_state_is_never_connected_while_no_request_is_answered(
    kind: Callable[[ScriptedDongle, Frame], None],
) -> None:
    async def scenario() -> None:
        dongle = Curable(kind)
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
        keeper = LinkKeeper(meter, random.Random(1))
        await keeper.open()
        await poll(keeper, 120)
        dongle.fail_until("never")
        await poll(keeper, 120)
        changes: list[LinkStatus] = []
        keeper.on_change(changes.append)
        assert await poll(keeper, 3600) == 0
        assert LinkState.CONNECTED not in {keeper.state, *(status.state for status in changes)}
        assert isinstance(keeper.status.error, errors.MeterSilentError)
        assert dongle.openings > 1
        await keeper.close()

    run(scenario())


def test_session_that_dies_after_one_answer_makes_the_next_round_start_higher() -> None:
    """Each sign-in is answered once: signing in again and again would never end."""

    async def scenario() -> None:
        dongle = Curable(silent)
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
        keeper = LinkKeeper(meter, random.Random(1))
        await keeper.open()
        await poll(keeper, 120)
        answered = itertools.count()

        def answer_first(request: Frame) -> None:
            if "SKJOIN" in dongle.commands[-1] or next(answered) < 1:
                dongle.answer(request)
                dongle.commands.append("answered")
                asyncio.get_running_loop().call_later(
                    5, dongle.say, f"EVENT 27 {METER_IP}\r\n".encode()
                )
            else:
                dongle.accept()

        dongle.on_request = answer_first
        await poll(keeper, 600)
        words = {line.partition(" ")[0] for line in dongle.commands}
        assert {"SKSCAN", "SKRESET"} <= words
        assert dongle.openings > 1
        await keeper.close()

    run(scenario())


def test_first_connection_without_an_answer_looks_for_the_meter_and_then_fails() -> None:
    async def scenario() -> None:
        dongle = Curable(silent)
        dongle.fail_until("never")
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
        with pytest.raises(errors.MeterSilentError):
            await meter.connect()
        assert any(line.startswith("SKSCAN") for line in dongle.commands)
        assert dongle.is_closing()

    run(scenario())


def test_network_that_lets_us_in_but_does_not_answer_is_left_for_the_next() -> None:
    """Two PANs show our pairing ID and let us in; the louder one does not answer."""

    async def scenario() -> None:
        dongle = ScriptedDongle()
        usual = dongle.usual("SKSCAN").decode()
        block = usual[usual.index("EPANDESC") : usual.index("EVENT 22")]
        trap = block.replace("001C6400601421A3", "001C640060149999").replace("LQI:98", "LQI:FF")
        dongle.replies["SKSCAN"] = usual.replace("EPANDESC", f"{trap}EPANDESC", 1).encode()

        def answer_at_home(request: Frame) -> None:
            joined = [line for line in dongle.commands if line.startswith("SKJOIN")][-1]
            if joined.endswith("21A3"):
                dongle.answer(request)
            else:
                dongle.accept()

        dongle.on_request = answer_at_home
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD))
        await meter.connect()
        assert meter.network == NETWORK
        await meter.close()

    run(scenario())


def test_three_loud_networks_with_our_pairing_id_do_not_keep_out_the_remembered_meter() -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        usual = dongle.usual("SKSCAN").decode()
        block = usual[usual.index("EPANDESC") : usual.index("EVENT 22")]
        traps = "".join(
            block.replace("001C6400601421A3", f"001C64006014999{n}").replace("LQI:98", "LQI:FF")
            for n in range(3)
        )
        dongle.replies["SKSCAN"] = usual.replace("EPANDESC", f"{traps}EPANDESC", 1).encode()
        dongle.first_replies["SKJOIN"] = (
            f"OK\r\nEVENT 24 {METER_IP}\r\n".encode()  # where it was, it is not heard at first
        )
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
        await meter.connect()
        assert meter.network == NETWORK
        assert sum(line.startswith("SKJOIN") for line in dongle.commands) == 2
        await meter.close()

    run(scenario())


# --- Credentials that are refused for a while ---------------------------------------------------

REFUSED = (
    f"OK\r\nEVENT 21 {METER_IP} 00\r\n".encode()
    + pana(1)
    + pana(2)
    + f"EVENT 24 {METER_IP}\r\n".encode()
)


@pytest.mark.parametrize("minutes", [5, 30, 200])
def test_refused_credentials_that_once_worked_are_tried_again_at_long_intervals(
    minutes: int,
) -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
        keeper = LinkKeeper(meter, random.Random(1))
        await keeper.open()
        await asyncio.sleep(100)
        dongle.replies["SKJOIN"] = REFUSED
        dongle.say(f"EVENT 27 {METER_IP}\r\n".encode())
        await asyncio.sleep(60 * minutes)
        assert keeper.status.state is LinkState.REFUSED
        assert keeper.status.retry_at is not None
        del dongle.replies["SKJOIN"]
        joins = sum(line.startswith("SKJOIN") for line in dongle.commands)
        assert joins <= 20  # a meter that wants a pause gets one
        await asyncio.sleep(3601)
        assert keeper.state is LinkState.CONNECTED
        assert (await meter.read(LIVE)).value(properties.INSTANTANEOUS_POWER) == 632
        await keeper.close()

    run(scenario())


# --- The journal --------------------------------------------------------------------------------


@pytest.mark.timeout(240)
def test_week_of_outage_is_a_handful_of_changes_and_the_first_cause_stays() -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
        keeper = LinkKeeper(meter, random.Random(1))
        await keeper.open()
        await asyncio.sleep(100)
        changes: list[LinkStatus] = []
        keeper.on_change(changes.append)
        nowhere = itertools.cycle(
            (
                f"OK\r\nEVENT 24 {METER_IP}\r\n".encode(),
                b"FAIL ER10\r\n",
                f"OK\r\nEVENT 24 {METER_IP}\r\n".encode(),
            )
        )
        dongle.replies["SKSCAN"] = b"OK\r\nEVENT 22 " + METER_IP.encode() + b"\r\n"
        dongle.replies["SKJOIN"] = next(nowhere)
        dongle.say(f"EVENT 27 {METER_IP}\r\n".encode())
        for _ in range(7 * 24):
            dongle.replies["SKJOIN"] = next(nowhere)
            await asyncio.sleep(3600)
        assert len(changes) < 20
        for older, newer in itertools.pairwise(changes):
            assert (older.state, type(older.error)) != (newer.state, type(newer.error))
        lost = next(status for status in keeper.journal if status.error is not None)
        assert "EVENT 27" in str(lost.error)
        await keeper.close()

    run(scenario())


@pytest.mark.timeout(240)
def test_silent_meter_of_a_week_is_a_handful_of_changes() -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
        keeper = LinkKeeper(meter, random.Random(1))
        await keeper.open()
        await poll(keeper, 120)
        changes: list[LinkStatus] = []
        keeper.on_change(changes.append)
        dongle.on_request = lambda _: dongle.accept()
        await poll(keeper, 2 * 86_400)
        assert len(changes) < 6
        await keeper.close()

    run(scenario())


@pytest.mark.parametrize("life", [5, 20, 70])
def test_sessions_that_die_young_climb_to_the_reset_that_helps(life: float) -> None:
    async def scenario() -> None:
        dongle = Curable(silent)
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
        keeper = LinkKeeper(meter, random.Random(1))
        await keeper.open()
        await poll(keeper, 700)

        def answer_while_young(request: Frame) -> None:
            began = keeper.connected_at
            now = asyncio.get_running_loop().time()
            if began is None or now - began < life:
                dongle.answer(request)
            else:
                dongle.accept()

        dongle.helps = "SKRESET"
        dongle.on_request = answer_while_young
        await poll(keeper, 1200)
        assert "SKRESET" in dongle.commands
        assert await poll(keeper, 120) == 4
        await keeper.close()

    run(scenario())


@pytest.mark.parametrize("interval", [10, 20, 45, 300])
def test_notifications_alone_keep_no_session_alive(interval: float) -> None:
    async def scenario() -> None:
        dongle = Curable(silent)
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
        keeper = LinkKeeper(meter, random.Random(1))
        await keeper.open()
        await poll(keeper, 120)
        dongle.fail_until("SKRESET")
        push = Frame(7, METER, CONTROLLER, ESV.INF, (Property(0x80, b"\x30"),)).encode()

        async def announce() -> None:
            while True:
                await asyncio.sleep(interval)
                dongle.say(erxudp(push))

        announcing = asyncio.create_task(announce())
        await poll(keeper, BOUND)
        assert await poll(keeper, 120) == 4
        announcing.cancel()
        await keeper.close()

    run(scenario())


# --- The transmit limit -----------------------------------------------------------------------


@pytest.mark.parametrize("register", [b"", b"OK\r\n", b"FAIL ER04\r\n", b"ESREG 0\r\nOK\r\n"])
def test_stray_event_32_costs_minutes_and_no_hour(register: bytes) -> None:
    async def scenario() -> None:
        dongle = ScriptedDongle()
        meter = SmartMeter(dongle.connector(), Credentials(ROUTE_B_ID, PASSWORD), network=NETWORK)
        keeper = LinkKeeper(meter, random.Random(1))
        await keeper.open()
        await poll(keeper, 120)
        dongle.replies["SKSREG SFB"] = register
        dongle.say(f"EVENT 32 {METER_IP}\r\n".encode())
        await poll(keeper, BOUND)
        assert await poll(keeper, 120) == 4
        await keeper.close()

    run(scenario())
