"""The index of captures as CDX servers give it, for pywb's `cdx+http://` and whoever else replays from the files."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from time import monotonic
from typing import Annotated

import regex
from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from luutru.api import failures
from luutru.room import Asked
from storage.errors import UsageError
from storage.exports import cdxj
from storage.index import cdx
from storage.index.cdx import Match, Sort, Wanted
from storage.index.listings import Listed

router = APIRouter(tags=["captures"])

_MOST = 100_000  # lines of an answer
_EXAMINED = 1_000_000  # captures that filters look at
_LONGEST = 200  # characters of a regular expression
_CHUNK = 500  # lines that are sent together
_NAMES = {"original": "url", "statuscode": "status", "mimetype": "mime"}  # as others call them
_TOO_MUCH = "the filters look at too much: ask for fewer addresses"

Field = dict[str, str]


class Output(StrEnum):
    """How a line is written."""

    CDXJ = "cdxj"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on a line, in the words of pywb: `[!][=|~]field:expression`."""

    field: str  # "" is the whole line
    fits: Callable[[str, float], bool]  # a value, within so many seconds
    negated: bool

    @classmethod
    def of(cls, text: str) -> "Filter":
        """Contains by default, `=` is equality, `~` a regular expression for the beginning; raises UsageError."""
        negated, text = text.startswith("!"), text.removeprefix("!")
        kind, text = (text[:1], text[1:]) if text[:1] in ("=", "~") else ("", text)
        field, colon, expression = text.partition(":")
        if not colon:
            field, expression = "", text
        return cls(_NAMES.get(field, field), _comparison(kind, expression), negated)

    def __call__(self, said: Field, seconds: float) -> bool:
        """Whether a line is let through; raises TimeoutError."""
        value = said.get(self.field, "") if self.field else " ".join(said.values())
        return self.fits(value, seconds) is not self.negated


def _comparison(kind: str, expression: str) -> Callable[[str, float], bool]:
    if kind == "=":
        return lambda value, _: value == expression
    if kind != "~":
        return lambda value, _: expression in value
    if len(expression) > _LONGEST:
        raise UsageError(f"a regular expression of more than {_LONGEST} characters: ask with a shorter one")
    try:
        pattern = regex.compile(expression)
    except (regex.error, OverflowError, RecursionError) as error:
        raise UsageError(f"filter {expression[:100]!r} is no regular expression: {error}") from error
    return lambda value, seconds: pattern.match(value, timeout=max(seconds, 0.001)) is not None


@router.get(
    "/cdx",
    response_class=StreamingResponse,
    responses=failures()
    | {200: {"content": {"text/x-cdxj": {}, "application/x-ndjson": {}}, "description": "A line a capture."}},
)
def captures(
    room: Asked,
    url: Annotated[str, Query(max_length=4_000, description="`*.host` and `address*` are matches, too.")],
    match: Annotated[Match | None, Query(alias="matchType", description="Which addresses are meant.")] = None,
    since: Annotated[str, Query(alias="from", max_length=20, description="Timestamp, or its beginning.")] = "",
    until: Annotated[str, Query(alias="to", max_length=20, description="The same, for the last.")] = "",
    filters: Annotated[
        Sequence[Annotated[str, Query(max_length=200)]],
        Query(alias="filter", max_length=10, description="`[!][=|~]field:value`; all must hold."),
    ] = (),
    closest: Annotated[str, Query(max_length=20, description="A timestamp, with `sort=closest`.")] = "",
    sort: Annotated[Sort, Query(description="In which order.")] = Sort.DEFAULT,
    limit: Annotated[int, Query(ge=1, le=_MOST, description="How many lines at most.")] = _MOST,
    fl: Annotated[str, Query(max_length=200, description="Fields, separated by commas.")] = "",
    output: Annotated[Output, Query(description="The form of a line.")] = Output.CDXJ,
    resolved: Annotated[bool, Query(alias="resolveRevisits", description="Add the place of the original.")] = False,
) -> StreamingResponse:
    """Captures of an address, a line each; none is an empty answer. What is withheld is left out."""
    rows = cdx.found(room.collection.index, Wanted.of(url, match, since, until, sort, closest))
    said = (
        {"urlkey": row.urlkey, "timestamp": cdxj.timestamp(row.date)} | cdxj.fields(row, resolved=resolved)
        for row in rows
    )
    kept = _filtered(said, [Filter.of(one) for one in filters if one], room.limits.query_seconds)
    names = [_NAMES.get(name, name) for name in fl.split(",") if name]
    lines = (_WRITTEN[output](one, names) for one in islice(kept, limit))
    chunks = iter(lambda: "".join(islice(lines, _CHUNK)), "")
    first = next(chunks, "")  # what goes wrong at once has a status
    return StreamingResponse(
        _with(first, chunks),
        media_type="text/x-cdxj" if output is Output.CDXJ else "application/x-ndjson",
        headers={"Cache-Control": "no-cache"},
    )


def _said(row: Listed, resolved: bool) -> Field:
    key = {"urlkey": row.urlkey, "timestamp": cdxj.timestamp(row.date)}
    return key | cdxj.fields(row, resolved=resolved)


def _with(first: str, chunks: Iterator[str]) -> Iterator[str]:
    yield first
    yield from chunks


def _filtered(lines: Iterable[Field], filters: Sequence[Filter], seconds: float) -> Iterator[Field]:
    """The lines that all filters let through; raises UsageError where they take too long."""
    if not filters:
        yield from lines
        return
    left = seconds
    for number, said in enumerate(lines):
        began = monotonic()
        try:
            fits = all(one(said, left) for one in filters)
        except TimeoutError as error:
            raise UsageError(_TOO_MUCH) from error
        left -= monotonic() - began
        if left < 0 or number >= _EXAMINED:
            raise UsageError(_TOO_MUCH)
        if fits:
            yield said


def _cdxj(said: Field, names: Sequence[str]) -> str:
    told = {name: value for name, value in said.items() if name not in ("urlkey", "timestamp")}
    return cdxj.line(said["urlkey"], said["timestamp"], _only(told, names))


def _json(said: Field, names: Sequence[str]) -> str:
    return json.dumps(_only(said, names)) + "\n"


def _only(said: Field, names: Sequence[str]) -> Field:
    return {name: said[name] for name in names if name in said} if names else said


_WRITTEN = {Output.CDXJ: _cdxj, Output.JSON: _json}
