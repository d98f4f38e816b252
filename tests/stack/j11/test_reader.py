"""Frames are cut out of whatever comes, and what is dropped is counted."""

from itertools import pairwise
from random import Random
import time
import tracemalloc

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.wisun_route_b.stack.errors import EncodeError
from custom_components.wisun_route_b.stack.j11 import frames
from custom_components.wisun_route_b.stack.j11.frames import Frame
from custom_components.wisun_route_b.stack.j11.reader import Reader
from tests.stack.cuts import in_two, one_by_one

from .wire import CODE, frame

STARTED = frame(0x6019)
STARTED_UP = Frame(0x6019, b"")
#: As long as a frame can be.
LARGEST = frame(0x6018, bytes(range(256)) * 5 + bytes(69))

payloads = st.binary(max_size=40)
codes = st.integers(0, 0xFFFF)
made = st.builds(Frame, codes, payloads)
#: Bytes in which no frame can begin.
silence = st.binary(max_size=30).map(lambda data: data.replace(b"\xd0", b"\x00"))


def wire(item: Frame) -> bytes:
    return frame(item.code, item.data)


def read(*chunks: bytes) -> list[Frame]:
    reader = Reader()
    return [item for chunk in chunks for item in reader.receive(chunk)]


# --- Good frames -------------------------------------------------------------------------


def test_the_constants_are_those_of_the_manual() -> None:
    assert (frames.MAX_FRAME_SIZE, frames.MAX_LENGTH, frames.MAX_DATA_SIZE) == (1361, 1353, 1349)
    assert frames.checksum(frames.REQUEST_CODE) == 0x0339
    assert frames.checksum(frames.RESPONSE_CODE) == 0x0314
    # "Get MAC address" as the manual spells it out (V12 p13).
    assert frames.encode_request(0x000E) == bytes.fromhex("D0EA83FC 000E 0004 034B 0000")


def test_what_is_encoded_is_read() -> None:
    assert read(frames.encode_response(0x206B, b"\x01\x02")) == [Frame(0x206B, b"\x01\x02")]


def test_frames_that_do_not_fit_are_not_encoded() -> None:
    assert len(frames.encode_request(0x0008, bytes(1349))) == 1361
    with pytest.raises(EncodeError):
        frames.encode_request(0x0008, bytes(1350))
    with pytest.raises(EncodeError):
        frames.encode_request(0x10000)


@pytest.mark.parametrize("chunks", [[LARGEST], list(one_by_one(LARGEST))], ids=["whole", "bytes"])
def test_the_largest_frame_is_read(chunks: list[bytes]) -> None:
    assert len(LARGEST) == 1361
    assert read(*chunks) == [Frame(0x6018, LARGEST[12:])]


def test_a_unique_code_inside_a_payload_means_nothing() -> None:
    whole = frame(0x6018, STARTED + CODE + STARTED)
    for chunks in in_two(whole + STARTED):
        assert read(*chunks) == [Frame(0x6018, STARTED + CODE + STARTED), STARTED_UP]


def test_two_frames_in_one_read_are_two_frames() -> None:
    assert read(STARTED + frame(0x2056, "01") + STARTED) == [
        STARTED_UP,
        Frame(0x2056, b"\x01"),
        STARTED_UP,
    ]


def test_the_request_of_a_host_is_noise() -> None:
    request = frame(0x006B, unique=frames.REQUEST_CODE)
    reader = Reader()
    assert reader.receive(request + STARTED) == [STARTED_UP]
    assert reader.dropped_bytes == len(request)


# --- Bad frames --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "length", [0, 3, 1354, 0xFFFF], ids=["nothing", "F2", "F3", "the largest number"]
)
def test_an_impossible_length_costs_no_waiting(length: int) -> None:
    reader = Reader()
    bad = frame(0x6018, b"", length=length)
    assert reader.receive(bad + STARTED) == [STARTED_UP]
    assert reader.bad_headers == 1
    assert reader.dropped_bytes == len(bad)


def test_every_damaged_byte_costs_its_frame_only() -> None:
    whole = frame(0x2053, "01 0C BC DE 00 50 C2 FF FE DC 28 22 DE")
    for at in range(len(whole)):
        for bit in range(8):
            bad = bytearray(whole)
            bad[at] ^= 1 << bit
            reader = Reader()
            found = reader.receive(bytes(bad) + STARTED)
            assert found == [STARTED_UP]
            assert reader.dropped_bytes == len(whole)


def test_a_frame_torn_anywhere_is_dropped_and_the_next_ones_are_read() -> None:
    whole = frame(0x6018, bytes(range(64)))
    follow = [STARTED, frame(0x2008, "01 00"), whole, STARTED]
    expected = [item for piece in follow for item in read(piece)]
    for end in range(1, len(whole)):
        reader = Reader()
        found = reader.receive(whole[:end] + b"".join(follow))
        found += reader.give_up()
        assert found == expected, end
        assert reader.dropped_bytes == end
        assert not reader.incomplete


@pytest.mark.parametrize("noise", [b"\x00", b"\xd0", b"\xd0\xf9", CODE[:3], CODE, b"\xd0" * 5])
def test_noise_before_and_behind_frames_is_dropped(noise: bytes) -> None:
    reader = Reader()
    found = reader.receive(noise + STARTED + noise)
    found += reader.give_up()
    assert found == [STARTED_UP]
    assert reader.dropped_bytes == 2 * len(noise)


def test_noise_inside_a_frame_costs_this_frame() -> None:
    whole = frame(0x6018, bytes(range(64)))
    for at in range(1, len(whole)):
        reader = Reader()
        found = reader.receive(whole[:at] + b"\x55\xd0\x01" + whole[at:] + STARTED)
        assert found == [STARTED_UP], at
        assert reader.dropped_bytes == len(whole) + 3


# --- Waiting and giving up ---------------------------------------------------------------


def test_a_length_that_never_comes_holds_frames_back_until_it_is_given_up() -> None:
    reader = Reader()
    assert reader.receive(frame(0x6018, b"x", length=1353)) == []
    assert reader.receive(STARTED) == []
    before = reader.incomplete

    assert reader.give_up() == [STARTED_UP]

    assert (before, reader.incomplete) == (True, False)
    assert reader.unfinished == 1
    assert reader.receive(STARTED) == [STARTED_UP]


def test_nothing_is_incomplete_between_frames() -> None:
    reader = Reader()
    assert not reader.incomplete
    for at, byte in enumerate(one_by_one(STARTED), start=1):
        reader.receive(byte)
        assert reader.incomplete is (at < len(STARTED))
    assert reader.give_up() == []
    assert (reader.unfinished, reader.dropped_bytes) == (0, 0)


def test_giving_up_finds_nested_torn_frames() -> None:
    torn = frame(0x6018, bytes(30))[:25]
    reader = Reader()
    assert reader.receive(frame(0x6018, b"", length=1353) + torn + torn) == []
    assert reader.receive(STARTED) == []
    assert reader.give_up() == [STARTED_UP]
    assert (reader.unfinished, reader.bad_data_sums) == (2, 1)


# --- Whatever comes ----------------------------------------------------------------------


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.lists(st.tuples(silence, made), max_size=6), silence, st.integers(1, 50))
def test_frames_between_noise_are_read_however_they_are_cut(
    items: list[tuple[bytes, Frame]], tail: bytes, size: int
) -> None:
    stream = b"".join(noise + wire(item) for noise, item in items) + tail
    reader = Reader()
    found = [
        item
        for at in range(0, len(stream), size)
        for item in reader.receive(stream[at : at + size])
    ]
    assert found == [item for _, item in items]
    assert not reader.incomplete
    assert reader.dropped_bytes == sum(len(noise) for noise, _ in items) + len(tail)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(
    st.lists(
        st.one_of(
            made.map(wire),
            st.binary(max_size=60),
            st.just(CODE),
            st.builds(lambda item, end: wire(item)[:end], made, st.integers(0, 50)),
            st.builds(lambda length: frame(0x6018, b"", length=length), st.integers(0, 0xFFFF)),
        ),
        max_size=12,
    ),
    st.lists(st.integers(0, 400), max_size=8),
)
def test_no_bytes_break_it_and_every_byte_is_accounted_for(
    pieces: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(pieces)
    at_once, in_pieces = Reader(), Reader()
    found = at_once.receive(stream) + at_once.give_up()
    bounds = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    again = [
        item for begin, end in pairwise(bounds) for item in in_pieces.receive(stream[begin:end])
    ]
    again += in_pieces.give_up()

    assert again == found
    for reader in (at_once, in_pieces):
        assert sum(len(wire(item)) for item in found) + reader.dropped_bytes == len(stream)
        assert reader.frames == len(found)
        assert not reader.incomplete


def test_a_megabyte_of_noise_with_unique_codes_is_bounded() -> None:
    """Headers that promise the largest frame, all of them good, are the worst there is."""
    random = Random(20)
    worst = frame(0x6018, b"", length=1353)
    noise = bytearray()
    while len(noise) < 1_000_000:
        noise += random.choice((worst, CODE, random.randbytes(40), worst[:9]))
    reader = Reader()
    tracemalloc.start()
    began = time.perf_counter()
    found: list[Frame] = []
    for at in range(0, len(noise), 4096):
        found += reader.receive(bytes(noise[at : at + 4096]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found == []
    assert peak < 100_000
    assert time.perf_counter() - began < 20  # seconds; at 115200 Bd it takes 87 to arrive
    found = reader.give_up() + reader.receive(STARTED)
    assert found == [STARTED_UP]
    assert reader.dropped_bytes == len(noise)
