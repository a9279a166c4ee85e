"""How well a site was read, week by week: what people see of drift. Moments are text, as the index keeps them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BindParameter, Connection, String, and_, bindparam, case, func, or_, select, union_all

from storage.index.facts import COUNTS, IS_ARTICLE, PAGES
from storage.index.tables import capture, reading
from storage.moments import written

WEEKS = 26
_LOOKED_AT = 100  # pages of a week, the newest: enough to see a share, however many there are
_FEW = 10  # pages of which a share is told
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Week:
    """The share of a week's newest pages of articles that the site's layout or memory read; None where few came."""

    until: str
    share: float | None


def _end(number: int) -> BindParameter[str]:
    return bindparam(f"end{number}", type_=String)


_weeks = union_all(
    *(select(_end(number).label("since"), _end(number + 1).label("until")) for number in range(WEEKS))
).cte("weeks")
_IS_KNOWN = or_(*(reading.c.method.like(f"{way}%") for way in ("layout:", "anchors:", "memory")))
_pages = (
    select(case((and_(reading.c.reason.is_(None), _IS_KNOWN), 1.0), else_=0.0).label("is_known"))
    .select_from(capture)
    .join(reading, reading.c.capture == capture.c.id)
    .where(capture.c.site == bindparam("of"), PAGES, IS_ARTICLE, COUNTS)
    .where(or_(reading.c.reason.is_not(None), reading.c.method.is_not(None)))  # which early readings do not say
    .where(capture.c.date >= _weeks.c.since, capture.c.date < _weeks.c.until)
    .order_by(capture.c.date.desc())
    .limit(_LOOKED_AT)
    .correlate(_weeks)
    .subquery()
)
_share = select(case((func.count() >= _FEW, func.avg(_pages.c.is_known)))).select_from(_pages).scalar_subquery()
_ALL_WEEKS = select(_weeks.c.until, _share).order_by(_weeks.c.until)


def weeks(connection: Connection, site: str, now: datetime) -> tuple[Week, ...]:
    """The last 26 weeks of a site, the earliest first; empty where nothing can be told of any."""
    ends = {f"end{number}": written(now - (WEEKS - number) * _WEEK) for number in range(WEEKS + 1)}
    found = tuple(Week(until, share) for until, share in connection.execute(_ALL_WEEKS, {"of": site, **ends}).all())
    return found if any(one.share is not None for one in found) else ()
