"""How a crawl ended, judged from what it counted: pure."""

from dataclasses import dataclass

from storage.model import Outcome

_NAMED = 5  # examples in a warning


@dataclass(frozen=True, slots=True)
class Account:
    """What a crawl counted."""

    answered: int = 0  # pages that came whole with status 200, or 304
    failed: tuple[str, ...] = ()  # pages that never answered, with the reason
    failed_requisites: int = 0
    lost: tuple[str, ...] = ()  # rows that could not be written
    unread: tuple[str, ...] = ()  # captures that could not be derived
    refusals: tuple[str, ...] = ()  # servers that sent the crawl away, with the reason
    unasked: tuple[str, ...] = ()  # servers whose robots.txt could not be had
    forbidden: int = 0  # addresses that must not be asked for
    silent: int = 0  # attempts in a row without an answer, after which the crawl ended
    left: int = 0  # addresses that wait because the limit of pages was reached
    drift: tuple[str, ...] = ()  # how the site has left its own range, one sentence each
    unexpected: tuple[str, ...] = ()  # how the crawl is not as expected, one sentence each
    paused: float = 0.0  # seconds for which a disk was nearly full
    interrupted: bool = False
    storage: str | None = None  # why nothing more could be stored

    @property
    def errors(self) -> int:
        """Everything that went wrong and should not have."""
        return sum(map(len, (self.failed, self.lost, self.unread, self.unasked))) + self.failed_requisites


def judge(account: Account) -> Outcome:
    """The outcome; nothing is completed that gave no page."""
    if account.storage:
        return Outcome.FAILED
    if account.interrupted:
        return Outcome.INTERRUPTED
    if account.refusals or (account.forbidden and not account.answered and not account.failed):
        return Outcome.REFUSED
    if not account.answered:
        return Outcome.FAILED
    if account.failed or account.lost or account.unread or account.unasked or account.silent:
        return Outcome.PARTIAL
    if account.drift or account.unexpected:
        return Outcome.PARTIAL
    return Outcome.COMPLETED


def warnings(account: Account) -> tuple[str, ...]:
    """What a person should know, one sentence each."""
    told = [
        *account.refusals,
        *_some(account.unasked, "server", "not asked, since robots.txt could not be had"),
        *_some(account.failed, "page", "without an answer"),
        *_some(account.lost, "row", "that could not be written"),
        *_some(account.unread, "capture", "that could not be read"),
        *([account.storage] if account.storage else []),
    ]
    told += [f"the site has changed: {one}" for one in account.drift]
    told += [f"not as expected: {one}" for one in account.unexpected]
    if account.failed_requisites:
        told.append(f"{_counted(account.failed_requisites, 'requisite')} without an answer")
    if account.forbidden and not account.answered and not account.unasked:
        told.append(f"{_counted(account.forbidden, 'address')} refused, by robots.txt or as no public address")
    if account.silent:
        told.append(f"ended after {account.silent} attempts in a row without an answer; the next crawl goes on")
    if account.paused:
        told.append(f"paused for {account.paused:,.0f} s, since the disk was nearly full")
    if account.left:
        told.append(f"stopped at the limit of pages: {_counted(account.left, 'address')} still waiting")
    if not account.answered and not account.failed and not account.interrupted:
        told.append("no page was captured")
    return tuple(told)


def _some(reasons: tuple[str, ...], one: str, what: str) -> list[str]:
    if not reasons:
        return []
    more = ", …" if len(reasons) > _NAMED else ""
    return [f"{_counted(len(reasons), one)} {what}: {', '.join(reasons[:_NAMED])}{more}"]


def _counted(number: int, one: str) -> str:
    plural = "es" if one.endswith("s") else "s"
    return f"{number} {one}{plural if number != 1 else ''}"
