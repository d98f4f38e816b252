"""Whatever the line says: no exception, no hang, and what follows is heard."""

from collections.abc import Callable
from itertools import batched, pairwise
import time
import tracemalloc

from hypothesis import given, strategies as st
import pytest

from custom_components.wisun_route_b.stack.skstack import (
    Datagram,
    Echo,
    Event,
    EventNumber,
    Fail,
    FailCode,
    Message,
    Ok,
    Receiver,
    Unknown,
)
from tests import transcripts
from tests.stack.cuts import one_by_one

from .wire import LONGEST_WAIT, METER, assert_cuts_do_not_matter, decode, erxudp

ANSWER = bytes.fromhex("1081525302880105FF017201E704000000E4")
SENT = Event(EventNumber.UDP_SENT, METER, 0, 0)
SENT_LINE = f"EVENT 21 {METER} 0 00\r\n".encode()

WHOLE = erxudp(ANSWER)
RAW = erxudp(ANSWER, binary=True)
RAW_WITH_LINE_END = erxudp(b"\x10\x81\x0d\x0a" + bytes(14), binary=True)

#: More than any datagram can claim, in lines that cannot complete one by accident.
TRAFFIC = b"OK\n" * (LONGEST_WAIT // 3 + 1)

MALFORMED = {
    "too few tokens": WHOLE.replace(b" 1 0 0012", b" 0012"),
    "a masked address": WHOLE.replace(METER.encode(), b"FE80:0000:0000:0000:02XX:XXXX:XXXX:XXXX"),
    "a short MAC": WHOLE.replace(b"C0F945004058B5FB", b"C0F945004058B5F"),
    "no payload": WHOLE[: WHOLE.index(b"1081")].rstrip() + b"\r\n",
    "a length that is no number": WHOLE.replace(b" 0012 ", b" 00G2 "),
    "a length beyond the largest datagram": erxudp(ANSWER, size=0x4D1),
    "a length beyond the largest datagram, raw": erxudp(ANSWER, size=0xFFFF, binary=True),
    "hexadecimal, one digit short": WHOLE[:-3] + b"\r\n",
    "hexadecimal, one digit long": WHOLE[:-2] + b"0\r\n",
    "hexadecimal, one byte short": erxudp(ANSWER[:-1], size=18),
    "hexadecimal, one byte long": erxudp(ANSWER + b"\0", size=18),
    "hexadecimal, one wrong digit": WHOLE[:-4] + b"G4\r\n",
    "hexadecimal, far too short": erxudp(ANSWER[:4], size=18),
    "hexadecimal, far too long": erxudp(ANSWER * 20, size=18),
    "raw, one byte short": erxudp(ANSWER[:-1], size=18, binary=True),
    "raw, one byte long": erxudp(ANSWER + b"\0", size=18, binary=True),
    "raw, far too short": erxudp(ANSWER[:4], size=18, binary=True),
    "raw, far too long": erxudp(ANSWER * 20, size=18, binary=True),
    "raw, with a line end in it, one byte short": RAW_WITH_LINE_END.replace(b"\x10", b""),
    "raw, its line end lost": RAW[:-2],
    "raw, half of its line end lost": RAW[:-1],
    "cut off in the header": WHOLE[:60] + b"\r\n",
    "cut off behind its name": b"ERXUDP\r\n",
    "a header without anything": b"ERXUDP \r\n",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_datagram_costs_itself_only(data: bytes) -> None:
    following = SENT_LINE + RAW + WHOLE + SENT_LINE + b"OK\r\n"
    messages = decode(data + following)
    assert [message for message in messages if not isinstance(message, Unknown)] == [
        SENT,
        *decode(RAW + WHOLE),
        SENT,
        Ok(),
    ]
    assert_cuts_do_not_matter(data + following, messages)


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_datagram_is_counted_and_never_becomes_one(data: bytes) -> None:
    receiver = Receiver()
    messages = receiver.receive(data) + receiver.give_up() + receiver.receive(SENT_LINE)
    assert not any(isinstance(message, Datagram) for message in messages)
    assert messages[-1] == SENT
    statistics = receiver.statistics
    assert statistics.damaged_datagrams + statistics.dropped_lines >= 1


def test_every_truncation_of_a_datagram_leaves_the_lines_behind_it_alone() -> None:
    for data in (WHOLE, RAW, RAW_WITH_LINE_END):
        for length in range(len(data) - 1):
            messages = decode(data[:length] + b"\r\n" + SENT_LINE + b"OK\r\n" + TRAFFIC)
            assert SENT in messages, f"cut off after {length} bytes"
            assert messages.count(Ok()) == 1 + len(TRAFFIC) // 3, f"after {length} bytes"


def test_two_datagrams_that_ran_into_each_other_leave_the_second() -> None:
    for first in (WHOLE[:-10], RAW[:-5], WHOLE[:80], WHOLE[:-2], RAW[:-2]):
        for second in (WHOLE, RAW, RAW_WITH_LINE_END):
            messages = decode(first + second)
            assert isinstance(messages[0], Unknown)
            assert messages[1:] == decode(second)


def test_silence_behind_a_truncated_datagram_gives_the_answer_free() -> None:
    receiver = Receiver()
    truncated = erxudp(bytes(400), size=900, binary=True)
    assert receiver.receive(truncated + b"FAIL ER09\r\nEVE") == []
    held_back = receiver.holds_back
    damaged, fail = receiver.give_up()
    assert (held_back, receiver.holds_back) == (True, False)
    assert isinstance(damaged, Unknown)
    assert fail == Fail(FailCode.ER09)
    assert receiver.statistics.dropped_bytes == len(b"EVE")
    assert receiver.give_up() == []
    assert receiver.receive(b"OK\r\n") == [Ok()]


@pytest.mark.parametrize(
    "line",
    [
        b"EVENT",
        b"EVENT 21",
        b"EVENT 2",
        b"EVENT C1",
        b"EVENT 21 FE80::1 00",
        f"EVENT 21 {METER[:-1]} 0 00".encode(),
        f"EVENT 21 {METER} 0 0".encode(),
        f"EVENT 21 {METER} 0 00 00".encode(),
        f"EVENT  21 {METER} 0 00".encode(),
        b"FAIL",
        b"FAIL ER",
        b"FAIL ER5",
        b"FAIL ER0A",
        b"OK 1",
        b"OK OK",
        b"OKAY",
        b"EVER",
        b"EVER 1.5.2 x",
        b"EVER \xff",
        b"ESREG",
        b"EINFO",
        f"EINFO {METER} C0F945004058B5FB 21 FFFF".encode(),
        f"EINFO {METER} C0F945004058B5FB 21 FFFF FFFF".encode(),
        METER[:-1].encode(),
        METER.encode() + b":0000",
        b"  Channel:31",
        b"  ",
        b"EEDSCAN",
        b"\x00",
        bytes(range(128, 256)),
    ],
)
def test_a_malformed_line_is_unknown_and_counted(line: bytes) -> None:
    receiver = Receiver()
    assert receiver.receive(line + b"\r\n") == [Unknown(line)]
    assert receiver.statistics.unknown_lines == 1


def test_a_line_without_end_is_dropped_and_counted_however_it_is_cut() -> None:
    line = b"x" * 10_000
    for chunks in ([line], batched_bytes(line, 7), one_by_one(line)):
        receiver = Receiver()
        for chunk in chunks:
            assert receiver.receive(chunk) == []
        assert receiver.receive(b"ERXUDP \r\n" + SENT_LINE) == [SENT]
        assert receiver.statistics.dropped_bytes == len(line) + len(b"ERXUDP ")
        assert receiver.statistics.dropped_lines == 1


def test_the_longest_line_that_is_kept_holds_the_longest_datagram_behind_an_echo() -> None:
    echo = f"SKSENDTO 1 {METER} 0E1A 1 0 04D0 ".encode() + b"x" * 0x4D0
    data = echo + erxudp(bytes(0x4D0), tail="DD 1 0")
    assert decode(data) == [Echo(echo), *decode(erxudp(bytes(0x4D0), tail="DD 1 0"))]
    receiver = Receiver()
    assert receiver.receive(b"x" * 4096 + b"\r\n") == [Unknown(b"x" * 4096)]
    assert receiver.receive(b"x" * 4097 + b"\r\n") == []


# --- Anything at all -----------------------------------------------------------------------

CONVERSATIONS = [
    b"".join(transcripts.load(number).received()) for number in ("01", "05", "06", "13", "14")
]
VALID: dict[bytes, Message] = {
    SENT_LINE: SENT,
    b"OK\r\n": Ok(),
    b"OK 01\r": Ok("01"),
    b"FAIL ER10\r\n": Fail(FailCode.ER10),
    RAW: decode(RAW)[0],
    WHOLE: decode(WHOLE)[0],
}


@st.composite
def damaged_conversations(draw: st.DrawFn) -> bytes:
    """Draw a piece of a real conversation and truncate, double, delete, insert in it."""
    data = draw(st.sampled_from(CONVERSATIONS))
    start = draw(st.integers(0, len(data)))
    data = data[start : start + draw(st.integers(0, 1500))]
    for _ in range(draw(st.integers(1, 6))):
        first, last = sorted(draw(st.tuples(*[st.integers(0, len(data))] * 2)))
        piece = data[first:last]
        data = draw(
            st.sampled_from(
                [
                    data[:last],
                    data[:last] + piece + data[last:],
                    data[:first] + data[min(last, first + 3) :],
                    data[:first] + draw(st.binary(max_size=4)) + data[first:],
                    data[:first] + draw(st.sampled_from([b"\r", b"\n", b"\r\n"])) + data[first:],
                ]
            )
        )[:4000]
    return data


noise = st.one_of(st.binary(max_size=3000), damaged_conversations())
cuts = st.lists(st.integers(0, 3000), max_size=8)


@given(data=noise, positions=cuts)
def test_noise_never_raises_and_cuts_never_matter(data: bytes, positions: list[int]) -> None:
    whole, cut = Receiver(), Receiver()
    expected = whole.receive(data) + whole.give_up()
    edges = [0, *sorted(min(position, len(data)) for position in positions), len(data)]
    messages = [
        message for start, end in pairwise(edges) for message in cut.receive(data[start:end])
    ]
    assert messages + cut.give_up() == expected
    assert cut.statistics == whole.statistics
    repr(expected)


@given(data=noise, line=st.sampled_from(sorted(VALID)))
def test_after_noise_and_silence_the_next_line_gets_through(data: bytes, line: bytes) -> None:
    receiver = Receiver()
    receiver.receive(data + b"\r\n")
    receiver.give_up()
    assert receiver.receive(line) == [VALID[line]]


@given(data=noise, line=st.sampled_from(sorted(VALID)))
def test_after_noise_and_traffic_the_next_line_gets_through(data: bytes, line: bytes) -> None:
    messages = decode(data + b"\r\n" + TRAFFIC + line)
    assert messages[-1] == VALID[line]


@given(data=noise)
def test_every_byte_is_accounted_for(data: bytes) -> None:
    receiver = Receiver()
    unknown = sum(
        len(message.line)
        for message in receiver.receive(data) + receiver.give_up()
        if isinstance(message, Unknown)
    )
    assert unknown + receiver.statistics.dropped_bytes <= len(data)


# --- A megabyte of it ----------------------------------------------------------------------

MEGABYTE = 1 << 20


def random_bytes(size: int) -> bytes:
    """Return the same noise every time, from a linear congruential generator."""
    state, noise_bytes = 1, bytearray()
    while len(noise_bytes) < size:
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        noise_bytes += state.to_bytes(8)
    return bytes(noise_bytes[:size])


def repeated(piece: bytes) -> Callable[[int], bytes]:
    """Return a maker of noise that says the same again and again."""
    return lambda size: (piece * (size // len(piece) + 1))[:size]


HEADER = erxudp(b"", size=0x4D0)[:-2]

NOISES: dict[str, Callable[[int], bytes]] = {
    "random": random_bytes,
    "one line without end": repeated(b"x"),
    "line ends": repeated(b"\r"),
    "spaces": repeated(b" "),
    "the word ERXUDP": repeated(b"ERXUDP "),
    "keywords": repeated(b"EVENT EVER "),
    "headers without payload": repeated(HEADER + b"\r\n"),
    "headers glued together": repeated(HEADER),
    "glued headers with line ends": repeated(HEADER * 20 + b"\r\n"),
    "headline after headline": repeated(b"EPANDESC\r\n"),
    "glue": repeated(b"S" + b"K" * 4000 + b"\r"),
}


def seconds(data: bytes, piece: int) -> float:
    """Measure how long a receiver works on this."""
    chunks = batched_bytes(data, piece)
    receiver = Receiver()
    start = time.process_time()
    for chunk in chunks:
        receiver.receive(chunk)
    return time.process_time() - start


def test_a_megabyte_of_random_bytes_takes_seconds_even_byte_by_byte() -> None:
    data = random_bytes(MEGABYTE)
    assert seconds(data, 1) < 20
    assert seconds(data, 4096) < 10


@pytest.mark.parametrize("make", NOISES.values(), ids=NOISES)
def test_time_grows_in_proportion_to_the_noise(make: Callable[[int], bytes]) -> None:
    for piece in (1, 4096):
        small = seconds(make(MEGABYTE // 64), piece)
        large = seconds(make(MEGABYTE // 8), piece)
        # Eight times the bytes; four times as much again is left for a busy machine.
        assert large < 32 * small + 0.5, f"in pieces of {piece}"


@pytest.mark.parametrize("make", NOISES.values(), ids=NOISES)
def test_noise_leaves_nothing_behind(make: Callable[[int], bytes]) -> None:
    chunks = batched_bytes(make(MEGABYTE // 4), 1024)
    receiver = Receiver()
    tracemalloc.start()
    try:
        for chunk in chunks:
            receiver.receive(chunk)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 64 * 1024
    receiver.receive(b"\r\n" + TRAFFIC)
    assert receiver.receive(SENT_LINE) == [SENT]


def batched_bytes(data: bytes, size: int) -> list[bytes]:
    """Cut into pieces of this size."""
    return [bytes(piece) for piece in batched(data, size, strict=False)]
