"""The ways in which the simulator misbehaves on purpose, and how often."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum


class Fault(StrEnum):
    """One way of not answering a read as the API says. The values are the field names of :class:`FaultRates`."""

    RATE_LIMITED = "rate_limited"
    """429 with ``Retry-After``."""
    SERVER_ERROR = "server_error"
    """500 with an error object."""
    HANG = "hang"
    """No answer until the client leaves or the limit of the settings is reached; then the connection is closed."""
    RESET = "reset"
    """The connection is closed without an answer."""
    NOT_JSON = "not_json"
    """200 with an HTML page, as a captive portal or a misrouted proxy answers."""


@dataclass(frozen=True, slots=True)
class FaultRates:
    """The share of reads (retrieve and list) that meet each fault, 0 to 1; together at most 1."""

    rate_limited: float = 0.0
    server_error: float = 0.0
    hang: float = 0.0
    reset: float = 0.0
    not_json: float = 0.0

    def problems(self) -> list[str]:
        """What is wrong with these rates, one sentence each."""
        rates = {field.name: float(getattr(self, field.name)) for field in fields(self)}
        found = [f"{name} must be between 0 and 1, not {rate}." for name, rate in rates.items() if not 0 <= rate <= 1]
        if not found and sum(rates.values()) > 1:
            found.append(f"The fault rates together must not exceed 1, and they are {sum(rates.values())}.")
        return found

    def pick(self, drawn: float) -> Fault | None:
        """The fault that a number drawn from [0, 1) stands for, or None."""
        edge = 0.0
        for fault in Fault:
            edge += getattr(self, fault.value)
            if drawn < edge:
                return fault
        return None
