"""The real command against a server whose every byte is known: what stands in the WARC files, and in the index."""

import base64
import hashlib
import re
import shutil
import socket
import subprocess
import sysconfig
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from homes import Home, Member
from oracle import CASES, HOST, LIMIT, LISTED, TURNS, Case, Oracle, Said

from storage.fields import decode_metadata

SITE = """
SITE = Site(
    key="oracle",
    name="Oracle",
    hosts=("oracle.test",),
    seeds=tuple(map(Listing, {seeds})),
    rules=(Rule(r"oracle\\.test/list", Kind.LIST), Rule(r"oracle\\.test/(?!slow|silent|p/).*", Kind.PAGE)),
)
"""
SCHEMES = ("http", "https")
LATE = ("slow", "slow-close", "silent")
LATEST = 8  # seconds: a busy machine must have connected and read what there is to read within them
RUNS = (*SCHEMES, "late")
AGAIN = {name for name, case in CASES.items() if case.error and case.truncated != "length"} | {"500", "flaky"}
FRAMING = {"interim", "chunk-extension", "trailer", "surplus"}
ANSWERS = ("response", "revisit", "resource")


@dataclass(frozen=True)
class Attempt:
    """The records of one exchange."""

    answer: Member | None
    request: Member
    metadata: Member


@dataclass(frozen=True)
class Made:
    """One crawl of everything the oracle answers."""

    home: Home
    oracle: Oracle
    told: Any  # by the command
    records: list[Member]
    attempts: dict[str, list[Attempt]]  # by address, in the order of their dates

    def by_id(self, record_id: str) -> Member:
        (found,) = (one for one in self.records if one["WARC-Record-ID"] == record_id)
        return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Made]]:
    """Crawls side by side: one over each scheme, and one of what answers too late.

    Where nobody listens is a seed of each of the first two; only `http` asks for robots.txt.
    """
    lists = {scheme: [f"{scheme}://{HOST}/list", f"{scheme}://{HOST}:8099/nobody-listens"] for scheme in SCHEMES}
    late = [f"{scheme}://{HOST}/{name}" for scheme in SCHEMES for name in LATE]
    given: dict[str, tuple[list[str], dict[str, Any]]] = {
        "http": (lists["http"], {}),
        "https": (lists["https"], {"ROBOTSTXT_OBEY": False}),
        "late": (late, {"ROBOTSTXT_OBEY": False, "DOWNLOAD_TIMEOUT": LATEST}),
    }
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        oracles = [stack.enter_context(Oracle(tmp_path_factory.mktemp(run))) for run in RUNS]
        homes = [tmp_path_factory.mktemp("home") / "home" for _ in RUNS]
        runs = pool.map(lambda run, home, oracle: crawled(home, oracle, *given[run]), RUNS, homes, oracles)
        yield dict(zip(RUNS, runs, strict=True))


def crawled(path: Path, oracle: Oracle, seeds: list[str], given: dict[str, Any]) -> Made:
    home = Home.of(path, oracle=SITE.format(seeds=seeds))
    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        told = home.crawl(
            "oracle",
            *oracle.connect_to,
            f"{HOST}:8099:127.0.0.1:{nobody.getsockname()[1]}",
            environment={"SSL_CERT_FILE": str(oracle.authority)},
            DOWNLOAD_MAXSIZE=LIMIT,
            RETRY_TIMES=1,
            **given,
        )
    records = home.members()
    return Made(home, oracle, told, records, attempts(records))


def attempts(records: list[Member]) -> dict[str, list[Attempt]]:
    groups: dict[str, dict[str, Member]] = defaultdict(dict)
    for one in records:
        if one.type != "warcinfo" and not one.uri.startswith("urn:"):
            groups[one.get("WARC-Concurrent-To") or one["WARC-Record-ID"]][one.type] = one
    found: dict[str, list[Attempt]] = defaultdict(list)
    for group in groups.values():
        answer = [group.pop(kind) for kind in ANSWERS if kind in group]
        attempt = Attempt(answer[0] if answer else None, group.pop("request"), group.pop("metadata"))
        assert not group
        assert len(answer) < 2
        found[attempt.request.uri].append(attempt)
    return {uri: sorted(ones, key=lambda one: one.request["WARC-Date"]) for uri, ones in found.items()}


def sha1(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


def split(block: bytes) -> tuple[bytes, bytes]:
    """Head and body of a stored answer, as lenient as the case with bare line feeds needs."""
    end = re.search(rb"\n\r?\n", block)
    assert end
    return block[: end.end()], block[end.end() :]


def case_of(name: str, turn: int, said: Said) -> Case:
    if name in TURNS:
        return CASES[TURNS[name][min(turn, len(TURNS[name]) - 1)]]
    return CASES["no-answer"] if name == "stale" and not said.answer else CASES[name]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", [*LISTED, "redirect-2"])
def test_every_attempt_is_kept_as_it_was(made: dict[str, Made], name: str, scheme: str) -> None:
    run = made["late" if name in LATE else scheme]
    kept = run.attempts[f"{scheme}://{HOST}/{name}"]
    heard = [said for said in run.oracle.heard(f"/{name}") if said.scheme == scheme]
    assert len(heard) == len(kept)
    if name not in ("stale", "no-answer"):  # what closes a kept connection without a byte is asked once more at once
        assert len(heard) == (2 if name in AGAIN else 1), [one.metadata.block for one in kept]
    for turn, (attempt, said) in enumerate(zip(kept, heard, strict=True)):
        assert attempt.request.block == said.request
        assert_kept(run, attempt, case_of(name, turn, said), scheme)


def assert_kept(run: Made, attempt: Attempt, case: Case, scheme: str) -> None:
    assert_answer(run, attempt.answer, case)
    told = decode_metadata(attempt.metadata.block)
    assert tuple(note for note in told.notes if note[0] in FRAMING) == case.notes
    assert tuple(name for name, _ in told.notes if name in {"framing", "content-length", "tls-problem"}) == case.names
    assert bool(told.error) is case.error
    for record in (attempt.answer, attempt.request, attempt.metadata):
        if record:
            assert record["WARC-IP-Address"] == "127.0.0.1"
            assert (record.get("WARC-Cipher-Suite") is not None) is (scheme == "https")
            assert ("warc-protocol", "tls/1.3") in record.lines or scheme == "http"


def assert_answer(run: Made, answer: Member | None, case: Case) -> None:
    if not case.head + case.body:
        assert answer is None
        return
    assert answer
    body = case.body
    if answer.type == "revisit":
        original = run.by_id(answer["WARC-Refers-To"])
        assert (original.type, split(original.block)[1]) == ("response", case.body)
        body = b""
    else:
        assert answer.get("WARC-Truncated") == case.truncated
        assert answer.type == ("response" if case.head else "resource")
    assert answer.block == case.head + body
    assert answer["Content-Type"] == ("application/http;msgtype=response" if case.head else "application/octet-stream")


@pytest.mark.parametrize("scheme", RUNS)
def test_nothing_is_asked_for_that_is_not_in_the_file(made: dict[str, Made], scheme: str) -> None:
    run = made[scheme]
    assert sorted(said.request for said in run.oracle.said) == sorted(
        attempt.request.block for ones in run.attempts.values() for attempt in ones
    )


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_failure_and_the_answer_after_it_are_two_captures(made: dict[str, Made], scheme: str) -> None:
    rows = made[scheme].home.rows("SELECT status FROM captures WHERE url LIKE '%/flaky' ORDER BY date")
    assert [row["status"] for row in rows] == [500, 200]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_each_hop_of_a_redirect_is_a_capture_that_names_the_one_before(made: dict[str, Made], scheme: str) -> None:
    start = f"{scheme}://{HOST}/"
    hops = [(start + "redirect", 301, start + "list", 1), (start + "redirect-2", 302, start + "redirect", 2)]
    for url, status, via, steps in hops:
        (attempt,) = made[scheme].attempts[url]
        told = decode_metadata(attempt.metadata.block)
        assert (told.via, told.hops) == (via, steps)
        assert made[scheme].home.rows("SELECT status FROM captures WHERE url = ?", url) == [{"status": status}]


def test_robots_txt_is_archived(made: dict[str, Made]) -> None:
    (attempt,) = made["http"].attempts[f"http://{HOST}/robots.txt"]
    assert attempt.answer
    assert attempt.answer.block == CASES["404"].raw
    assert f"https://{HOST}/robots.txt" not in made["https"].attempts


@pytest.mark.parametrize("scheme", RUNS)
def test_digests_are_those_of_the_standard(made: dict[str, Made], scheme: str) -> None:
    """WARC 1.1, sections 5.8 and 5.9; the payload of a revisit is that of its original."""
    run = made[scheme]
    for one in run.records:
        assert one["WARC-Block-Digest"] == sha1(one.block)
        if one.type in ("response", "revisit"):
            whole = one if one.type == "response" else run.by_id(one["WARC-Refers-To"])
            assert one["WARC-Payload-Digest"] == sha1(split(whole.block)[1])
        else:
            assert one.get("WARC-Payload-Digest") is None


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_revisit_points_back_at_a_whole_page(made: dict[str, Made], scheme: str) -> None:
    run = made[scheme]
    revisits = [one for one in run.records if one.type == "revisit"]
    assert len(revisits) > 10
    for one in revisits:
        original = run.by_id(one["WARC-Refers-To"])
        assert run.records.index(original) < run.records.index(one)
        assert (original.type, original.get("WARC-Truncated")) == ("response", None)
        assert one["WARC-Refers-To-Target-URI"] == original.uri
        assert one["WARC-Refers-To-Date"] == original["WARC-Date"]
        assert re.match(rb"(?i)http/1\.[01] 200", original.block)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_content_length_of_http_fits_where_design_says_so(made: dict[str, Made], scheme: str) -> None:
    fitting = 0
    for url, ones in made[scheme].attempts.items():
        for attempt in ones:
            answer = attempt.answer
            if answer is None or answer.type != "response":
                continue
            head, body = split(answer.block)
            lengths = re.findall(rb"(?im)^content-length[ \t]*:[ \t]*(.*?)\r?$", head)
            fits = all(int(value) == len(body) for line in lengths for value in line.split(b","))
            status = int(head.split()[1])
            excused = (
                status < 200
                or status in (204, 304)
                or answer.get("WARC-Truncated") is not None
                or re.search(rb"(?im)^(x-crawler-)?transfer-encoding[ \t]*:", head) is not None
                or "content-length" in dict(decode_metadata(attempt.metadata.block).notes)
            )
            assert fits or excused, url
            fitting += bool(lengths) and fits
    assert fitting > 10


@pytest.mark.parametrize("scheme", RUNS)
def test_every_row_points_at_its_record(made: dict[str, Made], scheme: str) -> None:
    run = made[scheme]
    rows = {(row["warc"], row["offset"]): row for row in run.home.rows("SELECT * FROM captures")}
    records = {(one.warc, one.offset): one for one in run.records if one.type in ANSWERS}
    assert rows.keys() == records.keys()
    for place, row in rows.items():
        record = records[place]
        assert (row["url"], row["type"], row["length"]) == (record.uri, record.type, record.length)
        assert datetime.fromisoformat(row["date"]) == datetime.fromisoformat(record["WARC-Date"])
        assert f"<urn:uuid:{row['record_id']}>" == record["WARC-Record-ID"]
        assert row["payload_digest"] == (record.get("WARC-Payload-Digest") or record["WARC-Block-Digest"])
        assert row["truncated"] == (record.get("WARC-Truncated") if record.type != "revisit" else None)
        assert row["crawl"] == run.told["crawl"]
        if record.type == "revisit":
            original = run.by_id(record["WARC-Refers-To"])
            (found,) = run.home.rows("SELECT warc, offset FROM captures WHERE capture = ?", row["original"])
            assert (found["warc"], found["offset"]) == (original.warc, original.offset)
    assert run.told["captures"] == len(rows)
    assert run.told["revisits"] == len([one for one in run.records if one.type == "revisit"])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_file_is_sealed_and_says_first_what_it_is(made: dict[str, Made], scheme: str) -> None:
    run = made[scheme]
    (path,) = run.home.warcs()
    crawl = run.told["crawl"]
    assert re.fullmatch(rf"oracle-\d{{14}}-{crawl}-00000\.warc\.gz", path.name)
    assert [one.type for one in run.records].index("warcinfo") == 0
    assert [one.type for one in run.records].count("warcinfo") == 1
    first = run.records[0]
    fields = dict(line.split(": ", 1) for line in first.block.decode().splitlines())
    assert first["WARC-Filename"] == path.name
    assert (fields["isPartOf"], fields["site"], fields["robots"]) == (
        crawl,
        "oracle",
        "obey" if scheme == "http" else "ignore",
    )
    assert {one["WARC-Warcinfo-ID"] for one in run.records[1:]} == {first["WARC-Record-ID"]}
    (row,) = run.home.rows("SELECT name, bytes, sha256 FROM file")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert row == {"name": run.records[0].warc, "bytes": path.stat().st_size, "sha256": digest}
    assert (run.home.path / "manifest-sha256.txt").read_text() == f"{digest}  {row['name']}\n"
    if program := shutil.which("sha256sum"):
        subprocess.run(
            [program, "--strict", "-c", "manifest-sha256.txt"], cwd=run.home.path, check=True, capture_output=True
        )


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_closing_record_says_what_never_answered_and_why(made: dict[str, Made], scheme: str) -> None:
    run = made[scheme]
    account = run.home.account(run.told["crawl"])
    assert (account["crawl"], account["site"]) == (run.told["crawl"], "oracle")
    assert account["outcome"] == run.told["outcome"] == "partial"
    assert (account["attempts"], account["warnings"]) == (run.told["attempts"], run.told["warnings"])
    unanswered = {one["url"]: one for one in account["unanswered"]}
    never = {f"{scheme}://{HOST}/{name}" for name in AGAIN - {"flaky", *LATE}}
    nobody = f"{scheme}://{HOST}:8099/nobody-listens"
    assert unanswered.keys() == never | {nobody}
    for url in never:
        error = decode_metadata(run.attempts[url][-1].metadata.block).error
        assert unanswered[url]["error"] == (error or "status 500")
        assert unanswered[url]["state"] == "failed"
        assert unanswered[url]["via"] == f"{scheme}://{HOST}/list"
    assert "refused the connection" in unanswered[nobody]["error"]
    assert unanswered[nobody]["state"] == ("refused" if scheme == "http" else "failed")
    assert nobody not in run.attempts  # nothing was sent: the row and this record are all there is
    (skipped,) = run.home.rows("SELECT count(*) AS n FROM frontier WHERE state = 'skipped' AND error LIKE '%limit%'")
    assert skipped["n"] == 2  # cut at the limit: kept as far as it goes, and not asked for again


def test_what_came_too_late_says_so(made: dict[str, Made]) -> None:
    run = made["late"]
    unanswered = {one["url"]: one["error"] for one in run.home.account(run.told["crawl"])["unanswered"]}
    reasons = {"slow": "the answer was not finished in time", "silent": "no answer in time"}
    reasons["slow-close"] = reasons["slow"]
    assert unanswered == {f"{scheme}://{HOST}/{name}": reasons[name] for scheme in SCHEMES for name in LATE}
    assert run.told["outcome"] == "failed"


# What others make of the files


def script(name: str) -> str:
    return str(Path(sysconfig.get_path("scripts")) / name)


@pytest.mark.parametrize("scheme", RUNS)
def test_gzip_and_warcio_find_no_fault(made: dict[str, Made], scheme: str) -> None:
    (path,) = made[scheme].home.warcs()
    if program := shutil.which("gzip"):
        subprocess.run([program, "-t", str(path)], check=True)
    done = subprocess.run([script("warcio"), "check", "-v", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("scheme", RUNS)
def test_fastwarc_finds_no_fault(made: dict[str, Made], scheme: str, tmp_path: Path) -> None:
    """It compares the empty block of a revisit with the digest of its payload: exactly that is forgiven."""
    run = made[scheme]
    (path,) = run.home.warcs()
    report = tmp_path / "report"
    command = [script("fastwarc"), "check", "-p", "-q", "-o", str(report), str(path)]
    subprocess.run(command, capture_output=True, check=False)
    verdicts = dict(line.rsplit(": ", 1) for line in report.read_text().splitlines())
    assert len(verdicts) == len(run.records)
    assert all(verdict.startswith("OK") for verdict in verdicts.values())
    failed = [run.by_id(key) for key, verdict in verdicts.items() if "PAYLOAD_FAIL" in verdict]
    assert [one.uri for one in failed if one.type != "revisit"] == []


def test_what_is_sent_again_over_a_new_connection_is_one_visit(tmp_path: Path) -> None:
    """The server closes each kept connection without an answer; the addresses must not be handed out meanwhile."""
    (tmp_path / "oracle").mkdir()
    seeds = [f"http://{HOST}/stale?n={number}" for number in range(40)]
    given = {"RETRY_DELAY": 0, "CONCURRENT_REQUESTS": 4, "ROBOTSTXT_OBEY": False, "DERIVE": "off"}
    with Oracle(tmp_path / "oracle") as oracle:
        run = crawled(tmp_path / "home", oracle, seeds, given)
    answered = [said.path for said in oracle.said if said.answer]
    assert sorted(answered) == sorted(seed.removeprefix(f"http://{HOST}") for seed in seeds)
    assert len(oracle.said) > len(answered)
    assert sum(map(len, run.attempts.values())) == len(oracle.said) == run.told["attempts"]
    assert run.told["outcome"] == "completed"
