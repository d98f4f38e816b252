"""How a frame may be shown: what lies behind its layout may be another frame, with an address in it."""

from itertools import groupby

from custom_components.wisun_route_b.stack.j11.layout import Part, parts

#: The longest run of harmless bytes: a version response (V12 page 58).
_LONGEST = 9
_MUCH = bytes(range(200))


def test_parts_are_together_the_data() -> None:
    for code in range(0x10000):
        assert b"".join(data for _, data in parts(code, _MUCH)) == _MUCH


def test_no_frame_shows_more_bytes_in_a_row_than_a_layout_has() -> None:
    for code in range(0x10000):
        for part, run in groupby(parts(code, _MUCH), key=lambda entry: entry[0]):
            if part is Part.PLAIN:
                assert sum(len(data) for _, data in run) <= _LONGEST, f"{code:04X}"


def test_response_that_has_taken_in_a_notification_hides_it() -> None:
    swallowed = bytes.fromhex("D0F9EE5D6028000D03A901B901001C6400601421A3")

    assert list(parts(0x2056, b"\x01" + swallowed)) == [
        (Part.PLAIN, b"\x01"),
        (Part.SECRET, swallowed),
    ]
