"""``watch`` prints live values and pushes, and ends cleanly."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
import json
import re
from typing import Any

import pytest

from custom_components.wisun_route_b.stack import Signal, errors
from tests.stack.scripted import METER_IP, PASSWORD, ROUTE_B_ID, ScriptedDongle
from tests.virtual_clock import run
from tools.emulator import MINIMAL, Emulator
from tools.meter.exit_codes import ExitCode

from .shell import Outcome, carry_out, meter, secrets


def _events(outcome: Outcome) -> list[dict[str, Any]]:
    return [json.loads(line) for line in outcome.lines]


def _readings(outcome: Outcome) -> list[dict[str, Any]]:
    """Return all events but changes of the link."""
    return [event for event in _events(outcome) if event.get("kind") != "link"]


def test_readings_come_at_their_interval() -> None:
    events = _readings(meter("watch", "--interval", "20", "--count", "4", "--json"))

    times = [datetime.fromisoformat(event["at"]) for event in events]
    gaps = [(later - time).total_seconds() for time, later in pairwise(times)]
    assert len(events) == 4
    assert all(18 < gap < 22 for gap in gaps)
    assert {"at", "kind", "dbm", "instantaneous_power", "cumulative_energy_reverse"} <= set(
        events[0]
    )


def test_line_has_everything_with_its_unit() -> None:
    outcome = meter("watch", "--count", "1")

    assert outcome.emulator is not None
    *_, line = outcome.lines
    for part in (" W   R ", " A, T ", "   in ", " kWh   out ", " dBm"):
        assert part in line
    assert not any(secret in outcome.out for secret in secrets(outcome.emulator))


def test_meter_that_has_less_is_watched_as_well() -> None:
    *_, line = meter("watch", "--count", "1", model=MINIMAL).lines

    assert " W   R " in line
    assert " out " not in line


def test_push_is_printed_when_it_comes() -> None:
    events = _readings(meter("watch", "--interval", "3600", "--count", "2", "--json", push="infc"))

    pushes = [event for event in events if event["kind"] == "push"]
    assert [list(push)[2:] for push in pushes[:1]] == [
        ["fixed_time_energy_normal", "fixed_time_energy_reverse"]
    ]
    assert pushes[0]["fixed_time_energy_normal"]["measured_at"] == "2026-11-22T12:30:00+09:00"
    assert [event["kind"] for event in events] == ["reading", "push", "reading"]


def test_interruption_is_how_it_ends() -> None:
    def interrupt(_: Emulator, task: asyncio.Task[Outcome]) -> None:
        asyncio.get_running_loop().call_later(300, task.cancel)

    outcome = meter("watch", meanwhile=interrupt)

    assert outcome.code == ExitCode.OK
    assert outcome.emulator is not None
    assert not outcome.emulator.dongle._hosts
    assert not outcome.emulator.air.session
    assert 20 < sum(" kWh" in line for line in outcome.lines) < 30


def _scripted(dongle: ScriptedDongle, *words: str) -> Outcome:
    environment = {"ROUTE_B_ID": ROUTE_B_ID, "ROUTE_B_PASSWORD": PASSWORD}
    return run(carry_out(words, dongle.connector(), environment=environment))


def test_lost_session_is_made_again_and_the_cause_is_printed() -> None:
    dongle = ScriptedDongle()
    answer = dongle.on_request
    lost: list[Any] = []

    def lose_once(request: Any) -> None:
        answer(request)
        if any(item.epc == 0xE0 for item in request.properties) and not lost:
            lost.append(request)
            asyncio.get_running_loop().call_later(
                1, lambda: dongle.say(f"EVENT 27 {METER_IP}\r\n".encode())
            )

    dongle.on_request = lose_once
    outcome = _scripted(dongle, "watch", "--interval", "60", "--count", "2", "--json")

    assert outcome.code == ExitCode.OK
    events = _events(outcome)
    states = [(event["state"], event.get("cause")) for event in events if event["kind"] == "link"]
    assert ("connecting", "session_lost") in states
    assert states[-1] == ("connected", None)
    assert sum(event["kind"] == "reading" for event in events) == 2
    assert dongle.is_closing()


def test_missing_answer_is_told_and_the_watch_goes_on() -> None:
    dongle = ScriptedDongle()
    asked: list[None] = []

    def forget(request: Any) -> None:
        live = any(item.epc == 0xE0 for item in request.properties)
        asked.extend([None] * (live or bool(asked)))
        if 2 <= len(asked) <= 8:
            dongle.accept()
        else:
            dongle.answer(request)

    dongle.on_request = forget
    outcome = _scripted(dongle, "watch", "--count", "6", "--json")

    assert outcome.code == ExitCode.OK
    kinds = [event.get("error", event.get("kind")) for event in _readings(outcome)]
    assert kinds[0] == kinds[-1] == "reading"
    assert "no_answer" in kinds


def test_unplugged_dongle_is_waited_for() -> None:
    dongle = ScriptedDongle()
    answer = dongle.on_request
    unplugged: list[Any] = []

    def unplug_once(request: Any) -> None:
        answer(request)
        if any(item.epc == 0xE0 for item in request.properties) and not unplugged:
            unplugged.append(request)
            asyncio.get_running_loop().call_later(1, dongle.unplug)

    dongle.on_request = unplug_once
    outcome = _scripted(dongle, "watch", "--count", "2", "--json")

    assert outcome.code == ExitCode.OK
    events = _events(outcome)
    assert "port_lost" in [event.get("cause") for event in events]
    assert [event["kind"] for event in events if event["kind"] == "reading"] == ["reading"] * 2


def test_port_that_is_not_there_yet_is_waited_for() -> None:
    dongle = ScriptedDongle()
    connect = dongle.connector()
    openings: list[None] = []

    async def missing_at_first(
        factory: Callable[[], asyncio.Protocol],
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        openings.append(None)
        if len(openings) < 4:
            raise errors.PortNotFoundError("There is no such port")
        return await connect(factory)

    environment = {"ROUTE_B_ID": ROUTE_B_ID, "ROUTE_B_PASSWORD": PASSWORD}
    outcome = run(
        carry_out(("watch", "--count", "1", "--json"), missing_at_first, environment=environment)
    )

    assert outcome.code == ExitCode.OK
    waiting = [event for event in _events(outcome) if event.get("state") == "waiting"]
    assert [event["cause"] for event in waiting] == ["port_not_found"]
    assert waiting[0]["retry_in"] > 0


def test_signal_alone_is_shown_in_words_and_as_a_bar() -> None:
    *_, line = meter("watch", "--signal", "--count", "1").lines

    assert re.fullmatch(
        r"[\d:]{8}  +-\d+ dBm  (good|fair|weak)  \|#* *\|(  of the last scan: .*)?", line
    ), line
    (event,) = _readings(meter("watch", "--signal", "--count", "1", "--json"))
    assert event.keys() == {"at", "kind", "dbm", "reception", "live"}


@pytest.mark.parametrize(
    ("dbm", "reception"),
    [(-43, "good"), (-75, "good"), (-76, "fair"), (-87, "fair"), (-88, "weak"), (-100, "weak")],
)
def test_reception_has_a_word(dbm: float, reception: str) -> None:
    assert Signal(dbm).reception == reception
