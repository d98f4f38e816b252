"""Nothing secret survives the redaction, and what is no secret stays readable."""

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


def test_an_empty_secret_masks_nothing() -> None:
    assert Redactor("")("EVER 1.5.2") == "EVER 1.5.2"


def test_no_address_or_id_of_the_captures_survives() -> None:
    for transcript in load_all():
        for entry in transcript.entries:
            text = redact(entry.data.decode("latin-1"))
            for secret in ("021D:1291", "001C6400", "021D:1290:0005:747B", "00112233445566778899"):
                assert secret not in text, transcript.name
