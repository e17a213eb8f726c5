"""When to look at a video again: pure functions of what is known, the clock passed in.

A look costs a request, an end that is seen late costs delay; the price says how many seconds of delay one request is
worth. For a job that has run for t seconds and ends in the next moment with hazard h(t), the cheapest density of looks
is sqrt(h(t) / 2c) at price c (Barlow, Hunter and Proschan 1963; Keller 1974). The next look is due where the integral
of that density reaches one.

`learning` says how long jobs like this one take, `progress` sharpens that by what the job reports, `hazard` integrates,
`price` keeps the fleet within its budget, `plan` puts the bounds around it, `explaining` says it in a line.
"""

from bridge.pacing.explaining import Hindrance, explain
from bridge.pacing.hazard import Belief
from bridge.pacing.learning import Group, Learned, believed, group_named, group_of, levels_of
from bridge.pacing.plan import Pace, Prospect, elapsed_of, next_look, prospect_of, remember
from bridge.pacing.price import Tempo

__all__ = [
    "Belief",
    "Group",
    "Hindrance",
    "Learned",
    "Pace",
    "Prospect",
    "Tempo",
    "believed",
    "elapsed_of",
    "explain",
    "group_named",
    "group_of",
    "levels_of",
    "next_look",
    "prospect_of",
    "remember",
]
