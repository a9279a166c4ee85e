"""No crawl reaches where it must not: canaries on loopback hear nothing, and nothing is sent to any other range.

Where a failing guard would send something beyond this machine, the layer that connects is replaced by one that records
and refuses, and names are resolved by a table.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any

import pytest
from homes import HASTE, NOT_THERE, Home, Page, Web, article
from oracle import has_ipv6
from test_guard import REFUSED

from crawler.run import crawl
from crawler.sites import Listing, Site
from storage.collection import Collection
from storage.config import Config
from storage.model import Outcome

SITE = """
SITE = Site(
    key="site",
    name="Site",
    hosts=("site.test", "127.0.0.1", "127.0.0.2", "[::1]", "[::ffff:7f00:1]", "localhost"),
    seeds=(Listing("http://site.test/"),),
    follow_all=True,
)
"""


@pytest.fixture
def canaries() -> Iterator[dict[str, socket.socket]]:
    """Sockets that listen on loopback, by the host of an address."""
    with ExitStack() as stack:
        made = {}
        for host in ["127.0.0.1", "127.0.0.2"] + (["::1"] if has_ipv6() else []):
            canary = stack.enter_context(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET))
            canary.bind((host, 0))
            canary.listen()
            canary.setblocking(False)
            made[f"[{host}]" if ":" in host else host] = canary
        yield made


def leading(targets: list[str]) -> Web:
    """A web whose start page names each target by a link, a picture and a redirect."""

    def answer(host: str, path: str) -> Page:
        if path == "/":
            links = "".join(
                f'<a href="{one}link">a</a><img src="{one}picture.png"><a href="/{number}">b</a>'
                for number, one in enumerate(targets)
            )
            return Page(article("Bài", "Một.", links=links))
        if path[1:].isdigit():
            return Page(status=302, headers={"Location": f"{targets[int(path[1:])]}redirect"})
        return NOT_THERE

    return Web(answer)


def test_canaries_hear_nothing(tmp_path: Path, canaries: dict[str, socket.socket]) -> None:
    home = Home.of(tmp_path / "home", site=SITE)
    targets = [f"http://{host}:{canary.getsockname()[1]}/" for host, canary in canaries.items()]
    port = canaries["127.0.0.1"].getsockname()[1]
    targets += [f"http://{name}:{port}/" for name in ("localhost", "[::ffff:127.0.0.1]")]
    with leading(targets) as web:
        neighbour = web.at("site.test").split(":", 2)[2]  # where the mapping leads is not permitted by itself
        targets.append(f"http://{neighbour}/")
        told = home.crawl("site", web.at("site.test"), DERIVE="off", RETRY_TIMES=0)
    assert told["outcome"] == "completed"
    assert {host for host, _ in web.asked} == {"site.test"}
    for canary in canaries.values():
        with pytest.raises(BlockingIOError):  # nobody has come
            canary.accept()
    rows = home.rows("SELECT url, error FROM frontier WHERE state = 'refused'")
    assert len(rows) == 3 * len(targets)
    assert all(row["error"].startswith("refused to connect to ") for row in rows)
    assert home.rows("SELECT count(*) AS n FROM frontier WHERE state NOT IN ('refused', 'done')") == [{"n": 0}]
    account = home.account(told["crawl"])
    assert {one["url"] for one in account["unanswered"]} == {row["url"] for row in rows}


class Cage:
    """Stands for the network: knows where names lead, lets connections through to one place, and records the others."""

    def __init__(self, names: dict[str, list[str]], open_to: tuple[str, int]) -> None:
        self.names = names
        self.open_to = open_to
        self.tried: list[str] = []

    def put_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        cage, loop = self, asyncio.SelectorEventLoop
        connect = loop.sock_connect

        async def sock_connect(self: Any, sock: socket.socket, address: Any) -> None:
            if address[:2] != cage.open_to:
                cage.tried.append(address[0])
                raise ConnectionRefusedError(111, "caged")
            await connect(self, sock, address)

        async def getaddrinfo(_loop: Any, host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
            found = cage.names.get(host, [host])
            return [(ip_address(one).version, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

        monkeypatch.setattr(loop, "sock_connect", sock_connect)
        monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)


def test_nothing_is_sent_to_any_other_range(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each range as a literal address, as the one address of a name, and beside a public one."""
    names = {f"n{number}.test": [one] for number, one in enumerate(REFUSED)}
    names |= {f"m{number}.test": ["8.8.8.8", one] for number, one in enumerate(REFUSED)}
    literal = sorted({written(one) for one in REFUSED if "%" not in one})
    forbidden = [*names, *literal]
    names["public.test"] = ["8.8.8.8", "2001:4860:4860::8888"]
    targets = [f"http://{host}/" for host in [*forbidden, "public.test"]]
    site = Site(
        "site", "Site", ("site.test", "public.test", *forbidden), (Listing("http://site.test/"),), follow_all=True
    )
    monkeypatch.setattr("crawler.run.configure_logging", lambda _: None)
    with leading(targets) as web:
        mapping = web.at("site.test")
        cage = Cage(names, ("127.0.0.1", int(mapping.rpartition(":")[2])))
        cage.put_over(monkeypatch)
        settings = {name: str(value) for name, value in HASTE.items()} | {"DERIVE": "off", "RETRY_TIMES": "0"}
        collection = Collection.open(
            tmp_path / "home", Config.load(tmp_path / "home", {"contact": "luutru@example.org"})
        )
        ended = crawl(
            lambda: site, collection, connect_to=(mapping,), settings=settings | {"CONCURRENT_REQUESTS": "16"}
        )
        collection.close()
    assert set(cage.tried) == set(names["public.test"])  # what may be asked was tried: the cage is where it should be
    assert {host for host, _ in web.asked} == {"site.test"}
    refused = Home(tmp_path / "home").rows("SELECT url, error FROM frontier WHERE state = 'refused'")
    ways = ("link", "picture.png", "redirect")
    guarded = {row["url"] for row in refused if row["error"].startswith("refused to connect to ")}
    assert guarded == {f"http://{host}/{way}" for host in forbidden for way in ways}
    # Nobody answers at public.test, not even for robots.txt: its pages are left alone, and the outcome says so.
    left_alone = {row["url"] for row in refused if row["error"].startswith("robots.txt gave no answer")}
    assert left_alone == {f"http://public.test/{way}" for way in ways}
    assert len(refused) == len(guarded | left_alone)
    assert ended.outcome is Outcome.PARTIAL


def written(address: str) -> str:
    """An address as the host of a canonical URL."""
    ip = ip_address(address)
    return f"[{ip.compressed}]" if isinstance(ip, IPv6Address) else str(ip)


def test_without_a_contact_strangers_are_not_even_looked_up(tmp_path: Path) -> None:
    with leading(["http://stranger.test/"]) as web:
        home = Home.of(tmp_path / "home", site=SITE.replace("localhost", "stranger.test"))
        (home.path / "luutru.toml").write_text("own_sites = true\n")
        told = home.crawl("site", web.at("site.test"), DERIVE="off", RETRY_TIMES=0)
    errors = {row["error"] for row in home.rows("SELECT error FROM frontier WHERE state = 'refused'")}
    assert told["outcome"] == "completed"
    assert len(errors) == 1
    assert "without a contact only what --connect-to names is asked" in errors.pop()
