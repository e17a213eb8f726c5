from __future__ import annotations

from dataclasses import replace

from bridge.models import DeliveryStatus, Outcome, Reason
from bridge.registry import DeliveryFilter, RetryFilter
from bridge.web.dashboard.deliveries import readable
from tests.web.dashboard.conftest import HOSTILE, Visit
from tests.web.fakes import ATTEMPT, DELIVERY, DELIVERY_ID, FakeRegistry


async def test_failed_deliveries_stand_first_and_only_once(visit: Visit) -> None:
    await visit.get("/deliveries")
    assert '<h2 id="failed-head">Failed</h2>' in visit.html
    assert visit.html.count(f'id="{DELIVERY_ID}"') == 1


async def test_a_filter_asks_for_less(visit: Visit, registry: FakeRegistry) -> None:
    await visit.get("/deliveries?status=delivered&destination=team")
    assert registry.filter == DeliveryFilter(DeliveryStatus.DELIVERED, destination="team")
    await visit.get("/deliveries?status=odd&after=odd")
    assert registry.filter == DeliveryFilter()


async def test_a_delivery_shows_what_was_sent_and_answered(visit: Visit, registry: FakeRegistry) -> None:
    await visit.get(f"/deliveries/{DELIVERY_ID}")
    for shown in ('{\n  "id": "evt_1"\n}', "bye", "410", "12 ms", "gone"):
        assert shown in visit.html


async def test_why_one_did_not_arrive_is_told_in_a_sentence(visit: Visit, registry: FakeRegistry) -> None:
    unknown = replace(ATTEMPT, outcome=Outcome.RETRY, reason=Reason.DNS, status=None, response=None)
    registry.told[DELIVERY_ID] = replace(DELIVERY, reason=Reason.DNS, attempts=(unknown,))
    for path in ("/deliveries", f"/deliveries/{DELIVERY_ID}"):
        await visit.get(path)
        assert "dns: no address is known for this name" in visit.html
    assert "example.com: no address is known for this name" in visit.html


async def test_an_answer_of_a_stranger_stays_text(visit: Visit, registry: FakeRegistry) -> None:
    registry.told[DELIVERY_ID] = replace(DELIVERY, attempts=(replace(ATTEMPT, response=HOSTILE),), request_body=HOSTILE)
    assert HOSTILE not in (await visit.get(f"/deliveries/{DELIVERY_ID}")).text


async def test_one_is_sent_again(visit: Visit) -> None:
    answer = await visit.post(f"/deliveries/{DELIVERY_ID}/retry")
    assert answer.headers["location"] == f"../../deliveries/{DELIVERY_ID}"


async def test_a_cancelled_one_is_not(visit: Visit, registry: FakeRegistry) -> None:
    registry.told[DELIVERY_ID] = replace(DELIVERY, status=DeliveryStatus.CANCELLED)
    assert (await visit.post(f"/deliveries/{DELIVERY_ID}/retry")).status_code == 409
    await visit.get(f"/deliveries/{DELIVERY_ID}")
    assert "/retry" not in visit.html


async def test_all_that_match_are_sent_again(visit: Visit, registry: FakeRegistry) -> None:
    answer = await visit.post("/deliveries/retry", since="2025-11-23T09:00", destination="team")
    assert registry.filter == RetryFilter(since=1_763_888_400, destination="team")
    assert answer.headers["location"] == "../deliveries?retried=1"
    await visit.get("/deliveries?retried=1")
    assert "1 delivery is sent again" in visit.html


async def test_a_time_that_is_none_is_refused(visit: Visit) -> None:
    assert (await visit.post("/deliveries/retry", since="yesterday")).status_code == 400
    assert "“Created at or after” is a date and a time" in visit.html


async def test_where_there_is_nothing_it_says_what_to_do(visit: Visit, registry: FakeRegistry) -> None:
    registry.told.clear()
    await visit.get("/deliveries")
    assert "Nothing was to be told yet" in visit.html
    assert (await visit.get("/deliveries/dlv_none")).status_code == 404
    assert (await visit.get("/deliveries/odd'")).status_code == 404


def test_a_body_that_is_no_json_is_shown_as_it_is() -> None:
    assert readable("to=ana&subject=x") == "to=ana&subject=x"
    assert readable("[" * 100_000) == "[" * 100_000
    assert readable(None) is None
