"""The command line: every ending is a status and at most one line on standard error."""

import csv
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, fields
from pathlib import Path

import pytest
from index_fixtures import add_document
from rows import DOCUMENT, URL, filled

from luutru import commands
from luutru.answers import Page
from luutru.cli import luutru, main
from luutru.commands.sites import SiteShown
from luutru.output import plain, printable, size
from storage.collection import Collection
from storage.config import make
from storage.index.holdings import SiteState, Stats
from storage.index.questions import Held, Period, Shown, VersionLine
from storage.index.runs import AnyRun

HEAVY = ("scrapy", "trafilatura", "sqlalchemy", "twisted", "alembic", "rich", "lxml", "warcio")


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(tmp_path_factory.mktemp("home"))


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("LUUTRU_HOME", str(home))

    def run(*arguments: str) -> Ended:
        status = main(arguments)
        captured = capsys.readouterr()
        return Ended(status, captured.out, captured.err)

    return run


def child(*arguments: str, folder: Path, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "luutru", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder, env=environment)


def names(kind: type) -> list[str]:
    return [one.name for one in fields(kind) if one.metadata.get("json", True)]


# What starts


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from luutru.cli import main; status = main(['--help']);"
        f"print('LOADED', [name for name in {HEAVY} if name in sys.modules], status)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert out.endswith("LOADED [] 0\n")
    for name in luutru.list_commands(luutru.make_context("luutru", [], resilient_parsing=True)):
        assert re.search(rf"^  {name} +\S", out, re.MULTILINE)


def test_a_search_imports_neither_scrapy_nor_extraction(home: Path) -> None:
    code = (
        f"import sys; from luutru.cli import main; main(['--home', {str(home)!r}, 'search', 'đô thị']);"
        "print('LOADED', [n for n in ('scrapy', 'trafilatura', 'twisted', 'alembic', 'rich') if n in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert out.endswith("LOADED []\n")


def test_no_command_is_help(run: Run) -> None:
    assert run().status == 0
    assert run().out == run("--help").out


def test_version(run: Run) -> None:
    assert re.fullmatch(r"luutru \d+\.\d+\.\d+\n", run("--version").out)


@pytest.mark.parametrize("place", [0, 1])
def test_shared_options_stand_before_or_behind_the_name(run: Run, tmp_path: Path, place: int) -> None:
    make(tmp_path / "new")
    arguments = ["stats"]
    arguments[place:place] = ["--home", str(tmp_path / "new"), "--json"]
    assert run(*arguments).objects[0]["captures"] == 0
    assert run("stats", "--json").objects[0]["captures"] == 6


def test_shared_options_stand_in_all_places_of_a_group(run: Run) -> None:
    everywhere = [
        ("--json", "runs", "list"),
        ("runs", "--json", "list"),
        ("runs", "list", "--json"),
        ("runs", "--json"),
    ]
    assert len({run(*arguments).out for arguments in everywhere}) == 1


# What is wrong


@pytest.mark.parametrize(
    ("arguments", "status", "hint"),
    [
        (["serach"], 2, "did you mean search?"),
        (["--jsn"], 2, "--jsn"),
        (["search", "--lmit", "4"], 2, "--lmit"),
        (["search"], 2, "QUERY"),
        (["search", "x", "--limit", "0"], 2, "--limit"),
        (["search", "after:2024-13"], 2, "is not a date"),
        (["search", "đô", "--cursor", "nonsense"], 2, "cursor"),
        (["show", "nothing/1"], 1, "luutru search"),
        (["history", "nothing/1"], 1, "luutru search"),
        (["runs", "show", "nothing"], 1, "luutru runs"),
        (["runs", "lst"], 2, "lst"),
        (["sites", "show", "dangcongsn"], 2, "did you mean dangcongsan"),
        (["crawl", "dangcongsn"], 2, "did you mean dangcongsan"),
        (["crawl", "thst", "dangcongsn"], 2, "did you mean dangcongsan"),
        (["crawl", "http://"], 2, "not a web address"),
        (["crawl", "thst", "--set", "DERIV=off"], 2, "did you mean DERIVE?"),
        (["crawl", "thst", "--set", "DERIVE"], 2, "NAME=VALUE"),
        (["crawl", "thst", "--set", "contact=nobody"], 2, "mail address"),
        (["crawl", "thst"], 2, "contact"),
        (["sql", "DELETE FROM crawl"], 2, "readonly"),
        (["sql", "SELECT 1 AS a, 2 AS a", "--json"], 2, "AS"),
        (["sql", "SELECT 1", "--time-limit", "0"], 2, "--time-limit"),
        (["init"], 2, "is an archive already"),
        (["crawl", "thst", "--home", "/dev/null/x"], 4, "cannot be written"),
        (["stats", "--home", "/usr"], 2, "is not an archive of luutru"),
    ],
)
def test_an_error_is_one_line_and_its_status(run: Run, arguments: list[str], status: int, hint: str) -> None:
    ended = run(*arguments)
    assert (ended.status, ended.out) == (status, "")
    assert re.fullmatch(r"luutru: [^\n]+\n", ended.err)
    assert hint in ended.err


def test_a_wrong_configuration_stops_every_command(run: Run, tmp_path: Path) -> None:
    (tmp_path / "luutru.toml").write_text("\ncontcat = 1\n")
    for arguments in (["config"], ["stats"], ["search", "x"], ["crawl", "thst"], ["sites"]):
        ended = run(*arguments, "--home", str(tmp_path))
        assert ended.status == 2
        assert f"{tmp_path}/luutru.toml, line 2" in ended.err


def test_debug_shows_where_and_still_says_what(run: Run) -> None:
    ended = run("show", "nothing/1", "--debug")
    assert ended.status == 1
    assert "Traceback" in ended.err
    assert ended.err.splitlines()[-1].startswith("luutru: no document")


def test_a_fault_of_ours_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.index.holdings.stats", lambda _: 1 // 0)
    ended = run("stats")
    assert (ended.status, ended.out) == (1, "")
    assert re.fullmatch(r"luutru: unexpected ZeroDivisionError: [^\n]+ --debug [^\n]+\n", ended.err)


def test_an_index_of_a_newer_version_is_left_alone(run: Run, tmp_path: Path) -> None:
    home = filled(tmp_path / "new")
    import sqlite3

    with sqlite3.connect(home / "index.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    ended = run("stats", "--home", str(home))
    assert ended.status == 2
    assert "newer luutru" in ended.err


def test_a_reader_who_left_is_no_error(home: Path) -> None:
    statement = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000) SELECT i FROM n"
    for how in ("--csv", "--json"):
        command = [sys.executable, "-m", "luutru", "--home", str(home), "sql", how, statement]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.read(10)
            process.stdout.close()
            assert process.wait(60) == 0
            assert process.stderr.read() == b""


def test_closed_streams_are_no_error(home: Path) -> None:
    command = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-m", "luutru", "--home", str(home), "stats"]
    assert subprocess.run(command, timeout=60).returncode == 0


def test_an_output_that_cannot_be_written_is_a_storage_failure(home: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "luutru", "--home", str(home), "stats"]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert ended.returncode == 4
    assert re.fullmatch(r"luutru: [^\n]+\n", ended.stderr)


def test_an_interrupt_is_130(home: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    command = [sys.executable, "-m", "luutru", "--home", str(home), "sql", "--csv", endless]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.strip() == "luutru: interrupted"


def test_ctrl_c_within_the_database_is_130(home: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    code = (
        "import _thread, sys, threading; from luutru.cli import main;"
        "threading.Timer(0.5, _thread.interrupt_main).start();"
        f"sys.exit(main(['--home', {str(home)!r}, 'sql', {endless!r}]))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (130, "")


# What is answered


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (["show", DOCUMENT], names(Shown)),
        (["show", URL], names(Shown)),
        (["history", DOCUMENT], names(Period)),
        (["stats"], names(Stats)),
        (["runs"], names(AnyRun)),
        (["runs", "list", "thst"], names(AnyRun)),
        (["runs", "show", "c1"], names(AnyRun)),
        (["sites"], names(SiteState)),
        (["sites", "show", "dangcongsan"], names(SiteShown)),
        (["search", "đô thị"], names(Page)),
        (["config"], ["home", "values"]),
        (["sql", "SELECT 1 AS a"], ["columns", "rows"]),
    ],
)
def test_json_has_the_keys_of_the_answer_in_their_order(run: Run, arguments: list[str], keys: list[str]) -> None:
    ended = run(*arguments, "--json")
    assert (ended.status, ended.err) == (0, "")
    assert ended.objects
    assert [list(one) for one in ended.objects] == [keys] * len(ended.objects)


def test_json_within_json(run: Run) -> None:
    (shown,) = run("show", DOCUMENT, "--json").objects
    assert list(shown["captures"][0]) == names(Held)  # type: ignore[index]
    assert list(shown["versions"][0]) == names(VersionLine)  # type: ignore[index]
    (period, *_) = run("history", DOCUMENT, "--json").objects
    assert list(period["captures"][0]) == names(Held)  # type: ignore[index]
    (run_of_c1,) = run("runs", "show", "c1", "--json").objects
    assert run_of_c1["started"] == "2025-01-01T07:50:40.123456+00:00"
    assert run_of_c1["warnings"] == []


def test_json_keeps_the_letters(run: Run) -> None:
    assert '"title": "Đô thị loại I"' in run("show", DOCUMENT, "--json").out


def test_show_tells_people_the_text_and_where_the_proof_lies(run: Run) -> None:
    out = run("show", DOCUMENT).out
    assert out.startswith("Đô thị loại I\n")
    for part in (
        "Published:   2025-01-01 (read from: page)",
        "Section:     Trang chủ › Thời sự",
        "Authors:     An",
        "Version:     1 of 2",
        "\n\nDẫn.\n\nĐoạn một của Đô thị loại I.\n\nĐoạn hai.\n",
        f"\n20250103075040  200  revisit  {URL}\n",
        "  warc/dangcongsan/2025/a.warc.gz  offset 1300  length 500\n  sha1:AAAA  from 192.0.2.7\n",
    ):
        assert part in out


@pytest.mark.parametrize(
    "address",
    [
        "https://www.thst.vn/t/tin-cu",
        "http://soctrangtv.vn/t/tin-cu",
        "soctrangtv.vn:443/t/tin-cu?utm_source=x",
    ],
)
def test_an_address_that_was_never_captured_is_read_by_the_rules_of_its_site(run: Run, address: str) -> None:
    assert run("show", address, "--json").objects[0]["document"] == "thst/t/tin-cu"
    assert run("history", address, "--json").out == run("history", "thst/t/tin-cu", "--json").out


def test_history_tells_people_local_time(run: Run) -> None:
    lines = run("history", DOCUMENT).out.splitlines()
    assert [line.split()[0] for line in lines] == ["version", "1", "2", "1"]
    assert "2025-01-01 14:50" in lines[1]


def test_search_tells_people_hits_with_marks(run: Run) -> None:
    out = run("search", "do", "thi", "-sua").out
    assert out.startswith("2 documents\n")
    assert "dangcongsan/592693 · dangcongsan · 2025-01-01" in out
    assert "[Đô thị]" in out or "[Đô] [thị]" in out


def test_search_finds_what_is_gone_as_show_says_it(run: Run) -> None:
    for query, found in (("gone:yes", ["thst/t/tin-cu"]), ("-gone:no", ["thst/t/tin-cu"]), ("gone:no", [DOCUMENT])):
        (page,) = run("search", query, "--json").objects
        assert [hit["document"] for hit in page["results"]] == found  # type: ignore[attr-defined]


def test_search_names_the_number_of_the_version_and_pages(run: Run) -> None:
    (first,) = run("search", "đô thị", "--limit", "1", "--json").objects
    assert (first["total"], len(first["results"])) == (2, 1)  # type: ignore[arg-type]
    (second,) = run("search", "đô thị", "--limit", "1", "--json", "--cursor", str(first["next"])).objects
    assert second["next"] is None
    hits = [*first["results"], *second["results"]]  # type: ignore[misc]
    assert {(hit["document"], hit["versions"]) for hit in hits} == {(DOCUMENT, 2), ("thst/t/tin-cu", 1)}
    assert {hit["version"] for hit in hits} <= {1, 2}
    assert first["facets"]["site"] == [{"value": "dangcongsan", "count": 1}, {"value": "thst", "count": 1}]  # type: ignore[index]


def test_sql_in_all_three_forms(run: Run) -> None:
    statement = "SELECT version, title FROM versions WHERE site = 'dangcongsan' ORDER BY version"
    table = run("sql", statement).out.splitlines()
    assert [line.split(maxsplit=1) for line in table] == [
        ["version", "title"],
        ["1", "Đô thị loại I"],
        ["2", "Đô thị loại I (sửa)"],
    ]
    rows = list(csv.reader(io.StringIO(run("sql", "--csv", statement).out)))
    assert rows == [["version", "title"], ["1", "Đô thị loại I"], ["2", "Đô thị loại I (sửa)"]]
    (answer,) = run("sql", "--json", statement).objects
    assert answer["rows"] == [{"version": 1, "title": "Đô thị loại I"}, {"version": 2, "title": "Đô thị loại I (sửa)"}]


def test_sql_says_that_a_table_is_cut(run: Run) -> None:
    statement = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1001) SELECT i FROM n"
    ended = run("sql", statement)
    assert ended.out.splitlines()[-1].strip() == "1000"
    assert "--csv" in ended.err
    assert len(run("sql", "--csv", statement).out.splitlines()) == 1002


def test_sites_lists_those_defined(run: Run) -> None:
    listed = {one["site"]: one for one in run("sites", "--json").objects}
    assert {"dangcongsan", "thst", "soctrang-city", "soctrang-party"} <= set(listed)
    assert (listed["dangcongsan"]["captures"], listed["soctrang-city"]["captures"]) == (4, 0)
    assert listed["dangcongsan"]["hosts"]


def test_reading_executes_no_site_file(run: Run, tmp_path: Path) -> None:
    home = filled(tmp_path / "received")
    (home / "luutru.toml").write_text("own_sites = true\n")
    (home / "spiders").mkdir()
    (home / "spiders" / "my_own.py").write_text(
        f"from pathlib import Path\nPath({str(tmp_path / 'executed')!r}).touch()\n"
    )
    for arguments in (["sites"], ["sites", "show", "thst"], ["stats"], ["search", "x"], ["show", DOCUMENT], ["runs"]):
        assert run(*arguments, "--home", str(home)).status == 0
    assert "my-own" in run("sites", "--home", str(home)).out
    assert not (tmp_path / "executed").exists()
    assert run("crawl", "my-own", "--home", str(home)).status == 2
    assert (tmp_path / "executed").exists()


# What is configured


def test_init_makes_a_home_and_shows_it(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "new"
    ended = run(
        "init", "--home", str(path), "--operator", "Thư viện", "--contact", "a@example.org", "--token", "hidden"
    )
    assert ended.status == 0
    assert "hidden" not in ended.out
    assert 'contact = "a@example.org"' in (path / "luutru.toml").read_text("utf-8")
    (shown,) = run("config", "--json", "--home", str(path)).objects
    values = {one["name"]: one for one in shown["values"]}  # type: ignore[attr-defined]
    assert values["operator"] == {"name": "operator", "value": "Thư viện", "origin": f"{path / 'luutru.toml'}, line 5"}


def test_init_says_that_a_contact_is_missing(run: Run, tmp_path: Path) -> None:
    assert "names a contact" in run("init", "--home", str(tmp_path / "new")).out


def test_init_makes_nothing_of_a_wrong_value(run: Run, tmp_path: Path) -> None:
    ended = run("init", "--home", str(tmp_path / "new"), "--contact", "nobody")
    assert (ended.status, (tmp_path / "new").exists()) == (2, False)
    (tmp_path / "x").touch()
    assert run("init", "--home", str(tmp_path)).status == 2


def test_init_asks_on_a_terminal(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "luutru", "init", "--home", str(tmp_path / "new")]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        os.write(ours, "Thư viện\nnobody\na@example.org\n".encode())
        _, err = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 0, err
    content = (tmp_path / "new" / "luutru.toml").read_text("utf-8")
    assert 'operator = "Thư viện"' in content
    assert 'contact = "a@example.org"' in content
    assert "mail address" in err.decode()


def test_config_shows_what_set_would_change(run: Run) -> None:
    (shown,) = run("config", "--json", "--set", "DERIVE=off", "--set", "own_sites=yes").objects
    values = {one["name"]: (one["value"], one["origin"]) for one in shown["values"]}  # type: ignore[attr-defined]
    assert (values["DERIVE"], values["own_sites"]) == (("off", "--set"), (True, "--set"))


def test_the_default_home_is_archive_here(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LUUTRU_")}
    made = child("init", "--json", folder=tmp_path, environment=environment)
    assert (made.returncode, made.stderr) == (0, "")
    assert (tmp_path / "archive" / "luutru.toml").is_file()
    read = child("stats", "--json", folder=tmp_path, environment=environment)
    assert (read.returncode, read.stderr) == (0, "")


# What is written


def test_nothing_of_a_page_steers_the_terminal() -> None:
    assert printable("a\x1b[2Jb\x07\x9b\u202ec\nd\t") == "a�[2Jb���c\nd\t"


def test_every_answer_becomes_plain_values() -> None:
    assert plain({"a": (Path("x"), 1, None), "b": Held("1", "u", None, "w", 1, 2, None, "response", "ip")}) == {
        "a": ["x", 1, None],
        "b": {"timestamp": "1", "url": "u", "status": None, "warc": "w", "offset": 1, "length": 2}
        | {"payload_digest": None, "type": "response"},
    }


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (2_500_000_000_000, "2.5 TB")]
)
def test_sizes(count: int, text: str) -> None:
    assert size(count) == text


def test_commands_are_found_by_their_files() -> None:
    files = {path.stem for path in Path(commands.__path__[0]).glob("[!_]*.py")}
    assert set(luutru.list_commands(luutru.make_context("luutru", [], resilient_parsing=True))) == files


def on_a_terminal(home: Path, *arguments: str, columns: int) -> list[str]:
    """What a person sees, without colours."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "luutru", "--home", str(home), *arguments]
    with subprocess.Popen(
        command, stdout=theirs, stderr=theirs, env=os.environ | {"COLUMNS": str(columns), "TERM": "xterm"}
    ) as process:
        os.close(theirs)
        seen = b""
        with suppress(OSError):  # Linux says so when the other end is closed
            while read := os.read(ours, 4096):
                seen += read
        assert process.wait(60) == 0
    os.close(ours)
    return re.sub(r"\x1b\[[0-9;]*m", "", seen.decode()).splitlines()


def test_a_narrow_terminal_folds_long_texts_only(home: Path) -> None:
    lines = on_a_terminal(
        home, "sql", "SELECT 'a b' || text AS t, site, 1234567 AS n FROM versions LIMIT 1", columns=60
    )
    assert any(line.endswith("dangcongsan  1234567") for line in lines)
    assert len(lines) > 3
    assert all(len(line) <= 60 for line in lines)


def test_short_columns_are_whole_however_narrow_the_terminal(home: Path) -> None:
    (line,) = [one for one in on_a_terminal(home, "runs", columns=30) if one.startswith("c2")]
    assert line.split() == ["c2", "thst", "partial", "2025-01-03", "14:50", "2", "1"]


def test_matches_are_bold_on_a_terminal(home: Path) -> None:
    assert not any("[" in line for line in on_a_terminal(home, "search", "đô thị", columns=80))


def test_related_tells_who_had_a_text_first(run: Run) -> None:
    ended = run("related", DOCUMENT, "--json")
    assert (ended.status, ended.err) == (0, "")
    (found,) = ended.objects
    assert found == {
        "document": "thst/t/tin-cu",
        "site": "thst",
        "title": "Đô thị loại I",
        "published": None,
        "first_seen": "2025-01-04T07:50:40.123456+00:00",
        "similarity": 1.0,
        "first": {"document": DOCUMENT, "by": "captured"},
    }
    assert run("show", DOCUMENT, "--json").objects[0]["republications"] == [found]
    shown = run("related", URL).out
    assert re.search(rf"thst/t/tin-cu .* 1\.000 +{DOCUMENT} +captured +Đô thị loại I", shown)
    assert "not compared" not in shown


def test_related_says_where_there_is_nothing(run: Run) -> None:
    alone = run("related", "web:https://dangcongsan.vn/files/ke-hoach.pdf")
    assert (alone.status, alone.out) == (
        0,
        "no other document has the text of web:https://dangcongsan.vn/files/ke-hoach.pdf\n",
    )
    assert run("related", "nothing/1").status == 1
    assert run("related").status == 2


def test_search_numbers_a_version_among_those_of_its_document(tmp_path: Path, run: Run) -> None:
    with closing(Collection.open(tmp_path)) as collection, collection.index.write() as connection:
        add_document(connection, "một", "hai", "ba")
        add_document(connection, "bốn", "năm")
    (hit,) = run("--home", str(tmp_path), "search", "năm", "--json").objects[0]["results"]
    assert (hit["version"], hit["versions"]) == (2, 2)


def test_search_shows_republications_as_one_hit(run: Run) -> None:
    (page,) = run("search", "đô thị", "--distinct", "--json").objects
    assert isinstance(page["results"], list)
    assert [(one["document"], one["also"]) for one in page["results"]] == [("thst/t/tin-cu", [DOCUMENT])]
    assert page["total"] == 2
    assert f"also as {DOCUMENT}" in run("search", "đô thị", "--distinct").out
    (first,) = run("search", "đô thị", "--limit", "1", "--json").objects
    mixed = run("search", "đô thị", "--distinct", "--limit", "1", "--cursor", str(first["next"]))
    assert (mixed.status, "the cursor is not of this search" in mixed.err) == (2, True)
