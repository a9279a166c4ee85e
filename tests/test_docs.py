"""What is documented is there, and what is there is documented."""

import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
from rows import filled

from crawler.check import LayoutCheck, Matched, Reason, SiteCheck
from luutru import indexing
from luutru.answers import Citation, Count, Counts, Health, Page
from luutru.cli import luutru
from luutru.commands import SHARED
from luutru.commands.doctor import Examined
from luutru.commands.serve import Serving
from luutru.commands.sites import SiteShown
from luutru.comparison import Piece
from luutru.expecting import ExpectationsShown
from luutru.rebuild import Changed, Rederived, Skipped
from luutru.reindex import Reindexed
from luutru.revisiting import Pause, RevisitShown
from luutru.scheduling import Coming, JobShown
from schedules.sending import Delivery
from storage.backup import Backup
from storage.backup import Problem as NotCopied
from storage.config import Value
from storage.doctor import Check
from storage.errors import ArchiveError
from storage.exports.jsonl import Decided, Operation
from storage.exports.wacz import Problem as NotAsSealed
from storage.exports.wacz import Wacz
from storage.fixity import Report
from storage.index.attachments import Offered, Offering
from storage.index.conditions import Condition
from storage.index.health import Problem
from storage.index.hits import Hit
from storage.index.holdings import SiteState, Stats
from storage.index.questions import Held, Period, Shown, VersionLine
from storage.index.related import First, Republication
from storage.index.revisits import DueCount
from storage.index.runs import AnyRun
from storage.index.schedule import Run
from storage.index.sql import ask
from storage.index.views import VIEWS
from storage.index.withheld import Withholding
from storage.index.withholding import Reach, Released
from storage.model import Crawl, Drift, Expected, Image
from storage.problems import Kind as ProblemKind
from storage.problems import Problem as FixityProblem
from storage.upkeep import Upkeep

DOCS = Path(__file__).parent.parent / "docs"
CLI = (DOCS / "cli.md").read_text("utf-8")
DATABASE = (DOCS / "database.md").read_text("utf-8")


def sections(text: str) -> dict[str, str]:
    """What stands under each heading, up to the next one."""
    parts = re.split(r"^#{2,3} (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def tree(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    if name != "luutru":
        yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from tree(found, f"{name} {below}")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


COMMANDS = dict(tree(luutru, "luutru"))
SECTIONS = sections(CLI)
VIEW_SECTIONS = sections(DATABASE)
EXAMPLES = blocks(DATABASE, "sql")


def options(command: click.Command) -> set[str]:
    own = [one for one in command.params if isinstance(one, click.Option) and one not in SHARED]
    return {name for one in own for name in one.opts}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_its_options_are_documented(name: str) -> None:
    documented = set(re.findall(r"^\| `(--[a-z-]+)", SECTIONS[name], re.MULTILINE))
    assert documented == options(COMMANDS[name])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_says_what_it_is_for(name: str) -> None:
    assert COMMANDS[name].help
    assert all(one.help for one in COMMANDS[name].params if isinstance(one, click.Option))


def test_only_commands_that_exist_are_documented() -> None:
    assert {name for name in SECTIONS if name.startswith("luutru ")} == set(COMMANDS)


def test_shared_options_are_documented() -> None:
    documented = set(re.findall(r"^\| `(--[a-z]+)", SECTIONS["Shared options"], re.MULTILINE))
    assert documented == {name for one in SHARED for name in one.opts} | {"--help", "--version"}


def test_every_exit_status_is_documented() -> None:
    def statuses(error: type[ArchiveError]) -> set[int]:
        return {error.status}.union(*map(statuses, error.__subclasses__()))

    documented = set(map(int, re.findall(r"^\| (\d+) \|", SECTIONS["Exit status"], re.MULTILINE)))
    assert documented == statuses(ArchiveError) | {0, 130}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("luutru sites list", SiteState),
        ("luutru sites show", SiteShown),
        ("luutru sites check", SiteCheck),
        ("luutru crawl", Crawl),
        ("luutru runs list", AnyRun),
        ("luutru schedule list", JobShown),
        ("luutru schedule run", Run),
        ("luutru search", Page),
        ("luutru show", Shown),
        ("luutru history", Period),
        ("luutru related", Republication),
        ("luutru stats", Stats),
        ("luutru health", Health),
        ("luutru rederive", Rederived),
        ("luutru reindex", Reindexed),
        ("luutru cite", Citation),
        ("luutru verify", Report),
        ("luutru backup", Backup),
        ("luutru upkeep", Upkeep),
        ("luutru doctor", Examined),
        ("luutru serve", Serving),
        ("luutru export jsonl", Operation),
        ("luutru export wacz", Wacz),
        ("luutru withhold", Reach),
        ("luutru withheld", Withholding),
        ("luutru release", Released),
    ],
)
def test_documented_json_has_the_keys_of_the_answer(name: str, kind: type) -> None:
    (example,) = blocks(SECTIONS[name], "json")
    check(json.loads(example), kind)


def test_other_documented_json() -> None:
    (example,) = blocks(SECTIONS["luutru config"], "json")
    assert list(json.loads(example)) == ["home", "values"]
    check(json.loads(example)["values"][0], Value)
    (example,) = blocks(SECTIONS["luutru diff"], "json")
    assert list(json.loads(example)) == ["document", "from", "to", "changes"]
    check(json.loads(example)["changes"][0], Piece)
    revisit, expectations = blocks(SECTIONS["luutru sites show"], "text")
    check(json.loads(revisit), RevisitShown)
    check(json.loads(expectations), ExpectationsShown)
    check(json.loads(expectations)["expectations"][0], Expected)
    (example,) = blocks(SECTIONS["luutru export jsonl"], "text")
    check(json.loads(example), Decided)
    (example,) = blocks(SECTIONS["luutru schedule test-alert"], "json")
    for one in json.loads(example)["deliveries"]:
        check(one, Delivery)
    (example,) = blocks(SECTIONS["luutru schedule next"], "json")
    check(json.loads(example)["runs"][0], Coming)
    (example,) = blocks(SECTIONS["luutru sql"], "json")
    assert list(json.loads(example)) == ["columns", "rows"]
    assert list(json.loads(example)["rows"][0]) == json.loads(example)["columns"]


WITHIN: dict[tuple[type, str], type] = {
    (Health, "problems"): Problem,
    (Health, "sites"): Condition,
    (Condition, "expectations"): Expected,
    (Condition, "drift"): Drift,
    (SiteCheck, "reasons"): Reason,
    (SiteCheck, "layouts"): LayoutCheck,
    (LayoutCheck, "matched"): Matched,
    (Page, "results"): Hit,
    (Page, "facets"): Counts,
    (Counts, "site"): Count,
    (Counts, "section"): Count,
    (Counts, "month"): Count,
    (Rederived, "changes"): Changed,
    (Reindexed, "problems"): indexing.Problem,
    (Rederived, "skipped"): Skipped,
    (Shown, "images"): Image,
    (Shown, "attachments"): Offered,
    (Shown, "articles"): Offering,
    (Hit, "articles"): Offering,
    (Shown, "versions"): VersionLine,
    (Shown, "captures"): Held,
    (Shown, "republications"): Republication,
    (Republication, "first"): First,
    (Period, "captures"): Held,
    (Report, "problems"): FixityProblem,
    (Backup, "problems"): NotCopied,
    (Wacz, "problems"): NotAsSealed,
    (Examined, "checks"): Check,
    (RevisitShown, "policy"): Pause,
    (RevisitShown, "due"): DueCount,
}


def check(value: dict[str, Any], kind: type) -> None:
    assert list(value) == [one.name for one in fields(kind) if one.metadata.get("json", True)]
    for name, below in value.items():
        if (kind, name) in WITHIN:
            for one in below if isinstance(below, list) else [below]:
                check(one, WITHIN[kind, name])
        else:
            assert not isinstance(below, dict) or (kind, name) in {(Rederived, "reasons"), (Examined, "versions")}


def test_every_kind_of_problem_is_documented() -> None:
    documented = re.findall(r"^\| ((?:`[a-z-]+`(?:, )?)+) \|", SECTIONS["luutru verify"], re.MULTILINE)
    names = [name for cell in documented for name in re.findall(r"`([a-z-]+)`", cell) if not name.startswith("--")]
    assert names == [kind.value for kind in ProblemKind]


def test_the_shapes_are_those_that_were_agreed() -> None:
    agreed = {
        Crawl: "crawl, site, outcome, started, finished, captures, revisits, requisites, attempts, bytes, "
        "documents_new, documents_changed, documents_unchanged, errors, warnings",
        Page: "total, results, facets, next",
        Hit: "document, url, site, title, lead, published, section, snippet, score, version, versions, captured, "
        "kind, articles, also",
        Shown: "document, kind, url, addresses, site, title, lead, text, authors, published, published_from, modified, "
        "section, tags, views, language, images, attachments, articles, reason, method, confidence, "
        "version, versions, captures, republications, gone, gone_since",
        Held: "timestamp, url, status, warc, offset, length, payload_digest, type",
        Republication: "document, site, title, published, first_seen, similarity, first",
        Period: "version, first_seen, last_seen, title, digest, reread, captures",
        SiteState: "site, name, hosts, captures, documents, versions, first, last, last_outcome, next",
        Health: "ok, problems, sites, free",
        Problem: "site, kind, since, detail",
        Stats: "sites, captures, revisits, documents, versions, files, bytes, first, last",
        Report: "files, records, captures, problems",
        FixityProblem: "kind, warc, offset, detail",
    }
    for kind, keys in agreed.items():
        assert ", ".join(one.name for one in fields(kind) if one.metadata.get("json", True)) == keys


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(tmp_path_factory.mktemp("home")) / "index.db"


@pytest.mark.parametrize("view", VIEWS)
def test_every_column_of_every_view_is_documented(index: Path, view: str) -> None:
    with ask(index, f"SELECT * FROM {view}", 10) as answer:
        assert re.findall(r"^\| `(\w+)` \|", VIEW_SECTIONS[view], re.MULTILINE) == list(answer.columns)


def test_only_views_that_exist_are_documented() -> None:
    assert set(VIEW_SECTIONS) == set(VIEWS)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_answers(index: Path, example: str) -> None:
    with ask(index, example, 10) as answer:
        assert next(answer.rows)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_answers_without_anything_of_ours(index: Path, example: str) -> None:
    connection = sqlite3.connect(f"{index.as_uri()}?mode=ro", uri=True)
    assert connection.execute(example).fetchall()
    connection.close()


def test_duckdb_reads_the_views(index: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    try:
        connection.execute("LOAD sqlite")
    except duckdb.Error as error:
        pytest.skip(f"DuckDB without its SQLite extension: {error}")
    connection.execute(f"ATTACH '{index}' AS a (TYPE sqlite, READ_ONLY)")
    for view in VIEWS:
        assert connection.execute(f"SELECT count(*) FROM a.{view}").fetchone()[0] > 0
    connection.close()
