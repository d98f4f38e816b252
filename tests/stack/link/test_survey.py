"""Who is on the port, and what is on the air, without a session."""

import asyncio

import pytest

from custom_components.wisun_route_b.stack import (
    Credentials,
    DongleIdentity,
    FoundNetwork,
    Network,
    Progress,
    RouteBError,
    SmartMeter,
    Stage,
    Survey,
    errors,
    identify,
    survey,
)
from custom_components.wisun_route_b.stack.skstack import rssi_dbm
from tests.stack.scripted import DONGLE_IP, NETWORK, PASSWORD, ROUTE_B_ID, ScriptedDongle
from tests.virtual_clock import run

CREDENTIALS = Credentials(ROUTE_B_ID, PASSWORD)
IDENTITY = DongleIdentity("SKSTACK single", "1.2.10", "rev26e")


def _beacon(pan_id: str, lqi: str, pair_id: str) -> str:
    return (
        f"EVENT 20 {DONGLE_IP}\r\nEPANDESC\r\n  Channel:31\r\n  Channel Page:09\r\n"
        f"  Pan ID:{pan_id}\r\n  Addr:{NETWORK.address}\r\n  LQI:{lqi}\r\n  PairID:{pair_id}\r\n"
    )


async def _identify(dongle: ScriptedDongle) -> tuple[DongleIdentity | RouteBError, float]:
    begun = asyncio.get_running_loop().time()
    try:
        found: DongleIdentity | RouteBError = await identify(dongle.connector())
    except RouteBError as err:
        found = err
    assert dongle.is_closing()
    return found, asyncio.get_running_loop().time() - begun


def test_dongle_is_identified_without_touching_its_session() -> None:
    dongle = ScriptedDongle()

    assert run(_identify(dongle))[0] == IDENTITY
    assert dongle.commands == ["SKVER", "SKINFO", "SKSREG SFE 0", "SKAPPVER"]


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"": b""}, errors.DongleSilentError),
        ({"SKVER": b"login: "}, errors.NotAWiSunDongleError),
        ({"SKVER": b"\xd0\xf9\xee\x5d\x60\x19\x00\x05"}, errors.NotAWiSunDongleError),
        ({"SKVER": b"EVER 1.5.2\r\nOK\r\n", "SKINFO": b""}, errors.CommandTimeoutError),
    ],
)
def test_other_devices_are_recognized_within_five_seconds(
    answers: dict[str, bytes], error: type[RouteBError]
) -> None:
    dongle = ScriptedDongle()
    for word in ("SKVER", "SKINFO"):
        dongle.replies[word] = answers.get(word, b"")

    found, seconds = run(_identify(dongle))

    assert type(found) is error
    assert seconds < 5


def test_survey_tells_our_meter_from_those_next_door() -> None:
    dongle = ScriptedDongle()
    heard = _beacon("0A0B", "40", "99999999") + _beacon("21A3", "98", ROUTE_B_ID[-8:])
    dongle.replies["SKSCAN"] = f"OK\r\n{heard}EVENT 22 {DONGLE_IP}\r\n".encode()

    result = run(survey(dongle.connector(), CREDENTIALS, 5))

    assert result == Survey(
        IDENTITY,
        (
            FoundNetwork(NETWORK, rssi_dbm(0x98), ours=True, lqi=0x98),
            FoundNetwork(
                Network(0x31, 0x0A0B, NETWORK.address), rssi_dbm(0x40), ours=False, lqi=0x40
            ),
        ),
    )
    assert "SKSCAN 2 05555555 5" in dongle.commands
    assert dongle.is_closing()


def test_survey_shows_how_far_it_is_while_it_listens() -> None:
    async def play() -> list[Progress]:
        dongle, steps = ScriptedDongle(), list[Progress]()
        dongle.replies["SKSCAN"] = b"OK\r\n"
        asyncio.get_running_loop().call_later(
            9, lambda: dongle.say(f"EVENT 22 {DONGLE_IP}\r\n".encode())
        )
        result = await survey(dongle.connector(), CREDENTIALS, 5, steps.append)
        assert result.networks == ()
        return steps

    steps = run(play())

    assert [step.stage for step in steps[:3]] == [
        Stage.OPENING,
        Stage.IDENTIFYING,
        Stage.SCANNING,
    ]
    fractions = [step.fraction for step in steps[2:]]
    assert fractions == sorted(fractions)
    assert fractions[-1] > 0.9


def test_survey_ends_when_the_dongle_is_unplugged() -> None:
    async def play() -> None:
        dongle = ScriptedDongle()
        dongle.replies["SKSCAN"] = b"OK\r\n"
        asyncio.get_running_loop().call_later(2, dongle.unplug)
        with pytest.raises(errors.PortLostError):
            await survey(dongle.connector(), CREDENTIALS)

    run(play())


def test_survey_that_is_given_up_frees_the_port() -> None:
    async def play() -> None:
        dongle = ScriptedDongle()
        dongle.replies["SKSCAN"] = b"OK\r\n"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                await survey(dongle.connector(), CREDENTIALS)
        assert dongle.is_closing()

    run(play())


def test_meter_next_door_is_not_joined() -> None:
    async def play() -> None:
        dongle = ScriptedDongle()
        heard = _beacon("0A0B", "F0", "99999999") + _beacon("21A3", "98", ROUTE_B_ID[-8:])
        dongle.replies["SKSCAN"] = f"OK\r\n{heard}EVENT 22 {DONGLE_IP}\r\n".encode()
        meter = SmartMeter(dongle.connector(), CREDENTIALS)
        await meter.connect()
        assert meter.network == NETWORK
        await meter.close()

    run(play())
