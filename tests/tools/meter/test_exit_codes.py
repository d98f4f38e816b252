"""Every failure of the stack has a word, a sentence and a code."""

from collections.abc import Iterator

import pytest

from custom_components.wisun_route_b.stack import RouteBError, errors
from tools.meter.exit_codes import EXIT_CODES, ExitCode, failure_of


def _all(kind: type[RouteBError]) -> Iterator[type[RouteBError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _all(child)


@pytest.mark.parametrize(
    "kind",
    sorted(
        set(_all(RouteBError)) - {errors.CommandFailedError, errors.CredentialsFormatError}, key=str
    ),
)
def test_family_of_a_failure_decides_its_code(kind: type[RouteBError]) -> None:
    failure = failure_of(kind("details"))

    if kind is errors.CredentialsRefusedError:
        assert failure.code == ExitCode.REFUSED
    elif kind is errors.PortBlockedError or issubclass(kind, errors.DongleError):
        assert failure.code == ExitCode.DONGLE
    elif issubclass(kind, errors.PortError):
        assert failure.code == ExitCode.PORT
    else:
        assert failure.code == ExitCode.LINK
    assert failure.text.endswith((".", "?"))
    assert failure.key == failure.key.lower()


def test_details_are_told_where_they_help() -> None:
    assert "FAIL ER04 to SKSCAN" in failure_of(errors.CommandFailedError("SKSCAN", 4)).text
    assert "EVENT 29" in failure_of(errors.SessionLostError("EVENT 29")).text
    assert "details" in failure_of(errors.LinkError("details")).text
    assert "details" not in failure_of(errors.DongleSilentError("details")).text


def test_help_explains_every_code() -> None:
    explained = [line.split()[0] for line in EXIT_CODES.splitlines()[1:]]

    assert explained == [str(int(code)) for code in ExitCode]
