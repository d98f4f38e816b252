"""A host that talks nonsense."""

from hypothesis import given, strategies as st

from tests.virtual_clock import run
from tools.emulator import PRODUCTS

from .wire import emulated

names = st.sampled_from(sorted(PRODUCTS))
words = st.sampled_from(
    (
        *(b"SKSENDTO ", b"SKSENDTO 1 ", b"SKSCAN ", b"SKSREG ", b"SKJOIN ", b"SKSETPWD "),
        *(b"WOPT ", b"SKLL64 ", b"SKADDNBR ", b"SKTABLE ", b"SKRESET", b"SKTERM", b"SKREJOIN"),
        *(
            b"\r\n",
            b"\r",
            b"\n",
            b" ",
            b"  ",
            b"0 ",
            b"2 ",
            b"C ",
            b"FFFFFFFF ",
            b"0E1A ",
            b"000E ",
        ),
        *(b"FE80:0000:0000:0000:021C:6400:8189:8396 ", b"0000 ", b"FFFF ", b"+0x1 ", b"1_0 "),
    )
)
chatter = st.lists(st.one_of(words, st.binary(max_size=20)), max_size=30)


@given(names, chatter)
def test_no_input_breaks_the_dongle(name: str, parts: list[bytes]) -> None:
    async def play() -> None:
        async with emulated(dongle=name) as (_, host):
            await host.say(b"".join(parts), 60)
            # Whatever SKSENDTO still waits for comes now, and the line is in order again.
            for _ in range(4):
                await host.say(b"\x00" * 1232 + b"\r\n", 60)
            await host.say(b"\r\nSKRESET\r\n", 60)
            await host.say(b"SKSREG SFE 0\r\n", 60)
            assert (await host.ask("SKVER"))[-1] == b"OK\r\n"

    run(play())


def test_a_megabyte_of_noise_is_answered_with_er09_and_forgotten() -> None:
    async def play() -> None:
        async with emulated() as (_, host):
            heard = await host.say(bytes(range(14, 256)) * 4300, 1)
            assert b"FAIL ER09\r\n" in heard
            await host.say(b"\r\n")
            assert (await host.ask("SKVER"))[-1] == b"OK\r\n"

    run(play())
