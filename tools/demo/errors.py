"""Errors of the demo."""


class DemoError(Exception):
    """The demo cannot go on; the message is for the user who started it."""


class NoAnswerError(DemoError):
    """Home Assistant does not answer, or not in time."""


class RefusedError(DemoError):
    """Home Assistant answered a request with an error."""

    def __init__(self, message: str, status: int) -> None:
        """Keep the status of HTTP."""
        super().__init__(message)
        self.status = status
