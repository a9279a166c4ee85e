"""A question as the text that asks it: what a facet adds to it, and what taking a chip away leaves."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

from storage.query import Filter, Query, Term, quoted

_PERIODS = ("after", "before")


def written(query: Query) -> str:
    """The text that asks this: `parse` reads it as the same query."""
    return " ".join(
        (*map(_term, query.terms), *(f"-{_term(one)}" for one in query.excluded), *map(_filter, query.filters))
    )


def narrowed(query: Query, field: str, value: str) -> str:
    """The question with one more filter."""
    return written(replace(query, filters=(*_without(query, Filter(field, value)), Filter(field, value))))


def widened(query: Query, *gone: Filter) -> str:
    """The question without these filters."""
    return written(replace(query, filters=_without(query, *gone)))


def within(query: Query, first: str, last: str) -> str:
    """The question between two months (YYYY-MM), in place of any other time."""
    others = tuple(one for one in query.filters if one.field not in _PERIODS)
    between = Filter("after", f"{first}-01"), Filter("before", last_day(last))
    return written(replace(query, filters=(*others, *between)))


def year_of(query: Query) -> str | None:
    """The year that the question is limited to, if it is one."""
    after, before = (_limit(query.filters, field) for field in _PERIODS)
    return after[:4] if after and before and after[:4] == before[:4] else None


def last_day(month: str) -> str:
    """The last day of a month."""
    first = date.fromisoformat(f"{month}-01")
    return ((first + timedelta(days=31)).replace(day=1) - timedelta(days=1)).isoformat()


def _limit(filters: Iterable[Filter], field: str) -> str | None:
    return next((one.value for one in filters if one.field == field and not one.excluded), None)


def _without(query: Query, *gone: Filter) -> tuple[Filter, ...]:
    return tuple(one for one in query.filters if one not in gone)


def _term(term: Term) -> str:
    text = str(term)
    star = "*" if term.prefix else ""
    return f"{text}{star}" if len(term.words) == 1 else f'"{text}"{star}'


def _filter(one: Filter) -> str:
    value = _date(one) if one.field in _PERIODS else one.value
    text = quoted(value) if any(sign.isspace() or sign == '"' for sign in value) else value
    return f"{'-' if one.excluded else ''}{one.field}:{text}"


def _date(one: Filter) -> str:
    """The shortest way to write the first or last day of a period."""
    day = one.value
    year, month = (
        (f"{day[:4]}-01-01", f"{day[:7]}-01") if one.field == "after" else (f"{day[:4]}-12-31", last_day(day[:7]))
    )
    return day[:4] if day == year else day[:7] if day == month else day
