"""Whether a site has left its own range: what its newest pages told against what they told before. Pure.

An address that was captured before is compared with itself, a new one with the site's known pages. An alarm needs
enough pages, a difference that chance does not make (pages of one section come together and are alike, so chance is
measured on the known pages themselves), and one that is large enough to trouble anybody.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import exp, log, sqrt
from statistics import fmean, median

from storage.model import Drift, Fact

WINDOW = 24  # pages that are looked at where a crawl has fewer: so many that some may be no articles
_FEW = 20  # pages that must be told of before anything is said
_KNOWN = 40  # known pages from which a range can be told
_TAIL = 50  # the last pages of a longer crawl are judged by themselves too: a site may change while it is crawled
_SETTLED = 500  # pages after which another length, or no date or author, is the site's own range
_CHANCE = 4.5  # standard deviations
_JUMP = 0.25  # of all pages, that must tell something else
_FACTOR = log(1.6)  # by which the length of the middle text must change
_SCATTER = 0.1  # of the logarithm of lengths, at least
_UNSURE = 0.02  # how often a page tells something else for no reason of ours
_COMMON = 5  # documents with one title, from which it may be no title of theirs
_ROWS = 12  # rows of known pages below which their variance is taken for more than twice as large
_BLOCK = 50  # pages that are looked at together when chance is measured


@dataclass(frozen=True, slots=True)
class _Watch:
    """A share of pages that must not rise: which pages, which of them are bad, and how to say it."""

    kind: str
    counts: Callable[[Fact], bool]
    bad: Callable[[Fact], bool]
    said: str
    settles: bool = False


@dataclass(frozen=True, slots=True)
class _Shift:
    """A mean over pages, what was expected of it, and how far chance alone would move it."""

    pages: int
    found: float
    expected: float
    deviation: float


def judge(
    newest: Sequence[Fact], known: Sequence[Fact], lasting: Sequence[Fact] = (), *, layouts: bool
) -> tuple[Drift, ...]:
    """What has changed, one of a kind; facts are in the order of capture.

    `known` are pages before the newest from crawls without drift, `lasting` those after them from crawls with drift.
    `layouts` says whether the site has any layout; without, only its memory can lose its container. Kinds: `list`,
    `error page`, `title`, `text` (nothing is read), `container`, `date`, `author`, `length`.
    """
    told = _judge(newest, known, lasting, layouts)
    if len(newest) > 2 * _TAIL:
        told |= {
            kind: one for kind, one in _judge(newest[-_TAIL:], known, lasting, layouts).items() if kind not in told
        }
    return tuple(told.values())


def _judge(newest: Sequence[Fact], known: Sequence[Fact], lasting: Sequence[Fact], layouts: bool) -> dict[str, Drift]:
    settled = len(lasting) >= _SETTLED
    first = [fact for fact in known if not fact.again]  # new pages are like pages that were new
    like_new = first if len(first) >= _KNOWN else known
    told: dict[str, Drift] = {}
    for watch in (*_nothing(newest), *_parts(layouts)):
        if watch.kind == "text" and told:
            continue  # it was said why nothing is read
        before = lasting if settled and watch.settles else like_new
        shift = _share(newest, before, watch, paired=not (settled and watch.settles))
        if shift and shift.found - shift.expected > _JUMP:
            unheard = watch.kind == "text" and shift.found == 1 and 2 * _longest_run(before) < shift.pages
            if unheard or shift.found - shift.expected > _CHANCE * shift.deviation:
                told[watch.kind] = Drift(watch.kind, _sentence(watch, shift))
    length = _length(newest, lasting if settled else like_new, paired=not settled)
    return told | ({length.kind: length} if length else {})


def _nothing(newest: Sequence[Fact]) -> tuple[_Watch, ...]:
    """Reasons for which no article is read; a title that many documents share is none."""
    shared = shared_title(newest)
    return (
        _Watch("list", _any, lambda fact: fact.reason == "list", "look like lists, and give no article"),
        _Watch("error page", _any, lambda fact: fact.reason == "error page", "are error pages, whatever their status"),
        _Watch(
            "title",
            _any,
            lambda fact: fact.reason == "no title" or (shared is not None and fact.title == shared),
            f"have no title of their own{f', but {shared!r}' if shared else ''}",
        ),
        _Watch("text", _any, lambda fact: fact.reason is not None, "give no article"),
    )


def _parts(layouts: bool) -> tuple[_Watch, ...]:
    """What articles may lack."""
    ways = ("layout:", "anchors:", "memory") if layouts else ("memory",)
    return (
        _Watch(
            "container",
            _is_article,
            lambda fact: not (fact.method or "").startswith(ways),
            "are read without the site's layout or memory: their container is not on the page",
        ),
        _Watch("date", _is_article, lambda fact: not fact.dated, "name no date", settles=True),
        _Watch("author", _is_article, lambda fact: not fact.signed, "name no author", settles=True),
    )


def _any(_fact: Fact) -> bool:
    return True


def _is_article(fact: Fact) -> bool:
    return fact.reason is None


def shared_title(facts: Sequence[Fact]) -> str | None:
    """The title that more than a fifth of the documents have, if there is one."""
    titles = Counter(title for title, _ in {(fact.title, fact.document) for fact in facts if fact.title})
    title, number = titles.most_common(1)[0] if titles else ("", 0)
    return title if number >= _COMMON and number > titles.total() / 5 else None


def _share(newest: Sequence[Fact], known: Sequence[Fact], watch: _Watch, *, paired: bool) -> _Shift | None:
    """The share of bad pages among those that count."""
    counted = [fact for fact in newest if watch.counts(fact)]
    values = [float(watch.bad(fact)) for fact in known if watch.counts(fact)]
    return _shift(
        [float(watch.bad(fact)) for fact in counted],
        [_earlier(fact, watch.counts, lambda one: float(watch.bad(one))) if paired else None for fact in counted],
        values,
        (sum(values) + 0.5) / (len(values) + 1),
        _UNSURE * (1 - _UNSURE),
    )


def _longest_run(known: Sequence[Fact]) -> int:
    """How many known pages in a row gave no article."""
    return max(
        (len(list(run)) for nothing, run in groupby(known, lambda fact: fact.reason is not None) if nothing), default=0
    )


def _length(newest: Sequence[Fact], known: Sequence[Fact], *, paired: bool) -> Drift | None:
    """Whether the middle text has become shorter or longer; lengths are compared by their logarithms."""
    articles = [fact for fact in newest if fact.characters]
    lengths = [log(fact.characters) for fact in known if fact.characters]
    usual = median(lengths) if lengths else 0.0
    own = [_earlier(fact, lambda one: bool(one.characters), _log_length) if paired else None for fact in articles]
    shift = _shift([_log_length(fact) for fact in articles], own, lengths, usual, _SCATTER**2)
    if shift is None:
        return None
    usable = len(lengths) >= _KNOWN
    moved = median(
        _log_length(fact) - (usual if one is None else one)
        for fact, one in zip(articles, own, strict=True)
        if one is not None or usable
    )
    if abs(moved) <= max(_FACTOR, _CHANCE * 1.25 * shift.deviation):  # a median scatters a quarter more than a mean
        return None
    how = "longer" if moved > 0 else "shorter"
    times = exp(abs(moved))
    return Drift("length", f"texts are {times:.1f} times {how} than before, in the middle of {shift.pages} pages")


def _log_length(fact: Fact) -> float:
    return log(fact.characters or 1)


def _earlier(fact: Fact, counts: Callable[[Fact], bool], value: Callable[[Fact], float]) -> float | None:
    """What the same address told before, where that can be compared."""
    return value(fact.before) if fact.before is not None and counts(fact.before) else None


def _shift(
    found: Sequence[float], own: Sequence[float | None], known: Sequence[float], usual: float, unsure: float
) -> _Shift | None:
    """Pages against themselves (`own`) or against the `usual` of known ones; None while there are too few of them."""
    usable = len(known) >= _KNOWN
    pairs = [(value, one) for value, one in zip(found, own, strict=True) if one is not None or usable]
    if len(pairs) < _FEW:
        return None
    number = len(pairs)
    new = sum(one is None for _, one in pairs)
    variance = (number - new) * unsure
    if new:
        variance += new * (1 + new / len(known)) * _variance(known, usual, unsure, min(number, _BLOCK))
    return _Shift(
        pages=number,
        found=fmean(value for value, _ in pairs),
        expected=fmean(usual if one is None else one for _, one in pairs),
        deviation=sqrt(variance) / number,
    )


def _variance(values: Sequence[float], usual: float, unsure: float, together: int) -> float:
    """The variance of one page that explains how far means of pages in a row lie apart, but no less than its own.

    The fewer rows of pages there are, the more must be allowed for what they did not show.
    """
    own = max(_square(values, usual), unsure)
    least = max(5, min(together, len(values) // 8))
    return max(
        own, *(_between(values, size) for size in (least, 2 * least) if size == least or len(values) >= 8 * size)
    )


def _between(values: Sequence[float], size: int) -> float:
    means = [fmean(values[start : start + size]) for start in range(0, len(values) - size + 1, size)]
    return size * _square(means, fmean(means)) * (1 + _ROWS / len(means))


def _square(values: Sequence[float], middle: float) -> float:
    return fmean((value - middle) ** 2 for value in values)


def _sentence(watch: _Watch, shift: _Shift) -> str:
    bad = round(shift.found * shift.pages)
    return f"{bad} of {shift.pages} pages {watch.said}; {shift.expected:.0%} would be usual"
