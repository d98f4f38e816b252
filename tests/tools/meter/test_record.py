"""``record`` writes a conversation that tests can replay that identifies no household."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from custom_components.wisun_route_b.stack import Connector
from custom_components.wisun_route_b.stack.skstack import (
    Datagram,
    Message,
    PanDescription,
    Receiver,
)
from tests import transcripts
from tests.stack.scripted import ScriptedDongle
from tests.transcripts import Direction
from tests.virtual_clock import now, run
from tools.emulator import MODELS, Emulator, EmulatorConfig
from tools.meter.exit_codes import ExitCode
from tools.meter.recorder import recorded

from .shell import PASSWORD, ROUTE_B_ID, Outcome, carry_out, meter, secrets

DONGLES = [
    {"dongle": "bp35c2", "output": "binary"},
    {"dongle": "bp35c2", "output": "ascii"},
    {"dongle": "bp35a1", "output": "binary"},
    {"dongle": "rl7023-dss"},
    {"dongle": "rl7023-ips"},
]


class Witness:
    """Hears the wire beside the recorder."""

    def __init__(self) -> None:
        self.bytes = {Direction.SENT: b"", Direction.RECEIVED: b""}

    def sent(self, data: bytes) -> None:
        self.bytes[Direction.SENT] += data

    def received(self, data: bytes) -> None:
        self.bytes[Direction.RECEIVED] += data


def _witnessed(file: Path, *words: str, **choices: Any) -> tuple[Outcome, Witness]:
    witness = Witness()

    async def play() -> Outcome:
        config = EmulatorConfig(
            **{"route_b_id": ROUTE_B_ID, "password": PASSWORD, "clock": now, **choices}
        )
        async with Emulator(config) as emulator:
            connector = recorded(emulator.connector(), witness)
            found = await carry_out(("record", str(file), *words), connector)
            return Outcome(found.code, found.out, found.err, emulator)

    return run(play()), witness


def _shape(message: Message) -> tuple[object, ...]:
    """Return of a message what masking must leave alone."""
    match message:
        case Datagram(payload=payload):
            head = payload[:12] if message.local_port == 0x0E1A else b""
            return (Datagram, message.local_port, message.rssi, message.secured, len(payload), head)
        case _:
            fields = ("number", "parameter", "code", "channel", "lqi", "side", "text")
            return (type(message), *(getattr(message, field, None) for field in fields))


@pytest.mark.parametrize("choices", DONGLES, ids=lambda choices: "-".join(choices.values()))
def test_record_says_what_was_said_and_no_secret(choices: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "record.txt"
    outcome, witness = _witnessed(
        file, "--listen", "2400", seed=1, neighbours=2, model=MODELS["gen2"], **choices
    )

    assert outcome.code == ExitCode.OK, outcome.err
    assert outcome.emulator is not None
    text = file.read_text(encoding="ascii")
    transcript = transcripts.parse(file.name, text)
    said = {
        direction: b"".join(item.data for item in transcript.entries if item.direction is direction)
        for direction in Direction
    }
    for direction in Direction:
        assert len(said[direction]) == len(witness.bytes[direction])
    real = Receiver().receive(witness.bytes[Direction.RECEIVED])
    masked = Receiver().receive(said[Direction.RECEIVED])
    assert list(map(_shape, masked)) == list(map(_shape, real))
    assert sum(isinstance(message, Datagram) for message in masked) > 10
    assert all(entry.complete for entry in transcript.entries)

    raw = b"".join(said.values())
    neighbours = [pan.mac for pan in outcome.emulator.air.neighbours]
    neighbours += [pan.pair_id for pan in outcome.emulator.air.neighbours]
    serial = outcome.emulator.meter.serial
    for secret in [*secrets(outcome.emulator), *neighbours, serial, serial.encode().hex().upper()]:
        assert secret not in text
        assert secret.encode() not in raw
    for pan in (outcome.emulator.air.pan, *outcome.emulator.air.neighbours):
        assert f"Pan ID:{pan.pan_id:04X}" not in text
        assert f"SKSREG S3 {pan.pan_id:04X}" not in text
        assert bytes.fromhex(pan.mac) not in raw
    assert outcome.emulator.meter.unique[:12] not in raw


def test_record_has_headers_and_times_like_the_captures(tmp_path: Path) -> None:
    file = tmp_path / "record.txt"
    outcome = meter("record", str(file), "--json")

    text = file.read_text(encoding="ascii")
    transcript = transcripts.parse(file.name, text)
    assert text.startswith("# source: scripts/meter record, wisun_route_b ")
    assert transcript.device == "SKSTACK dual stack, firmware 1.5.2, application rev15"
    assert "# contains: " in text
    assert "# --- connected" in text
    assert "\n#@ +" in text
    assert outcome.json == {"file": str(file), "entries": len(transcript.entries)}


def test_same_address_has_the_same_placeholder_everywhere(tmp_path: Path) -> None:
    file = tmp_path / "record.txt"
    meter("record", str(file), dongle="bp35a1", output="ascii")

    messages = Receiver().receive(b"".join(transcripts.parse("", file.read_text()).received()))
    by_kind = {type(message).__name__: message for message in messages}
    found, datagram = by_kind["PanDescription"], by_kind["Datagram"]
    assert isinstance(found, PanDescription)
    assert isinstance(datagram, Datagram)
    assert found.address == datagram.address


def test_existing_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "precious.txt"
    file.write_text("do not touch", encoding="ascii")

    assert meter("record", str(file)).code == ExitCode.USAGE
    assert file.read_text(encoding="ascii") == "do not touch"
    nowhere = meter("record", str(tmp_path / "no" / "where"))
    assert nowhere.code == ExitCode.USAGE
    assert "cannot be written" in nowhere.err


def test_failure_is_recorded_up_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "record.txt"
    outcome = meter("record", str(file), password="WrongWrong12")

    text = file.read_text(encoding="ascii")
    assert outcome.code == ExitCode.REFUSED
    assert "holds the conversation" in outcome.err
    assert "EVENT 24" in text
    assert "# --- ended by CredentialsRefusedError" in text
    assert not any(secret in text for secret in (ROUTE_B_ID, PASSWORD, "WrongWrong12"))


def _record(file: Path, connector: Connector, **more: Any) -> Outcome:
    return run(carry_out(("record", str(file)), connector, **more))


def test_another_device_on_the_port_is_recorded_without_credentials(tmp_path: Path) -> None:
    file = tmp_path / "record.txt"
    dongle = ScriptedDongle()
    dongle.replies["SKVER"] = b"\x00login {1}: \\"
    outcome = _record(file, dongle.connector(), environment={})

    transcript = transcripts.parse(file.name, file.read_text(encoding="ascii"))
    assert outcome.code == ExitCode.DONGLE
    assert transcript.device == "not identified (NotAWiSunDongleError)"
    assert b"".join(transcript.received()).startswith(b"\x00login {1}: \\")


def test_dongle_alone_is_recorded_without_credentials(tmp_path: Path) -> None:
    file = tmp_path / "record.txt"
    outcome = meter("record", str(file), environment={})

    assert outcome.code == ExitCode.OK
    assert "only the dongle" in outcome.err
    sent = transcripts.parse(file.name, file.read_text(encoding="ascii")).sent()
    assert b"SKVER\r\n" in sent
    assert not any(line.startswith(b"SKSETRBID") for line in sent)


@pytest.mark.parametrize(
    ("seconds", "code"), [(3.0, None), (600.0, ExitCode.OK)], ids=["connecting", "listening"]
)
def test_interruption_leaves_a_readable_record_and_a_free_port(
    seconds: float, code: ExitCode | None, tmp_path: Path
) -> None:
    file = tmp_path / "record.txt"
    emulators: list[Emulator] = []

    def interrupt(emulator: Emulator, task: asyncio.Task[Outcome]) -> None:
        emulators.append(emulator)
        asyncio.get_running_loop().call_later(seconds, task.cancel)

    words = ("record", str(file), "--listen", "9999")
    if code is None:
        with pytest.raises(asyncio.CancelledError):
            meter(*words, meanwhile=interrupt)
    else:
        assert meter(*words, meanwhile=interrupt).code == code
    transcript = transcripts.parse(file.name, file.read_text(encoding="ascii"))
    assert transcript.device.startswith("SKSTACK dual")
    assert transcript.entries
    assert not emulators[0].dongle._hosts
