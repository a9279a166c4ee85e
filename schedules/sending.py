"""Messages to people, delivered by apprise in processes of their own that may be ended at any instant.

Addresses of services hold passwords and tokens: they reach such a process on its standard input, and come back neither
in what it writes nor in an error. A service is named by its place in the list and its scheme.
"""

import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from time import monotonic

from storage.errors import UsageError

PATIENCE = 20.0  # seconds for all services together
_STATUS = re.compile(r"error=(\d{3})\b")  # as apprise logs an answer of HTTP: of its words, nothing else is passed on


@dataclass(frozen=True, slots=True)
class Message:
    """What people are told; `kind` is a word of apprise's: info, success, warning, failure."""

    title: str
    body: str
    kind: str = "info"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Whether a service took a message; `reason` says why not."""

    service: str
    delivered: bool
    reason: str | None = None


def require_apprise() -> None:
    """Raise UsageError where it is not installed."""
    if find_spec("apprise") is None:
        raise UsageError("alerts are sent by apprise, which is not installed: pip install 'luutru[alerts]'")


def send(addresses: Sequence[str], message: Message, patience: float = PATIENCE) -> tuple[Delivery, ...]:
    """Give a message to each of the services, at once; returns within `patience` seconds and a little.

    Raises UsageError where apprise is not installed.
    """
    require_apprise()
    deadline = monotonic() + patience
    with ExitStack() as children:
        sending = [children.enter_context(_child(address, message)) for address in addresses]
        reasons = [_told(child, deadline) for child in sending]
    names = (f"{number} ({one.partition('://')[0]})" for number, one in enumerate(addresses, 1))
    return tuple(Delivery(name, not reason, reason) for name, reason in zip(names, reasons, strict=True))


@contextmanager
def _child(address: str, message: Message) -> "Iterator[subprocess.Popen[str]]":
    """The process that gives a message to one service; it is gone when the context is left."""
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "schedules.sending"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # what others say there may hold addresses
        text=True,
        start_new_session=True,  # an interrupt of the terminal is for the parent, which waits for so short a time
    ) as child:
        try:
            with suppress(BrokenPipeError):  # it has died
                child.stdin.write(json.dumps([address, asdict(message)]))  # type: ignore[union-attr]
                child.stdin.close()  # type: ignore[union-attr]
            yield child
        finally:
            child.kill()


def _told(child: "subprocess.Popen[str]", deadline: float) -> str | None:
    """Why the service did not take the message; None when it did."""
    try:
        child.wait(max(0, deadline - monotonic()))
    except subprocess.TimeoutExpired:
        return "no answer in time"
    told = child.stdout.read()  # type: ignore[union-attr]
    return json.loads(told.splitlines()[-1]) if told else f"apprise failed: status {child.returncode}"


class _Heard(logging.Handler):
    """What apprise logs, kept."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def _deliver(address: str, message: Message) -> str | None:
    """In the process of its own: why the service did not take the message; None when it did."""
    from apprise import Apprise, NotifyFormat, NotifyType

    heard = _Heard()
    logging.getLogger("apprise").addHandler(heard)
    service = Apprise()
    if not service.add(address):
        return "apprise does not know such an address: see its documentation"
    kind = NotifyType(message.kind)
    if service.notify(message.body, message.title, notify_type=kind, body_format=NotifyFormat.TEXT):
        return None
    answered = _STATUS.findall("\n".join(heard.lines))
    return f"it answered {answered[-1]}" if answered else "it was not reached, or refused"


if __name__ == "__main__":
    _address, _message = json.load(sys.stdin)
    print(json.dumps(_deliver(_address, Message(**_message))))  # noqa: T201
