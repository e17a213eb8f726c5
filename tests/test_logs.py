from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bridge.logs import MASK, Redactor, choose_format, configure_logs, get_logger

PROGRAM = """
import logging
from bridge.logs import configure_logs, get_logger
log = get_logger("bridge.poller")
configure_logs("json")
log.info("looked", video="video_1", seconds=0.5)
logging.getLogger("uvicorn.error").warning("started %s", "late")
"""

TELLING_NAMES = ["authorization", "Authorization", "api_key", "x-api-key", "apiKey", "secret", "callback_secret"]
TELLING_NAMES += ["secret_keys", "token", "password", "db_password", "set-cookie", "webhook-signature", "credentials"]


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def log() -> Iterator[StringIO]:
    """Where the test's log goes; afterwards logging is as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    before = structlog.get_config()
    yield StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)


def records(log: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_program_writes_one_json_object_per_line_to_stderr() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    first, second = (json.loads(line) for line in done.stderr.splitlines())
    assert list(first)[:4] == ["timestamp", "level", "event", "logger"]
    assert (first["event"], first["logger"], first["video"], first["seconds"]) == (
        "looked",
        "bridge.poller",
        "video_1",
        0.5,
    )
    assert (second["event"], second["level"], second["logger"]) == ("started late", "warning", "uvicorn.error")


def test_the_timestamp_is_iso_in_utc(log: StringIO) -> None:
    configure_logs("json", stream=log)
    get_logger("bridge").info("now")
    at = datetime.fromisoformat(records(log)[0]["timestamp"])
    assert at.tzinfo is not None
    assert at.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)


def test_records_below_the_level_are_dropped(log: StringIO) -> None:
    configure_logs("json", "warning", stream=log)
    get_logger("bridge").info("quiet")
    get_logger("bridge").warning("loud")
    logging.getLogger("alembic").info("quiet")
    assert [record["event"] for record in records(log)] == ["loud"]


def test_libraries_that_write_whole_urls_stay_silent(log: StringIO) -> None:
    configure_logs("json", "debug", stream=log)
    for name in ("httpx", "httpcore.connection", "aiosqlite"):
        logging.getLogger(name).info("GET https://example.com/?key=hush")
    get_logger("bridge").debug("shown")
    assert [record["event"] for record in records(log)] == ["shown"]


def test_configuring_again_replaces_the_former_log(log: StringIO) -> None:
    configure_logs("json", stream=StringIO())
    configure_logs("json", stream=log)
    get_logger("bridge").info("once")
    assert len(records(log)) == 1


def test_the_servers_own_handlers_are_taken_off(log: StringIO) -> None:
    uvicorn = logging.getLogger("uvicorn.access")
    uvicorn.addHandler(logging.StreamHandler(StringIO()))
    uvicorn.propagate = False
    configure_logs("json", stream=log)
    uvicorn.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1:1", "GET", "/v1/watches?metadata[a]=hush", "1.1", 200)
    assert uvicorn.handlers == []
    assert records(log)[0]["event"] == '127.0.0.1:1 - "GET /v1/watches?… HTTP/1.1" 200'


def test_values_bound_to_the_context_appear(log: StringIO) -> None:
    configure_logs("json", stream=log)
    with structlog.contextvars.bound_contextvars(request_id="req_1"):
        get_logger("bridge").info("inside %d", 1)
    assert (records(log)[0]["request_id"], records(log)[0]["event"]) == ("req_1", "inside 1")


def test_an_exception_is_one_field_without_secrets(log: StringIO) -> None:
    configure_logs("json", redactor=Redactor(["sk-very-secret"]), stream=log)
    try:
        raise ValueError("no sk-very-secret at https://me:pw@example.com/x?key=hush")
    except ValueError:
        get_logger("bridge").exception("failed")
        logging.getLogger("sqlalchemy").exception("failed too")
    for record in records(log):
        assert record["exception"].startswith("Traceback (most recent call last):\n")
        assert record["exception"].endswith(f"ValueError: no {MASK} at https://example.com/x?…")


def test_configured_secrets_are_masked_wherever_they_stand(log: StringIO) -> None:
    configure_logs("json", redactor=Redactor(["p/ss word"]), stream=log)
    get_logger("bridge").info("p/ss word", deep={"list": ["a p/ss word b"], "p/ss word": 1}, raw=b"p/ss word")
    get_logger("bridge").info("quoted p%2Fss%20word", object=Exception("p/ss word"))
    text = log.getvalue()
    assert text.count(MASK) == 6
    assert "ss word" not in text
    assert "ss%20word" not in text


@pytest.mark.parametrize("name", TELLING_NAMES)
def test_values_under_telling_names_are_masked(name: str) -> None:
    event = {name: "hush", "headers": {name: ["hush"]}}
    assert "hush" not in str(Redactor()(None, "info", event))


@pytest.mark.parametrize("name", ["key", "event", "secretary", "tokenizer", "author", "has_body", "destination"])
def test_values_under_other_names_stay(name: str) -> None:
    assert Redactor()(None, "info", {name: "shown"}) == {name: "shown"}


def test_that_there_is_no_secret_is_no_secret() -> None:
    assert Redactor()(None, "info", {"secret": None, "token": False}) == {"secret": None, "token": False}


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("POST https://example.com/hook?key=hush done", "POST https://example.com/hook?… done"),
        ("<https://example.com/a?b=hush>", "<https://example.com/a?…>"),
        ("postgresql://me:hush@db/bridge", "postgresql://db/bridge"),
        ("to https://hooks.slack.com/services/T0/B0/hush!", f"to https://hooks.slack.com/{MASK}"),
        ("Authorization: Bearer hush", f"Authorization: Bearer {MASK}"),
        ("signed by whsec_aHVzaA==", f"signed by whsec_{MASK}"),
        ("password=hush host=db", f"password={MASK} host=db"),
        ("really? yes", "really? yes"),
        ("what?why", "what?why"),
        ("a/b?", "a/b?"),
        ("mail a@example.com", "mail a@example.com"),
        ("https://example.com/@me", "https://example.com/@me"),
    ],
)
def test_what_looks_like_a_secret_is_masked_in_any_text(text: str, clean: str) -> None:
    assert Redactor().text(text) == clean


def test_short_secrets_are_ignored_because_they_are_words() -> None:
    redactor = Redactor(["EMPTY", "x", ""])
    assert redactor.text("EMPTY x") == "EMPTY x"
    assert repr(redactor) == "Redactor(0 secrets)"


def test_secrets_can_be_added_later_and_longer_ones_win() -> None:
    redactor = Redactor(["secret-1"])
    redactor.add("secret-1-and-more")
    assert redactor.text("a secret-1-and-more b secret-1 c") == f"a {MASK} b {MASK} c"
    assert "secret-1" not in repr(redactor)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text() | st.binary(), st.lists
    )
)
def test_every_value_becomes_valid_json(value: Any) -> None:
    json.dumps(Redactor().value(value), allow_nan=False)


def test_odd_values_become_text() -> None:
    loop: list[Any] = []
    loop.append(loop)
    redacted = Redactor()(None, "info", {"loop": loop, "deep": {1: SecretStr("hush")}, "set": {1}, "nan": float("nan")})
    assert (redacted["set"], redacted["nan"]) == ([1], "nan")
    assert redacted["deep"] == {"1": "SecretStr('**********')"}
    assert "[...]" in str(redacted["loop"])


def test_a_long_text_without_spaces_takes_no_time() -> None:
    started = time.process_time()
    Redactor(["secret-1"]).text("://a?" * 20_000 + "a" * 100_000)
    assert time.process_time() - started < 2


def test_the_console_is_for_people(log: StringIO) -> None:
    configure_logs("console", redactor=Redactor(["sk-very-secret"]), stream=log)
    get_logger("bridge.sender").info("sent", url="https://example.com/?key=hush", key="sk-very-secret")
    line = log.getvalue()
    assert "\x1b" not in line
    for part in ("[info", "sent", "[bridge.sender]", "url=https://example.com/?…", f"key={MASK}"):
        assert part in line


def test_a_terminal_gets_colours_but_no_control_characters_of_others(log: StringIO) -> None:
    terminal = Terminal()
    configure_logs("console", stream=terminal)
    get_logger("bridge").info("got \x1b[2J and \x9b2J", reply="\x07bell")
    text = terminal.getvalue()
    assert "\x1b[" in text
    assert "\\x1b[2J and \\x9b2J" in text
    assert "\\x07bell" in text
    assert not set(text) & {"\x07", "\x9b"}


def test_a_console_shows_exceptions_without_local_variables(log: StringIO) -> None:
    configure_logs("console", stream=log)
    try:
        hush = "a local variable"
        raise ValueError(len(hush))
    except ValueError:
        get_logger("bridge").exception("failed")
    assert "ValueError: 16" in log.getvalue()
    assert "│" not in log.getvalue()


def test_the_format_follows_the_place_unless_it_is_chosen() -> None:
    assert choose_format(None, Terminal()) == "console"
    assert choose_format(None, StringIO()) == "json"
    assert choose_format("console", StringIO()) == "console"
    assert choose_format("json", Terminal()) == "json"


class Broken(StringIO):
    """The reader of this log has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_log_that_cannot_be_written_stops_nobody(log: StringIO) -> None:
    configure_logs("json", stream=Broken())
    get_logger("bridge").info("into the void")
    log.close()
    configure_logs("json", stream=log)
    get_logger("bridge").info("into the void")
