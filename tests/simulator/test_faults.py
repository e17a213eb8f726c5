from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.simulator import Fault, FaultRates
from bridge.simulator.chance import chance


def test_every_fault_has_a_rate() -> None:
    assert [field.name for field in fields(FaultRates)] == [fault.value for fault in Fault]


@given(st.floats(0, 1, exclude_max=True))
def test_without_rates_nothing_goes_wrong(drawn: float) -> None:
    assert FaultRates().pick(drawn) is None


@pytest.mark.parametrize("fault", Fault)
@given(drawn=st.floats(0, 1, exclude_max=True))
def test_a_rate_of_one_always_picks_its_fault(fault: Fault, drawn: float) -> None:
    assert FaultRates(**{fault.value: 1.0}).pick(drawn) is fault


@pytest.mark.parametrize(
    ("drawn", "fault"),
    [(0.0, Fault.RATE_LIMITED), (0.19, Fault.RATE_LIMITED), (0.2, Fault.HANG), (0.49, Fault.HANG), (0.5, None)],
)
def test_the_rates_divide_the_unit_interval(drawn: float, fault: Fault | None) -> None:
    assert FaultRates(rate_limited=0.2, hang=0.3).pick(drawn) is fault


def test_a_fault_is_as_frequent_as_its_rate() -> None:
    rates = FaultRates(server_error=0.1, reset=0.2)
    picked = [rates.pick(chance(3, "list", number)) for number in range(2000)]
    assert picked.count(Fault.SERVER_ERROR) == pytest.approx(200, abs=50)
    assert picked.count(Fault.RESET) == pytest.approx(400, abs=70)


def test_good_rates_have_no_problems() -> None:
    assert FaultRates(rate_limited=0.5, reset=0.5).problems() == []


def test_a_rate_outside_zero_to_one_is_named() -> None:
    assert FaultRates(hang=1.5, reset=-0.1).problems() == [
        "hang must be between 0 and 1, not 1.5.",
        "reset must be between 0 and 1, not -0.1.",
    ]


def test_rates_that_exceed_one_together_are_refused() -> None:
    assert "must not exceed 1" in FaultRates(hang=0.75, reset=0.5).problems()[0]
