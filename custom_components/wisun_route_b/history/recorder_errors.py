"""Errors of the recorder's database, described without its data.

The messages of database drivers and of SQLAlchemy quote statements, parameters and rows. Entity
ids of other integrations among them may hold a Route-B ID, so such errors are classified where
they occur, and neither their text nor the error itself is kept.
"""

from enum import StrEnum
import sqlite3
from typing import Final

from homeassistant.exceptions import HomeAssistantError
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError

from ..const import DOMAIN


class Failure(StrEnum):
    """Why a task of the recorder failed; ends of translation keys."""

    RECORDER_BUSY = "recorder_busy"
    """The task did not run in time: the recorder is blocked, or has dropped it."""
    RECORDER_STOPPED = "recorder_stopped"
    """There is no recorder, or Home Assistant is stopping."""
    DATABASE_UNAVAILABLE = "database_unavailable"
    """Locked by another program, or the connection to the server was lost."""
    DATABASE_FULL = "database_full"
    DATABASE_READ_ONLY = "database_read_only"
    DATABASE_FAILED = "database_failed"
    """Anything else that the database reports."""
    NOT_STORED = "not_stored"
    """The database reported success, but the rows are not there."""
    UNEXPECTED = "unexpected"
    """A fault of this integration's own code."""


#: Failures that may pass by themselves; all others need the user.
_PASSING: Final = frozenset({Failure.RECORDER_BUSY, Failure.DATABASE_UNAVAILABLE})


class RecorderError(HomeAssistantError):
    """A task of the recorder failed; translation key ``history_<failure>``.

    Unless the failure is RECORDER_BUSY or NOT_STORED, the database is as it was before.
    """

    def __init__(self, failure: Failure, purpose: str, detail: str = "") -> None:
        """Take the kind, what was to be done, and the name of the error's class."""
        super().__init__(translation_domain=DOMAIN, translation_key=f"history_{failure.value}")
        self.failure = failure
        self.purpose = purpose
        self.detail = detail

    @property
    def passing(self) -> bool:
        """Whether a repetition may succeed."""
        return self.failure in _PASSING

    def describe(self) -> str:
        """Return it for a log or the diagnostics, without any data."""
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.purpose}: {self.failure.value}{detail}"


#: SQLite's primary result codes (sqlite.org/rescode.html).
_SQLITE: Final = {
    sqlite3.SQLITE_BUSY: Failure.DATABASE_UNAVAILABLE,
    sqlite3.SQLITE_LOCKED: Failure.DATABASE_UNAVAILABLE,
    sqlite3.SQLITE_PROTOCOL: Failure.DATABASE_UNAVAILABLE,
    sqlite3.SQLITE_FULL: Failure.DATABASE_FULL,
    sqlite3.SQLITE_READONLY: Failure.DATABASE_READ_ONLY,
    sqlite3.SQLITE_PERM: Failure.DATABASE_READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: Failure.DATABASE_READ_ONLY,
}
#: Error numbers of MySQL and MariaDB (dev.mysql.com, "Server Error Message Reference").
_MYSQL: Final = {
    1205: Failure.DATABASE_UNAVAILABLE,  # lock wait timeout
    1206: Failure.DATABASE_UNAVAILABLE,  # too many locks
    1213: Failure.DATABASE_UNAVAILABLE,  # deadlock
    1021: Failure.DATABASE_FULL,
    1114: Failure.DATABASE_FULL,
    1290: Failure.DATABASE_READ_ONLY,
    1792: Failure.DATABASE_READ_ONLY,
    1836: Failure.DATABASE_READ_ONLY,
}
#: SQLSTATE codes of PostgreSQL (its manual, appendix A).
_POSTGRESQL: Final = {
    "40001": Failure.DATABASE_UNAVAILABLE,  # serialization failure
    "40P01": Failure.DATABASE_UNAVAILABLE,  # deadlock
    "55P03": Failure.DATABASE_UNAVAILABLE,  # lock not available
    "53100": Failure.DATABASE_FULL,
    "25006": Failure.DATABASE_READ_ONLY,
}
#: For drivers that give nothing but a text.
_TEXTS: Final = {
    "locked": Failure.DATABASE_UNAVAILABLE,
    "disk is full": Failure.DATABASE_FULL,
    "readonly": Failure.DATABASE_READ_ONLY,
    "read-only": Failure.DATABASE_READ_ONLY,
}


def classify(error: BaseException) -> Failure:
    """Return the kind of failure of an exception within the recorder."""
    if not isinstance(error, DBAPIError):
        return Failure.UNEXPECTED
    found = _by_code(error.orig) or _by_text(error.orig)
    if found is not None:
        return found
    # The loss of a server connection has no code that all drivers share.
    of_server = not isinstance(error.orig, sqlite3.Error) and isinstance(
        error, OperationalError | InterfaceError | InternalError
    )
    lost = error.connection_invalidated or of_server
    return Failure.DATABASE_UNAVAILABLE if lost else Failure.DATABASE_FAILED


def _by_code(cause: BaseException | None) -> Failure | None:
    if isinstance(code := getattr(cause, "sqlite_errorcode", None), int):
        return _SQLITE.get(code & 0xFF)
    if isinstance(code := getattr(cause, "pgcode", None), str):
        return _POSTGRESQL.get(code)
    number = cause.args[0] if cause is not None and cause.args else None
    return _MYSQL.get(number) if isinstance(number, int) else None


def _by_text(cause: BaseException | None) -> Failure | None:
    text = str(cause).lower()
    return next((failure for part, failure in _TEXTS.items() if part in text), None)
