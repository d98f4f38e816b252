"""The two keys of the letter, in whatever characters they are typed or pasted."""

import unicodedata

from hypothesis import given, strategies as st
import pytest

from custom_components.wisun_route_b.stack import Credentials, errors

from .scripted import PASSWORD, ROUTE_B_ID

#: Every character of Unicode that separates, joins or hides.
_SEPARATORS = [
    char
    for char in map(chr, range(0x20, 0x11000))
    if unicodedata.category(char) in {"Pd", "Zs", "Zl", "Zp", "Cf"}
]


def _full_width(text: str) -> str:
    return "".join(chr(ord(char) - 0x21 + 0xFF01) for char in text)


def test_full_width_characters_are_the_usual_ones() -> None:
    typed = Credentials(_full_width(ROUTE_B_ID.lower()), _full_width(PASSWORD))

    assert typed == Credentials(ROUTE_B_ID, PASSWORD)


@given(
    st.sampled_from([*_SEPARATORS, "\t", "\r\n", "\u2212", "\u30fc", "\uff70", "\uff0d"]),
    st.integers(1, 31),
    st.integers(1, 11),
)
def test_blanks_and_hyphens_of_every_kind_do_not_matter(
    separator: str, in_id: int, in_password: int
) -> None:
    typed = Credentials(
        f"{separator}{ROUTE_B_ID[:in_id]}{separator}{ROUTE_B_ID[in_id:]}",
        f"{PASSWORD[:in_password]}{separator}{PASSWORD[in_password:]}{separator}",
    )

    assert typed == Credentials(ROUTE_B_ID, PASSWORD)


@pytest.mark.parametrize("wrong", ["O", "\uff2f", "I", "g", "_", "/", ".", "\u0391"])
def test_other_characters_are_refused(wrong: str) -> None:
    with pytest.raises(errors.CredentialsFormatError) as refused:
        Credentials(wrong + ROUTE_B_ID[1:], PASSWORD)

    assert refused.value.field == "route_b_id"
