"""Where the packaged templates are found, from a checkout and from a wheel."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from bridge import resources


def templates_of(package: Path) -> Path:
    """What the module says when it lies in this package."""
    package.mkdir(exist_ok=True)
    copy = package / "resources.py"
    copy.write_bytes(Path(resources.__file__).read_bytes())
    spec = importlib.util.spec_from_file_location("copied_resources", copy)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Path = module.templates_dir()
    return found


def test_in_a_checkout_they_lie_beside_the_package(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    assert templates_of(tmp_path / "bridge") == tmp_path / "templates"


def test_in_a_wheel_they_lie_inside_it(tmp_path: Path) -> None:
    (tmp_path / "bridge" / "templates").mkdir(parents=True)
    (tmp_path / "templates").mkdir()
    assert templates_of(tmp_path / "bridge") == tmp_path / "bridge" / "templates"


def test_here_they_are_where_it_says() -> None:
    assert resources.templates_dir().is_dir()
