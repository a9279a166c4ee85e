"""What a crawl is expected to give, and whether it gave it: pure.

Learned from the crawls of the site that gave what was expected of them, unless somebody has set it. Two things make a
small crawl no wonder, and are not held against it: it follows another one sooner than usual, or finishes one that was
cut off.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from math import expm1, log1p, sqrt
from statistics import fmean, median

from crawler.drift import shared_title
from crawler.sites import Site
from storage.keys import EXPECTATIONS
from storage.model import Drift, Expected, Fact, Judged, Kind

LOOKED_AT = 60  # crawls of a site, the newest
_KEPT = 20  # of them, from which is learned
WEEKS = 13  # that are looked at for new articles
_FEW = 5  # crawls from which something is learned
_SETTLED = 10  # crawls in a row after which what was unexpected is the site as it now is
_FORTNIGHT = 14  # crawls of which the smallest one may be taken for as small as they get
_PAGES = 10  # pages of articles of which shares are told
_ATTEMPTS = 20  # of which the share of errors is told
_SHARE = 0.25  # by which a share may fall, and below which none should be that the definition speaks of
_ERRORS = 0.1  # that may always be
_SLOWER = 3  # times as long as the slowest
_SHORT = 600.0  # seconds that a crawl may always take
_SOON = 0.25  # of the usual time between two crawls
_WEEKS = 4  # that must have had news
_NEWS = 5  # in each of them


@dataclass(frozen=True, slots=True)
class Found:
    """What a crawl came to."""

    started: datetime
    captures: int
    attempts: int
    errors: int
    bytes: int
    seconds: float
    unchanged: int  # captures that only say so (304)
    finishes: bool  # another one, which was cut off
    previous: datetime | None  # when the crawl before it started
    documents: bool  # whether any article of the site is known now
    facts: Sequence[Fact]  # of its own pages of articles
    drift: Sequence[Drift]
    weeks: Sequence[int | None]  # new articles in weeks that end now, the newest first; None where nobody knows


@dataclass(frozen=True, slots=True)
class _Bound:
    least: float | None = None
    most: float | None = None
    origin: str | None = "learned"


_NONE = _Bound(origin=None)


def judge(found: Found, past: Sequence[Judged], site: Site, chosen: Mapping[str, float]) -> tuple[Expected, ...]:
    """Everything that can be told of a crawl, with what was expected of it, one of a kind.

    `past` are the crawls before it, the newest first, all that were judged and met no drift; `chosen` is what was set,
    by kind. `detail` is None where nothing is the matter or expected.
    """
    values = _values(found, soon=found.finishes or _is_soon(found, past))
    return _compared(values, found.attempts, found.weeks, past, site, chosen)


def next_time(
    past: Sequence[Judged], weeks: Sequence[int | None], site: Site, chosen: Mapping[str, float]
) -> tuple[Expected, ...]:
    """What will be expected of the next crawl, beside what was found at last; `past` as `judge` has it."""
    values = {kind: one.found for crawl in reversed(past) for kind, one in crawl.told.items()}
    return _compared(values, past[0].attempts if past else 0, weeks, past, site, chosen)


def _compared(
    values: Mapping[str, float],
    attempts: int,
    weeks: Sequence[int | None],
    past: Sequence[Judged],
    site: Site,
    chosen: Mapping[str, float],
) -> tuple[Expected, ...]:
    told: list[Expected] = []
    for kind in (one for one in _KINDS if one in values):
        if kind == "bytes" and any(one.detail for one in told if one.kind == "captures"):
            continue  # fewer captures are fewer bytes
        usual = _usual(kind, past)
        learned = _learned_news(weeks) if kind == "new" else _learned(kind, usual, attempts)
        if kind == "bytes" and "captures" in chosen:
            learned = None  # somebody has said how small a crawl may be
        told.append(_told(kind, values[kind], _chosen(kind, chosen) or learned or _defined(kind, site)))
    return tuple(told)


def _values(found: Found, *, soon: bool) -> dict[str, float]:
    """What is known of each kind."""
    values: dict[str, float] = {"documents": float(found.documents), "duration": found.seconds}
    if not soon:
        values["captures"] = found.captures
        if 2 * found.unchanged <= found.captures:
            values["bytes"] = found.bytes
    if found.attempts >= _ATTEMPTS:
        values["errors"] = found.errors / found.attempts
    if found.weeks and found.weeks[0] is not None:
        values["new"] = found.weeks[0]
    if len(found.facts) >= _PAGES and not found.drift:  # which has been told by what is known of single pages
        values |= _shares(found.facts)
    return values


def _shares(facts: Sequence[Fact]) -> dict[str, float]:
    shared = shared_title(facts)
    articles = [fact for fact in facts if fact.reason is None]
    shares = {"text": len(articles) / len(facts)}
    if articles:
        shares["title"] = fmean(fact.title != shared for fact in articles)
        shares["date"] = fmean(fact.dated for fact in articles)
    return shares


def _is_soon(found: Found, past: Sequence[Judged]) -> bool:
    """Whether so little time has passed since the crawl before that there is not much to fetch."""
    if len(past) < _FEW or found.previous is None:
        return False
    pauses = [(later.started - earlier.started).total_seconds() for later, earlier in pairwise(past[:_KEPT])]
    return (found.started - found.previous).total_seconds() < _SOON * median(pauses)


def _usual(kind: str, past: Sequence[Judged]) -> list[tuple[float, int]]:
    """What crawls that may be learned from gave of a kind, and with how many attempts."""
    of_kind = [one for one in past if kind in one.told]
    if len(of_kind) >= _SETTLED and all(one.told[kind].detail for one in of_kind[:_SETTLED]):
        good = of_kind[:_SETTLED]
    else:
        good = [one for one in of_kind if not any(each.detail for each in one.told.values())][:_KEPT]
    return [(one.told[kind].found, one.attempts) for one in good]


def _chosen(kind: str, chosen: Mapping[str, float]) -> _Bound | None:
    if kind not in chosen:
        return None
    value = chosen[kind]
    return _Bound(most=value, origin="set") if EXPECTATIONS[kind].is_most else _Bound(least=value, origin="set")


def _learned(kind: str, usual: Sequence[tuple[float, int]], attempts: int) -> _Bound | None:
    if len(usual) < _FEW or kind == "documents":
        return None
    values = [value for value, _ in usual]
    if kind == "errors":
        return _Bound(most=round(min(1.0, _ERRORS + 2 * max(values)), 3))
    if kind == "duration":
        slowest = max(seconds / max(1, each) for seconds, each in usual)
        return _Bound(most=float(round(max(_SHORT, _SLOWER * slowest * attempts))))
    if kind in ("captures", "bytes"):
        return _Bound(least=float(round(_floor(values) / (2 if kind == "bytes" else 1))))
    return _Bound(least=round(max(0.0, min(values) - _SHARE), 3))


def _learned_news(weeks: Sequence[int | None]) -> _Bound | None:
    earlier = [number for number in weeks[1:] if number is not None]
    return _Bound(least=1) if len(earlier) >= _WEEKS and min(earlier) >= _NEWS else None


def _floor(values: Sequence[float]) -> float:
    """What crawls that vary like these hardly ever fall below: their logarithms scatter, downwards, so far."""
    logs = sorted(map(log1p, values))
    number, middle = len(logs), median(logs)
    scatter = sqrt(fmean((middle - one) ** 2 for one in logs if one <= middle))
    floor = middle - (3.6 + 12 / number) * max(0.25, scatter)
    if number >= _FORTNIGHT:  # where some days are always smaller, the scatter is wide, and the smallest tells more
        floor = max(floor, logs[0] - max(0.8, (0.8 + 6 / number) * (logs[number // 4] - logs[0])))
    return max(0.0, expm1(floor))


def _defined(kind: str, site: Site) -> _Bound:
    """What a definition lets expect while nothing is learned."""
    articles = any(rule.kind is Kind.ARTICLE for rule in site.all_rules)
    if kind == "documents" and articles:
        return _Bound(least=1, origin="definition")
    dates = any(layout.published for layout in site.all_layouts)
    if (kind in ("text", "title") and articles) or (kind == "date" and dates):
        return _Bound(least=_SHARE, origin="definition")
    return _NONE


def _told(kind: str, value: float, bound: _Bound) -> Expected:
    told = Expected(kind, round(value, 3), bound.least, bound.most, bound.origin)
    if bound.least is not None and value < bound.least:
        return replace(told, detail=_sentence(kind, value, f"at least {_SHOWN[kind](bound.least)}"))
    if bound.most is not None and value > bound.most:
        return replace(told, detail=_sentence(kind, value, f"at most {_SHOWN[kind](bound.most)}"))
    return told


def _sentence(kind: str, value: float, limit: str) -> str:
    if kind == "documents":
        return "no article of the site is known, though its definition tells which addresses are articles"
    return f"{_SHOWN[kind](value)} {_WORDS[kind]}; {limit} expected"


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _percent(value: float) -> str:
    return f"{value:.0%}"


_WORDS: Mapping[str, str] = {
    "captures": "captures",
    "text": "of the pages of articles give one",
    "title": "of the articles have a title of their own",
    "date": "of the articles name a date",
    "errors": "of the attempts came to nothing",
    "bytes": "bytes",
    "duration": "seconds",
    "new": "new articles within a week",
}
_KINDS = ("captures", "documents", *(kind for kind in _WORDS if kind != "captures"))
_SHARES = frozenset({"text", "title", "date", "errors"})
_SHOWN: Mapping[str, Callable[[float], str]] = {
    kind: _percent if kind in _SHARES else _number for kind in ("documents", *_WORDS)
}
