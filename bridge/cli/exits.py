"""How a command ends: the exit codes, and the error that carries one with its message."""

from __future__ import annotations

from enum import IntEnum

from bridge.errors import BridgeError


class ExitCode(IntEnum):
    """What the shell learns. The greater is the worse."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3


class CommandError(BridgeError):
    """A command cannot do what was asked.

    :param message: for people: what is wrong and, where there is one, the fix.
    """

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.code = code


class UnreachableError(CommandError):
    """Nobody answers at BRIDGE_URL, or not in time."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ExitCode.UNREACHABLE)


class RefusedError(CommandError):
    """The server answered with an error.

    :param status: the HTTP status.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message, code_of_status(status))
        self.status = status


def code_of_status(status: int) -> ExitCode:
    """The exit code of an HTTP error status: 404, 409, 429 and 5xx failed, every other one is a bad request."""
    return ExitCode.FAILED if status in (404, 409, 429) or status >= 500 else ExitCode.USAGE


def code_of_error(error_type: str) -> ExitCode:
    """The exit code of an error object inside a batch, which has a type but no status of its own."""
    bad_request = ("invalid_request_error", "authentication_error", "permission_error")
    return ExitCode.USAGE if error_type in bad_request else ExitCode.FAILED
