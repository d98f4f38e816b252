"""Our messages and the emulator, which share no code, agree about every command of Route B."""

import asyncio
from collections import Counter
from typing import override

import pytest

from custom_components.wisun_route_b.stack.j11 import (
    FRAME_GAP_S,
    Command,
    Message,
    PanaOutcome,
    Receiver,
    ResultCode,
    TransmitStatus,
    commands,
    link_local,
    messages,
)
from tests.virtual_clock import now, run
from tools.emulator import DUMMY_ID, DUMMY_PASSWORD, Emulator, EmulatorConfig

GET_POWER = bytes.fromhex("1081 0007 05FF01 028801 62 01 E700")


class Host(asyncio.Protocol):
    """Writes commands, and gives a frame up that does not go on."""

    def __init__(self) -> None:
        self.receiver = Receiver()
        self.heard: list[Message] = []
        self._transport: asyncio.Transport | None = None
        self._gap: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    @override
    def data_received(self, data: bytes) -> None:
        self.heard += self.receiver.receive(data)
        if self._gap is not None:
            self._gap.cancel()
        if self.receiver.incomplete:
            self._gap = asyncio.get_running_loop().call_later(FRAME_GAP_S, self._give_up)

    def _give_up(self) -> None:
        self.heard += self.receiver.give_up()

    async def send(self, command: Command) -> list[Message]:
        """Write a command; return what comes within its timeout."""
        assert self._transport is not None
        self.heard.clear()
        self._transport.write(command.data)
        await asyncio.sleep(command.timeout_s)
        return list(self.heard)

    async def ask(self, command: Command) -> messages.Response:
        """Write a command; return the one response to it."""
        found = await self.send(command)
        (response,) = (item for item in found if isinstance(item, messages.Response))
        assert response.command is command.code
        return response


async def connected(emulator: Emulator) -> Host:
    host = Host()
    await emulator.connector()(lambda: host)
    return host


async def succeed(host: Host, command: Command) -> messages.Answer | None:
    """Let a command succeed; return what it brings, which is of the promised type."""
    response = await host.ask(command)
    assert response.result is ResultCode.SUCCESS, command.summary
    assert type(response.answer) is (command.answer or type(None))
    return response.answer


async def sign_in(host: Host) -> messages.Network:
    """Go through a whole pairing, as the application note has it."""
    assert messages.StartedUp() in await host.send(commands.reset())
    await succeed(host, commands.version())
    await succeed(host, commands.set_up(4))
    await succeed(host, commands.set_credentials(DUMMY_ID, DUMMY_PASSWORD))
    found = await host.send(commands.scan(6, pairing_id=DUMMY_ID[-8:]))
    results = [item for item in found if isinstance(item, messages.ScanResult)]
    assert [result.channel for result in results] == list(range(4, 18))
    (place,) = (result for result in results if result.beacons)
    await succeed(host, commands.set_up(place.channel))
    network = await succeed(host, commands.start())
    assert isinstance(network, messages.Network)
    assert [(beacon.mac, beacon.pan_id) for beacon in place.beacons] == [
        (network.mac, network.pan_id)
    ]
    await succeed(host, commands.open_port())
    await succeed(host, commands.start_pana())
    await asyncio.sleep(6)
    assert messages.PanaResult(PanaOutcome.AUTHENTICATED, network.mac) in host.heard
    return network


@pytest.mark.parametrize("seed", range(3))
def test_a_whole_session_is_understood(seed: int) -> None:
    async def play() -> Receiver:
        config = EmulatorConfig(dongle="rs-wsuha-j11", seed=seed, clock=now, push="none")
        async with Emulator(config) as emulator:
            host = await connected(emulator)
            network = await sign_in(host)
            ip = link_local(network.mac)
            assert ip == emulator.air.pan.address
            pushes = [item for item in host.heard if isinstance(item, messages.Datagram)]
            assert [(item.source, item.multicast, item.secured) for item in pushes] == [
                (ip, True, True)
            ]
            sent = await succeed(host, commands.transmit(ip, GET_POWER))
            assert sent == messages.Transmission(TransmitStatus.SENT, 0, GET_POWER[:5])
            (answer,) = (item for item in host.heard if isinstance(item, messages.Datagram))
            assert (answer.source, answer.pan_id) == (ip, network.pan_id)
            assert answer.payload[:14].hex() == "1081000702880105ff017201e704"

            assert await succeed(host, commands.status()) == messages.Status(3, 3, 1)
            assert await succeed(host, commands.connections()) == messages.Connections(
                (messages.Connection(network.mac, network.pan_id, 1, 7, 2),)
            )
            assert await succeed(host, commands.terminals()) == messages.Terminals(
                5, (messages.Terminal(ip, 7, 2),)
            )
            assert await succeed(host, commands.pan_id()) == messages.PanId(network.pan_id)
            assert await succeed(host, commands.open_ports()) == messages.Ports((0x0E1A,))
            settings = await succeed(host, commands.settings())
            assert settings == messages.Settings(5, 0, network.channel, 0)
            own, mac = (
                await succeed(host, commands.own_ip()),
                await succeed(host, commands.own_mac()),
            )
            assert isinstance(own, messages.OwnIp)
            assert isinstance(mac, messages.OwnMac)
            assert own.ip == link_local(mac.mac)
            levels = await succeed(host, commands.energy_scan())
            assert isinstance(levels, messages.EnergyScan)
            assert [level.channel for level in levels.levels] == list(range(4, 18))
            await succeed(host, commands.close_port())
            await succeed(host, commands.reauthenticate())
            await asyncio.sleep(6)
            assert messages.PanaResult(PanaOutcome.AUTHENTICATED, network.mac) in host.heard
            await succeed(host, commands.end_pana())
            await succeed(host, commands.end())
            assert await succeed(host, commands.status()) == messages.Status(3, 1, 1)
            return host.receiver

    counted = run(play()).statistics
    assert (counted.unknown, counted.malformed, counted.dropped_bytes) == (0, 0, 0)


@pytest.mark.parametrize("line", ["noise_between", "noise_inside", "garble", "truncate", "split"])
def test_what_noise_spoils_is_counted_and_what_it_leaves_is_read(line: str) -> None:
    async def play() -> tuple[Receiver, Counter[str]]:
        found: Counter[str] = Counter()
        async with Emulator(EmulatorConfig(dongle="bp35c0-j11", clock=now)) as emulator:
            host = await connected(emulator)
            emulator.faults.rates.set(**{line: 0.4})
            for _ in range(100):
                for item in await host.send(commands.version()):
                    assert isinstance(item, messages.Response)
                    assert isinstance(item.answer, messages.Version)
                    found[item.answer.text] += 1
            return host.receiver, found

    receiver, found = run(play())
    counted = receiver.statistics
    assert set(found) == {"1.3 rev 0000158A"}
    spoilt = counted.bad_headers + counted.bad_data_sums + counted.unfinished
    match line:
        case "split":
            assert (found.total(), spoilt, counted.dropped_bytes) == (100, 0, 0)
        case "noise_between":
            # Half of the noise ends like the beginning of a frame.
            assert found.total() == 100
            assert 10 < counted.bad_headers == spoilt < 30
            assert counted.dropped_bytes > 4 * spoilt
        case _:
            assert 40 < found.total() < 80
            assert spoilt > 20  # a spoilt unique code is mere noise
            assert counted.dropped_bytes > 0


def test_every_datagram_that_is_not_to_be_taken_shows_why() -> None:
    async def play() -> None:
        async with Emulator(EmulatorConfig(dongle="bp35c0-j11", clock=now)) as emulator:
            host = await connected(emulator)
            network = await sign_in(host)
            host.heard.clear()
            faults = emulator.j11_faults
            faults.deliver("plain")
            faults.deliver("foreign")
            faults.deliver("other_pan")
            faults.drop(1)
            faults.lose_mac()
            faults.watchdog()
            await asyncio.sleep(1)
            plain, foreign, other, dropped, lost, started = host.heard
            assert isinstance(plain, messages.Datagram)
            assert isinstance(foreign, messages.Datagram)
            assert isinstance(other, messages.Datagram)
            assert not plain.secured
            assert foreign.source != link_local(network.mac)
            assert other.pan_id != network.pan_id
            assert isinstance(dropped, messages.ReceptionFailed)
            assert isinstance(lost, messages.ConnectionChanged)
            assert (lost.mac, lost.rssi) == (network.mac, None)
            assert started == messages.StartedUp()

    run(play())
