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
    if account.failed or account.lost or account.unread or account.unasked:
        return Outcome.PARTIAL
    return Outcome.COMPLETED


def warnings(account: Account) -> tuple[str, ...]:
    """What a person should know, one sentence each."""
    told = [
        *account.refusals,
        *_some(account.unasked, "servers were not asked, since nobody knows what they allow"),
        *_some(account.failed, "pages did not answer"),
        *_some(account.lost, "rows could not be written"),
        *_some(account.unread, "captures could not be read"),
        *([account.storage] if account.storage else []),
    ]
    if account.failed_requisites:
        told.append(f"{account.failed_requisites} requisites did not answer")
    if account.forbidden and not account.answered:
        told.append(f"{account.forbidden} addresses are refused, by robots.txt or as no public address")
    if not account.answered and not account.failed and not account.interrupted:
        told.append("no page was captured")
    return tuple(told)


def _some(reasons: tuple[str, ...], what: str) -> list[str]:
    if not reasons:
        return []
    more = ", …" if len(reasons) > _NAMED else ""
    return [f"{len(reasons)} {what}: {', '.join(reasons[:_NAMED])}{more}"]
