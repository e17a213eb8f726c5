"""SQL that the two databases spell differently."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import ARRAY, ColumnElement, Dialect, String, Table, TypeDecorator, bindparam
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeEngine

from bridge.loading import load

Value = TypeVar("Value")


class json_pairs(GenericFunction[Any]):  # noqa: N801 - named as SQL functions are
    """The pairs of a JSON object of strings as rows of ``key`` and ``value``."""

    inherit_cache = True
    name = "json_each"


@compiles(json_pairs, "postgresql")
def _on_postgresql(element: json_pairs, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each_text({compiler.process(element.clauses, **options)})"


def chunks(values: Collection[Value], size: int = 500) -> Iterator[list[Value]]:
    """Values in parts that a statement takes as parameters, and that do not hold others up for long."""
    every = list(values)
    for start in range(0, len(every), size):
        yield every[start : start + size]


class hour_of(GenericFunction[int]):  # noqa: N801 - named as SQL functions are
    """The hour, counted from 1970, in which a moment (Unix seconds) lies."""

    inherit_cache = True


@compiles(hour_of, "sqlite")
def _hour_on_sqlite(element: hour_of, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} / 3600 AS INTEGER)"


@compiles(hour_of, "postgresql")
def _hour_on_postgresql(element: hour_of, compiler: SQLCompiler, **options: Any) -> str:
    return f"floor({compiler.process(element.clauses, **options)} / 3600)::bigint"


class _Texts(TypeDecorator[Collection[str]]):
    """Texts as one parameter: an array, or JSON where there are none."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """What the database has for it."""
        return dialect.type_descriptor(ARRAY(String()) if dialect.name == "postgresql" else String())

    def process_bind_param(self, value: Collection[str] | None, dialect: Dialect) -> Any:
        """What the driver takes."""
        texts = list(value or ())
        return texts if dialect.name == "postgresql" else json.dumps(texts)


class _Among(GenericFunction[bool]):
    inherit_cache = True
    name = "bridge_among"


def among(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """Whether a column has one of several texts, however many: the statement is always the same.

    ``in_`` is compiled anew for each number of them: thirty ids cost 0.1 ms more than in this way.

    :param name: of the parameter, a collection.
    """
    return _Among(column, bindparam(name, type_=_Texts()))


@compiles(_Among, "sqlite")
def _among_on_sqlite(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, texts = (compiler.process(each, **options) for each in element.clauses)
    return f"({column} IN (SELECT value FROM json_each({texts})))"  # noqa: S608 - both are compiled


@compiles(_Among, "postgresql")
def _among_on_postgresql(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, texts = (compiler.process(each, **options) for each in element.clauses)
    return f"({column} = ANY ({texts}))"


@cache
def _upserting(dialect: str, table: Table, key: tuple[str, ...], update: tuple[str, ...]) -> Any:
    """The statement of :func:`upsert`: to build it takes three times as long as to run it for one row."""
    statement: Any = load(f"sqlalchemy.dialects.{dialect}:insert")(table)
    if not update:
        return statement.on_conflict_do_nothing(index_elements=list(key))
    values = {name: statement.excluded[name] for name in update}
    return statement.on_conflict_do_update(index_elements=list(key), set_=values)


async def upsert(
    tx: AsyncConnection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    key: Sequence[str],
    update: Sequence[str] = (),
) -> int:
    """Insert rows; where the key is taken, write the columns ``update`` of the row that is there, or leave it alone.

    Returns how many rows were inserted or written, as far as the driver counts.
    """
    if not rows:
        return 0
    statement = _upserting(tx.dialect.name, table, tuple(key), tuple(update))
    if len(rows) == 1 or tx.dialect.name == "sqlite":
        # As parameters: a statement that holds its rows is compiled anew each time.
        return int((await tx.execute(statement, [dict(row) for row in rows])).rowcount)
    return int((await tx.execute(statement.values(list(rows)))).rowcount)  # asyncpg counts no rows of several runs
