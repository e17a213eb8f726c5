"""Message templates tried out: which files there are, what they render to, and what is wrong with them.

The folder of the packaged templates and, before it, that of ``BRIDGE_TEMPLATES_DIR`` are the operator's own and
rendered as the server renders them; a template that is meant for a destination goes to the sandbox, as there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bridge.cli.exits import CommandError, ExitCode
from bridge.models import EventType
from bridge.notifiers import Notifier
from bridge.notifiers.base import Address
from bridge.notifiers.callback import CallbackNotifier
from bridge.notifiers.email_webhook import EmailWebhookNotifier
from bridge.notifiers.fitting import Unfit
from bridge.notifiers.slack import SlackNotifier
from bridge.rendering import FORMS, PackagedTemplates, Sandbox, TemplateError, Told, check_template
from bridge.rendering.packaged import SUFFIX
from bridge.rendering.samples import variants

Origin = Literal["packaged", "BRIDGE_TEMPLATES_DIR"]

# A callback has no templates of its own: it is sent the event itself.
KINDS = tuple(kind for kind in FORMS if kind != "callback")
_NOTIFIERS: Mapping[str, Notifier] = {
    "callback": CallbackNotifier(None, lambda url: ()),
    "slack": SlackNotifier(),
    "email-webhook": EmailWebhookNotifier(),
}
_MAIL = {"preset": "flat", "from": "video-bridge@example.com", "to": ["you@example.com"]}
_ADDRESS = Address("https://example.com/", _MAIL)


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """One file of templates.

    :param name: below the folder, ``slack/default.jinja``.
    :param events: the event types that are told by it; none for macros, and for what nobody asks for.
    """

    kind: str
    name: str
    path: Path
    origin: Origin
    events: tuple[EventType, ...]

    @property
    def macros(self) -> bool:
        """Whether other files import it."""
        return self.path.name.startswith("_")


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a file. ``event`` says what it was rendered for, or is empty."""

    file: str
    line: int | None
    reason: str
    event: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        about = f" ({self.event})" if self.event else ""
        return f"{place}: {self.reason}{about}"


class FaultyTemplateError(CommandError):
    """There is no message: a template cannot be rendered, or the receiver would not take what it renders to."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding), ExitCode.USAGE)
        self.finding = finding


@dataclass(frozen=True, slots=True)
class OwnTemplate:
    """A template that a destination is to have, out of a file."""

    file: str
    text: str

    @classmethod
    def read(cls, file: Path) -> OwnTemplate:
        """Read it.

        :raises CommandError: that cannot be done.
        """
        try:
            return cls(str(file), file.read_text("utf-8"))
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.", ExitCode.USAGE) from error
        except UnicodeDecodeError as error:
            raise CommandError(f"{file} is not UTF-8 text.", ExitCode.USAGE) from error


class Workshop:
    """Makes what the server would send.

    :param packaged: the folder that came with video-bridge.
    :param override: ``BRIDGE_TEMPLATES_DIR``.
    """

    def __init__(self, packaged: Path, override: Path | None = None) -> None:
        self._folders: list[tuple[Origin, Path]] = [("packaged", packaged)]
        if override is not None:
            self._folders.insert(0, ("BRIDGE_TEMPLATES_DIR", override))
        self._templates = PackagedTemplates(packaged, override)

    def files(self) -> list[TemplateFile]:
        """All files there are; of two with the same name the one that is used."""
        return [self._file(kind, name) for kind in KINDS for name in self._names(kind)]

    def compose(self, kind: str, told: Told, label: str = "") -> bytes:
        """What would be sent to a destination without a template of its own.

        :param label: what an error is said to be about.
        :raises FaultyTemplateError: nothing.
        """
        try:
            return _NOTIFIERS[kind].compose(self._parts(kind, told), told, _ADDRESS)
        except TemplateError as error:
            name = error.where if error.where in self._names(kind) else self._used(kind, told.event_type)
            file = str(self._file(kind, name).path)
            raise FaultyTemplateError(Finding(file, error.line, error.reason, label)) from error
        except Unfit as error:
            file = str(self._file(kind, self._used(kind, told.event_type)).path)
            raise FaultyTemplateError(Finding(file, None, str(error), label)) from error

    async def compose_own(self, sandbox: Sandbox, own: OwnTemplate, kind: str, told: Told, label: str = "") -> bytes:
        """What would be sent to a destination with this template.

        :param label: what an error is said to be about.
        :raises FaultyTemplateError: nothing.
        """
        form = FORMS[kind]
        try:
            parts = (await sandbox.render(own.text, form, told)).parts
            if any(name not in parts for name in form.parts):
                parts = {**self._parts(kind, told), **parts}
            return _NOTIFIERS[kind].compose(parts, told, _ADDRESS)
        except TemplateError as error:
            raise FaultyTemplateError(Finding(own.file, error.line, error.reason, label)) from error
        except Unfit as error:
            raise FaultyTemplateError(Finding(own.file, None, str(error), label)) from error

    def check(self) -> Iterator[Finding]:
        """Everything that is wrong with the files, each fault once."""
        seen = set()
        for finding in (*self._unused(), *self._faults()):
            fault = (finding.file, finding.line, finding.reason)
            if fault not in seen:
                seen.add(fault)
                yield finding

    async def check_own(
        self, sandbox: Sandbox, own: OwnTemplate, kind: str, events: Sequence[EventType]
    ) -> Finding | None:
        """The first thing that is wrong with a template for a destination that is told these events."""
        try:
            await check_template(sandbox, own.text, FORMS[kind], events)  # as when the destination is registered
            for event_type in events:
                for variant in variants(event_type):
                    await self.compose_own(sandbox, own, kind, variant.told, variant.label)
        except TemplateError as error:
            return Finding(own.file, error.line, error.reason, error.where)
        except FaultyTemplateError as error:
            return error.finding
        return None

    def _faults(self) -> Iterator[Finding]:
        for kind in KINDS:
            for event_type in EventType:
                for variant in variants(event_type):
                    try:
                        self.compose(kind, variant.told, variant.label)
                    except FaultyTemplateError as error:
                        yield error.finding

    def _unused(self) -> Iterator[Finding]:
        for file in self.files():
            if not file.events and not file.macros and file.path.stem != "default":
                yield Finding(str(file.path), None, f"no event is told by it; event types are {', '.join(EventType)}")
        for path in sorted(self._folders[0][1].glob(f"**/*{SUFFIX}")):
            if path.relative_to(self._folders[0][1]).parts[0] not in KINDS and not path.name.startswith("_"):
                yield Finding(
                    str(path), None, f"nothing looks for it here; folders of templates are {', '.join(KINDS)}"
                )

    def _parts(self, kind: str, told: Told) -> Mapping[str, str]:
        return self._templates.render(kind, FORMS[kind], told).parts if kind in KINDS else {}

    def _names(self, kind: str) -> list[str]:
        pattern = f"{kind}/**/*{SUFFIX}"
        return sorted({path.relative_to(root).as_posix() for _, root in self._folders for path in root.glob(pattern)})

    def _used(self, kind: str, event_type: EventType) -> str:
        own = _name(kind, event_type)
        return own if own in self._names(kind) else _name(kind, "default")

    def _file(self, kind: str, name: str) -> TemplateFile:
        origin, folder = next((each for each in self._folders if (each[1] / name).is_file()), self._folders[-1])
        events = tuple(event_type for event_type in EventType if self._used(kind, event_type) == name)
        return TemplateFile(kind, name, folder / name, origin, events)


def _name(kind: str, stem: str) -> str:
    return f"{kind}/{stem}{SUFFIX}"
