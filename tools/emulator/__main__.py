"""The emulator as a program."""

import argparse
import asyncio
import math
import signal
import sys

from .config import DUMMY_ID, DUMMY_PASSWORD, SHORTEST_SCAN, EmulatorConfig
from .emulator import Emulator
from .meter.clock import frozen, parse_moment, system_clock
from .meter.model import MODELS
from .products import J11_PRODUCTS, PRODUCTS
from .storm import Storm

_DESCRIPTION = """\
A Wi-SUN dongle with a smart meter behind it, in software. Any program that reads a meter
through such a dongle can use it. It stays in the foreground until it is interrupted.
"""
_EPILOGUE = """\
The truth socket is for programs that check what they read: connect, send one line (a moment as
2026-11-22T12:30:00+09:00, or an empty line for now) and get one line of JSON with what the
meter itself knows: power in W, currents in A, energies as count and kWh, the half-hour values,
and each property as hexadecimal bytes.

The control socket is for programs that want something to go wrong: connect, send one line and get
one line, "ok" or "error: ..." or what was asked for. At the shell: scripts/emulator-order SOCKET
ORDER. The orders:
  unplug | replug [PATH] | reset_dongle | mute_dongle | unmute_dongle | always_ok on|off |
  babble [LINES] | end_session | terminate 27|28 | expire_session module|fails|none |
  reauthenticate | fail_renewal | limit_transmission | release_transmission |
  reboot_meter [SECONDS] | boot_meter | move_meter [CHANNEL [PAN_ID]] | lose_meter |
  return_meter | deafen_meter DURATION | add_neighbour [ours|PAIR_ID [LQI]] | rates [NAME=PROBABILITY ...] | heal |
  leave_unanswered reset|open | deafen reset|open | deafen_after_opening SECONDS |
  silence EPC ... | unsilence EPC ... | slow_down SECONDS | refuse_sign_ins on|off | repair |
  traffic [reset]
Rates: lose_request, lose_answer, delay_answer, duplicate_answer, garble, truncate, split,
fail_send, overrun, lose_command, misread, refuse, noise_between, noise_inside, channel_busy;
without any, all are cleared. traffic answers JSON: datagrams and
bytes to and from the meter's UDP port 3610, and PANA packets.
A J11 dongle knows more orders; numbers of the protocol are hexadecimal:
  answer RESULT [CODE|any [TIMES]] | transmit RESULT [TIMES] | start_in_vain [TIMES] |
  tear [BYTES [TIMES]] | noise HEX | lose_mac | lose_pana | silence_pana on|off |
  deliver plain|foreign|other_pan | drop [REASON] | watchdog | use_han on|off | firmware ID
"answer 3D" lets the next command be refused as busy, "answer F0" as damaged (2FFF), "transmit 02"
reports the hourly limit once (limit_transmission: until it is released), "transmit 05" a
datagram without acknowledgement.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/emulator",
        description=_DESCRIPTION,
        epilog=_EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    transports = parser.add_argument_group("transports (at least one)")
    transports.add_argument("--pty", metavar="PATH", help="make a serial port with this path")
    transports.add_argument(
        "--tcp", metavar="PORT", type=int, help="listen on 127.0.0.1 (socket://127.0.0.1:PORT)"
    )
    transports.add_argument(
        "--truth", metavar="PORT|PATH", help="a loopback port or Unix socket; see below"
    )
    transports.add_argument(
        "--control", metavar="PORT|PATH", help="a loopback port or Unix socket; see below"
    )
    dongle = parser.add_argument_group("the dongle")
    dongle.add_argument("--dongle", choices=[*PRODUCTS, *J11_PRODUCTS], default="bp35c2")
    dongle.add_argument(
        "--output",
        choices=("ascii", "binary"),
        help="how datagrams of SKSTACK are printed (default: as from the factory)",
    )
    dongle.add_argument("--no-echo", action="store_true", help="start with the echo off")
    meter = parser.add_argument_group("the meter")
    meter.add_argument("--id", default=DUMMY_ID, help="Route-B ID (default: %(default)s)")
    meter.add_argument("--password", default=DUMMY_PASSWORD, help="default: %(default)s")
    meter.add_argument(
        "--meter",
        choices=list(MODELS),
        default="gen1",
        help="first generation, second generation, or the least there is (default: %(default)s)",
    )
    meter.add_argument(
        "--push",
        choices=("inf", "infc", "none"),
        default="inf",
        help="kind of the half-hourly announcement (default: %(default)s)",
    )
    meter.add_argument("--seed", type=int, default=0, help="another household and meter")
    meter.add_argument(
        "--at",
        metavar="MOMENT",
        type=parse_moment,
        help="stop the meter's clock at a moment as 2026-11-22T12:34:56+09:00, so that every "
        "reading is of that moment and nothing is announced (default: it goes, as JST)",
    )
    air = parser.add_argument_group("the air")
    air.add_argument("--speed", type=float, default=1.0, help="50: all waits 50 times shorter")
    air.add_argument("--neighbours", type=int, default=0, help="number of other meters in range")
    air.add_argument("--out-of-range", action="store_true", help="our meter is out of range")
    air.add_argument(
        "--shortest-scan",
        metavar="DURATION",
        type=int,
        default=SHORTEST_SCAN,
        help="our meter does not answer shorter scans (default: %(default)s)",
    )
    air.add_argument(
        "--whole-scans-only",
        action="store_true",
        help="the dongle finds nothing if it does not scan all channels (SKSTACK)",
    )
    air.add_argument(
        "--sign-in-delay",
        metavar="SECONDS",
        type=float,
        default=0.0,
        help="until the meter's first packet of a sign-in, more than usual (default: %(default)g)",
    )
    air.add_argument(
        "--storm",
        metavar="SEED",
        type=int,
        help="inject random faults of all kinds, one after the other",
    )
    air.add_argument(
        "--storm-gap",
        metavar="SECONDS",
        type=float,
        default=120.0,
        help="from the end of a fault to the next one, on average (default: %(default)g)",
    )
    return parser


def _config(arguments: argparse.Namespace) -> EmulatorConfig:
    return EmulatorConfig(
        dongle=arguments.dongle,
        output=arguments.output,
        route_b_id=arguments.id.replace(" ", "").upper(),
        password=arguments.password,
        speed=arguments.speed,
        seed=arguments.seed,
        clock=system_clock if arguments.at is None else frozen(arguments.at),
        echo=not arguments.no_echo,
        model=MODELS[arguments.meter],
        push=arguments.push,
        neighbours=arguments.neighbours,
        in_range=not arguments.out_of_range,
        shortest_scan=arguments.shortest_scan,
        whole_scans_only=arguments.whole_scans_only,
        sign_in_delay=arguments.sign_in_delay,
    )


async def _serve(config: EmulatorConfig, arguments: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with Emulator(config) as emulator:
        served: list[str] = []
        if arguments.pty:
            emulator.serve_pty(arguments.pty)
            served.append(arguments.pty)
        if arguments.tcp is not None:
            port = await emulator.serve_tcp(arguments.tcp)
            served.append(f"socket://127.0.0.1:{port}")
        if arguments.truth:
            await emulator.serve_truth(arguments.truth)
            served.append(f"truth {arguments.truth}")
        if arguments.control:
            await emulator.serve_control(arguments.control)
            served.append(f"control {arguments.control}")
        sys.stdout.write(f"ready: {config.dongle} on {', '.join(served)}\n")
        sys.stdout.flush()
        await _wait(emulator, stopped, arguments)


async def _wait(emulator: Emulator, stopped: asyncio.Event, arguments: argparse.Namespace) -> None:
    """Wait for the end, with or without a storm of faults."""
    if arguments.storm is None:
        await stopped.wait()
        return
    storm = Storm(emulator, arguments.storm, mean_gap=arguments.storm_gap)
    async with asyncio.TaskGroup() as group:
        raging = group.create_task(storm.run(math.inf))
        await stopped.wait()
        raging.cancel()


def main() -> int:
    """Run until interrupted."""
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.pty is None and arguments.tcp is None:
        parser.error("at least one of --pty and --tcp is needed")
    if not arguments.storm_gap > 0:
        parser.error("--storm-gap is a positive number")
    try:
        config = _config(arguments)
        asyncio.run(_serve(config, arguments))
    except (OSError, ValueError) as err:
        parser.error(str(err))
    return 0


if __name__ == "__main__":
    sys.exit(main())
