"""The loader of the captures honours their notation."""

from tests import transcripts
from tests.transcripts import Direction, Entry

TEXT = r"""# source: somewhere
# device: a dongle
# contains: examples
#@ +6 ms
> ROPT\x0D\
< OK 01\x0D\
<
<   Channel:31
> SKSCAN 2 FFFFFFFF 6 0\x20
> SKSENDTO 1 {ip} 000E {14 bytes}\
"""


def test_the_folder_holds_captures_that_name_their_source() -> None:
    captures = transcripts.load_all()
    assert len(captures) >= 16
    for capture in captures:
        assert capture.source, capture.name
        assert capture.device, capture.name


def test_every_mark_of_the_notation_is_understood() -> None:
    assert transcripts.parse("example", TEXT).entries == (
        Entry(Direction.SENT, b"ROPT\r"),
        Entry(Direction.RECEIVED, b"OK 01\r"),
        Entry(Direction.RECEIVED, b"\r\n"),
        Entry(Direction.RECEIVED, b"  Channel:31\r\n"),
        Entry(Direction.SENT, b"SKSCAN 2 FFFFFFFF 6 0 \r\n"),
        Entry(Direction.SENT, b"SKSENDTO 1 {ip} 000E " + bytes(14), complete=False),
    )


def test_hexadecimal_files_have_no_line_ends() -> None:
    text = "# encoding: hex\n< D0 F9 EE 5D\n< 1081\n"
    assert transcripts.parse("example", text).received() == [b"\xd0\xf9\xee\x5d", b"\x10\x81"]


def test_hexadecimal_files_may_leave_bytes_out() -> None:
    text = "# encoding: hex\n< D0 F9 {3 bytes}\n"
    assert transcripts.parse("example", text).entries == (
        Entry(Direction.RECEIVED, b"\xd0\xf9\x00\x00\x00", complete=False),
    )
