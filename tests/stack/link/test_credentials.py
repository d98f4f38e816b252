"""The letter's two keys, as people type them."""

import pytest

from custom_components.wisun_route_b.stack import Credentials, errors

ID = "00112233445566778899AABBCCDDEEFF"
PASSWORD = "0123456789aB"


@pytest.mark.parametrize(
    "typed",
    [
        ID,
        ID.lower(),
        f"  {ID} ",
        "0011 2233 4455 6677 8899 AABB CCDD EEFF",
        ID[:16] + "-" + ID[16:],
    ],
)
def test_an_id_is_understood_however_it_is_typed(typed: str) -> None:
    assert Credentials(typed, PASSWORD).route_b_id == ID


@pytest.mark.parametrize(
    "typed", ["", ID[:-1], ID + "0", ID[:-1] + "G", "\uff27" * 32, ID[:-2] + "\r\n"]
)
def test_an_id_of_another_form_is_refused_without_being_quoted(typed: str) -> None:
    with pytest.raises(errors.CredentialsFormatError) as raised:
        Credentials(typed, PASSWORD)
    assert raised.value.field == "route_b_id"
    assert not typed or typed not in str(raised.value)


@pytest.mark.parametrize(
    "typed", ["", "0123456789A", "0123456789ABC", "0123456789A!", "\u3042" * 12]
)
def test_a_password_of_another_form_is_refused_without_being_quoted(typed: str) -> None:
    with pytest.raises(errors.CredentialsFormatError) as raised:
        Credentials(ID, typed)
    assert raised.value.field == "password"
    assert not typed or typed not in str(raised.value)


def test_a_password_keeps_its_case() -> None:
    assert Credentials(ID, " 0123 4567 89aB ").password == PASSWORD


def test_nothing_printed_gives_a_key_away() -> None:
    credentials = Credentials(ID, PASSWORD)
    for text in (repr(credentials), str(credentials), credentials.fingerprint):
        assert ID[-8:] not in text.upper()
        assert PASSWORD not in text


def test_the_fingerprint_tells_meters_apart_and_depends_on_the_id_alone() -> None:
    other = Credentials(ID[:-1] + "0", PASSWORD)
    assert (
        Credentials(ID.lower(), "ZZZZZZZZZZZZ").fingerprint == Credentials(ID, PASSWORD).fingerprint
    )
    assert other.fingerprint != Credentials(ID, PASSWORD).fingerprint


def test_the_pairing_id_is_the_tail_of_the_id() -> None:
    assert Credentials(ID, PASSWORD).pair_id == "CCDDEEFF"
