"""The control socket: faults for programs that run beside the emulator."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.virtual_clock import run
from tools.emulator import Emulator
from tools.emulator.control import Control

from .test_transports import _ASK, _exchange, _python, _ready, started
from .wire import emulated, join


def control(emulator: Emulator) -> Control:
    return Control(emulator.faults, emulator.air)


@pytest.mark.parametrize(
    "line",
    [
        *("end_session", "terminate", "terminate 28", "expire_session", "expire_session none"),
        *("reauthenticate", "fail_renewal", "limit_transmission", "release_transmission"),
        *("reboot_meter", "reboot_meter 0.5", "boot_meter", "move_meter", "move_meter 21 1A2B"),
        *("lose_meter", "return_meter", "reset_dongle", "mute_dongle", "unmute_dongle"),
        *("always_ok", "always_ok off", "babble", "babble 3", "unplug", "replug", "heal"),
        *("add_neighbour", "add_neighbour ours 200", "add_neighbour 00112233", "rates"),
        *("rates garble=0.1", "rates lose_answer=0.2 garble=0.01", "traffic reset"),
        *(
            "deafen_meter 7",
            "leave_unanswered reset",
            "deafen open",
            "deafen_after_opening 3",
            "silence E1 d3",
        ),
        *("silence E1", "unsilence", "slow_down 17", "refuse_sign_ins", "refuse_sign_ins off"),
        *("repair", "rates misread=0.1 lose_command=0.1", "rates noise_between=1 noise_inside=1"),
    ],
)
def test_orders_are_carried_out(line: str) -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            assert control(emulator).answer(line) == "ok"
            control(emulator).answer("heal")
            assert emulator.faults.healthy

    run(play())


@pytest.mark.parametrize(
    "line",
    [
        *("", "help", "heal me", "terminate 29", "expire_session now", "reboot_meter soon"),
        *("reboot_meter -1", "reboot_meter nan", "move_meter 20", "move_meter 21 12345"),
        *("move_meter zz", "always_ok maybe", "babble many", "rates garble", "rates garble=2"),
        *("rates boredom=0.5", "rates garble=0.5 split=x", "traffic forget", "unplug now"),
        *("__init__", "add_neighbour ours loud", "leave_unanswered", "leave_unanswered never"),
        *(
            "deafen_meter",
            "deafen_meter 15",
            "deafen_meter much",
            "deafen now",
            "deafen_after_opening -1",
            "silence power",
            "silence 7F",
            "silence 100",
        ),
        *("slow_down nan", "refuse_sign_ins maybe", "repair it"),
    ],
)
def test_other_lines_get_a_reason_and_change_nothing(line: str) -> None:
    async def play() -> None:
        async with emulated() as (emulator, _):
            pan = emulator.air.pan
            assert control(emulator).answer(line).startswith("error: ")
            assert emulator.faults.healthy
            assert emulator.air.pan == pan

    run(play())


def test_orders_take_effect() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            ask = control(emulator).answer
            ask("rates lose_answer=0.2 garble=0.01")
            assert emulator.faults.rates.lose_answer == 0.2
            assert emulator.faults.rates.garble == 0.01
            ask("rates")
            assert emulator.faults.healthy
            ask("move_meter 2a 1a2b")
            assert (emulator.air.pan.channel, emulator.air.pan.pan_id) == (0x2A, 0x1A2B)
            ask("add_neighbour ours 200")
            trap = emulator.air.neighbours[-1]
            assert (trap.pair_id, trap.lqi) == (emulator.air.pan.pair_id, 200)
            assert json.loads(ask("traffic"))["pana"] == 8
            ask("traffic reset")
            assert set(json.loads(ask("traffic")).values()) == {0}

    run(play())


def test_another_program_can_pull_the_plug(tmp_path: Path) -> None:
    path, other, control = tmp_path / "tty0", tmp_path / "tty1", str(tmp_path / "control")
    with started("--pty", str(path), "--control", control, "--no-echo") as program:
        assert _ready(program) == f"ready: bp35c2 on {path}, control {control}\n"
        assert _python(_ASK, control, "unplug").splitlines() == ["ok"]
        assert not path.is_symlink()
        lines = ("plug", f"replug {other}")
        answers = _python(_ASK, control, *lines).splitlines()
        assert answers[0].startswith("error: the orders are ")
        assert answers[1] == "ok"
        assert asyncio.run(_exchange(other, b"SKVER\r\n", b"OK\r\n")) == b"EVER 1.5.2\r\nOK\r\n"
        assert json.loads(_python(_ASK, control, "traffic"))["requests"] == 0
        program.terminate()
        assert program.wait(5) == 0
    assert not Path(control).exists()


_TALK_TWICE = """
import socket, sys
port = int(sys.argv[1])
def order(line):
    control = socket.socket(socket.AF_UNIX)
    control.connect(sys.argv[2])
    control.sendall(line.encode() + b"\\n")
    return control.makefile().read().strip()
def talk():
    line = socket.create_connection(("127.0.0.1", port), 5)
    line.sendall(b"SKVER\\r\\n")
    heard = b""
    while not heard.endswith(b"OK\\r\\n"):
        heard += line.recv(100)
    return line
line = talk()
print(order("unplug"))
try:
    print("hung up", not line.recv(100))
except ConnectionResetError:
    print("hung up", True)
try:
    talk()
except ConnectionRefusedError:
    print("refused")
print(order("replug"))
talk()
print("back")
"""


def test_tcp_door_goes_with_the_plug_and_comes_back_on_the_same_port(tmp_path: Path) -> None:
    control = str(tmp_path / "control")
    with started("--tcp", "0", "--control", control, "--no-echo") as program:
        port = _ready(program).split(":")[-1].split(",")[0]
        assert _python(_TALK_TWICE, port, control).splitlines() == [
            *("ok", "hung up True", "refused", "ok", "back"),
        ]


def test_program_in_a_storm_ends_cleanly(tmp_path: Path) -> None:
    arguments = ("--pty", str(tmp_path / "tty"), "--storm", "1", "--storm-gap", "0.001")
    with started(*arguments) as program:
        _ready(program)
        program.terminate()
        assert program.wait(5) == 0
