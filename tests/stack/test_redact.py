"""Nothing secret survives the redaction, and what is no secret stays readable."""

from hypothesis import given, strategies as st
import pytest

from custom_components.wisun_route_b.stack import Redactor, redact
from tests.transcripts import load_all

ID = "00112233445566778899AABBCCDDEEFF"
PASSWORD = "0123456789AB"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"SKSETPWD C {PASSWORD}", "SKSETPWD C ****"),
        (f"SKSETRBID {ID}", "SKSETRBID ****"),
        ("  PairID:CCDDEEFF", "  PairID:****"),
        ("  Addr:001C6400601421A3", "  Addr:****"),
        ("SKLL64 001C6400601421A3", "SKLL64 ****"),
        ("  Pan ID:21A3", "  Pan ID:****"),
        ("SKSREG S3 21A3", "SKSREG S3 ****"),
        ("at fe80::21c:6400:6014:21a3%eth0", "at FE80::****%eth0"),
        ("at 00:1c:64:00:60:14:21:a3.", "at ****."),
        ("at 00-1C-64-00-60-14", "at ****"),
        ("at 12:30:45", "at 12:30:45"),
        ("EVENT 25 FE80:0000:0000:0000:021C:6400:6014:21A3 0", "EVENT 25 FE80::**** 0"),
        ("  Channel:31", "  Channel:31"),
        ("EVER 1.5.2", "EVER 1.5.2"),
    ],
)
def test_shapes_of_secrets_are_masked(text: str, expected: str) -> None:
    assert redact(text) == expected


def test_literal_secrets_are_masked_in_every_disguise() -> None:
    hide = Redactor(ID, PASSWORD)
    text = f"{ID.lower()} x{PASSWORD}x {ID.encode().hex()} {PASSWORD.encode().hex().upper()}"
    assert hide(text) == "**** x****x **** ****"


@pytest.mark.parametrize(
    "form",
    [
        "001C6400601421A3",
        "001c6400601421a3",
        "00:1c:64:00:60:14:21:a3",
        "00-1C-64-00-60-14-21-A3",
        "00 1C 64 00 60 14 21 A3",
        r"00\x1c\x64\x00\x60\x14\x21\xa3",
        "021C6400601421A3",
        "021C:6400:6014:21A3",
        "fe80::21c:6400:6014:21a3",
        "21C:6400:6014:21A3",
        "6400601421A3",
        b"001C6400601421A3".hex(),
        b"001c6400601421a3".hex(),
        b"021C:6400:6014:21A3".hex().upper(),
        b"6400:6014:21a3".hex(" "),
    ],
)
def test_address_is_masked_in_every_notation(form: str) -> None:
    assert Redactor("001C6400601421A3").literally(f"<{form}>") == "<****>"


def test_short_address_does_not_mask_every_digit() -> None:
    hide = Redactor("0200000000000001")

    assert hide.literally("1 fe80::1 0:0:0:1") == "1 **** 0:0:0:1"


@pytest.mark.parametrize(
    "form", [ID[-8:], ID[-8:].lower(), ID[-12:], ID[-8:].encode().hex(), "CC:DD:EE:FF"]
)
def test_end_of_the_id_is_masked(form: str) -> None:
    assert Redactor(ID).literally(f"<{form}>") == "<****>"


@given(
    st.text("0123456789ABCDEF", min_size=32, max_size=32),
    st.text("0123456789ABCDEF", min_size=16, max_size=16),
    st.text(st.characters(categories=["Lu", "Ll", "Nd"], codec="ascii"), min_size=12, max_size=12),
    st.integers(0, 50),
    st.text(max_size=50),
)
def test_no_literal_secret_survives_in_any_text(
    route_b_id: str, mac: str, password: str, at: int, noise: str
) -> None:
    hide = Redactor(route_b_id, mac, password)
    for secret in (route_b_id, mac, password, route_b_id[-8:], mac[4:]):
        for form in (secret, secret.lower(), secret.encode().hex(), secret.lower().encode().hex()):
            text = hide(noise[:at] + form + noise[at:]).upper()
            assert form.upper() not in text


def test_what_is_learned_later_is_masked_too_but_not_without_end() -> None:
    hide = Redactor(PASSWORD)
    assert not hide.hides("F24G366505")
    hide.learn("F24G366505", "")
    assert hide("F24g366505 " + PASSWORD) == "**** ****"

    for number in range(20):
        hide.learn(f"{number:02X}1C64601421A3{number:02X}")
    assert hide.hides("021C64601421A302")
    assert not hide.hides("131C64601421A313")


def test_an_empty_secret_masks_nothing() -> None:
    assert Redactor("")("EVER 1.5.2") == "EVER 1.5.2"


def test_no_address_or_id_of_the_captures_survives() -> None:
    # ID and password of a J11 frame adjoin: only who knows them can find them.
    adjoining = Redactor("00112233445566778899AABBCCDDEEFF", "0123456789AB")
    for transcript in load_all():
        for entry in transcript.entries:
            text = adjoining(entry.data.decode("latin-1"))
            if not transcript.name.startswith("30_j11"):
                text = redact(entry.data.decode("latin-1"))
            for secret in ("021D:1291", "001C6400", "021D:1290:0005:747B", "00112233445566778899"):
                assert secret not in text, transcript.name
