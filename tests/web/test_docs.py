from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from bridge.metrics import Metrics
from bridge.resources import templates_dir
from bridge.web.api import OPERATIONS
from bridge.web.application import create_web
from bridge.web.docs import prose, render
from bridge.web.health import Readiness
from bridge.web.openapi import document
from bridge.web.operations import Operation
from tests.web.conftest import asking
from tests.web.fakes import FakeRegistry

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Reads a page, and complains about tags that do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.links += [value for name, value in attrs if name in ("href", "src") and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def html() -> str:
    return render(document(), [templates_dir()]).content.decode()


def test_the_page_is_well_formed(html: str) -> None:
    page = Page(html)
    assert page.open == []
    assert len(set(page.ids)) == len(page.ids)


def test_every_link_leads_to_a_place_on_the_page_or_this_server(html: str) -> None:
    page = Page(html)
    assert [link for link in page.links if link.startswith("#") and link[1:] not in page.ids] == []
    assert {link for link in page.links if not link.startswith("#")} == {"/openapi.json"}


def test_the_page_needs_no_script_and_no_other_host(html: str) -> None:
    assert Page(html).tags.isdisjoint({"script", "img", "iframe", "form", "link"})
    assert "@import" not in html
    assert "url(" not in html


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_every_operation_is_shown(html: str, operation: Operation) -> None:
    section = html.split(f'<article id="{operation.name}">')[1].split("</article>")[0]
    assert f"<code>{operation.path}</code>" in section
    assert "curl" in section


def test_a_command_line_can_be_copied(html: str) -> None:
    section = html.split('<article id="retry_failed_deliveries">')[1]
    assert (
        "curl -X POST http://127.0.0.1:8080/v1/deliveries/retry \\\n"
        "  -H &#34;Authorization: Bearer $BRIDGE_API_KEY&#34; \\\n"
        "  -H &#34;Content-Type: application/json&#34; \\\n"
        "  -d &#39;{"
    ) in section


def test_a_public_server_is_named_in_the_commands() -> None:
    page = render(document("https://bridge.example.com"), [templates_dir()]).content.decode()
    assert "curl https://bridge.example.com/healthz" in page
    assert "127.0.0.1" not in page


def test_bounds_and_defaults_are_shown(html: str) -> None:
    assert "integer 1–100, default 20" in html
    assert "string ≤ 512 characters" in html


async def test_the_headers_allow_this_style_and_nothing_else(client: httpx.AsyncClient) -> None:
    answer = await client.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'; ")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"


def test_text_is_escaped_before_code_is_marked() -> None:
    assert prose("a `b<c` <i>") == "a <code>b&lt;c</code> &lt;i&gt;"


async def test_a_file_of_the_operator_wins(tmp_path: Path, readiness: Readiness) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "docs.css").write_text("body { color: teal }")
    app = create_web(FakeRegistry(), Metrics(), readiness, templates=tmp_path)
    async with asking(app) as client:
        assert "<style>body { color: teal }</style>" in (await client.get("/docs")).text
