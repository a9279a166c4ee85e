"""How fast a site is crawled: luutru beside the obvious build and GNU wget, in alternating runs of one call.

    python benchmarks/throughput.py [--articles 5000] [--runs 3] [--work DIR]

Needs nginx, wget and the benchmark site's generator (../shared/rig). Politeness and requisites are off for all;
robots.txt, retries, redirects and limits are on for luutru. Pages are counted by the server's own log. CPU is that of
all processes of a run, start-up included; the start-up is measured apart by a crawl of one page.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

RIG = Path(__file__).resolve().parents[2] / "shared" / "rig"
PORTS = {1000: 8090, 5000: 8088}
QUICK = {
    "DOWNLOAD_DELAY": "0",
    "AUTOTHROTTLE_ENABLED": "False",
    "CONCURRENT_REQUESTS": "16",
    "CONCURRENT_REQUESTS_PER_DOMAIN": "16",
    "REQUISITES": "off",
}


@dataclass(frozen=True)
class Run:
    """One finished run of one crawler."""

    pages: int
    wall: float  # seconds
    cpu: float  # seconds, over all processes
    memory: int  # MiB of the largest process

    @property
    def rate(self) -> float:
        return self.pages / self.wall


class Site:
    """The benchmark site, made once, served by nginx on loopback."""

    def __init__(self, work: Path, articles: int) -> None:
        self.work = work
        self.port = PORTS[articles]
        self.name = f"site{articles // 1000}k"
        if not (work / self.name / "index.html").exists():
            base = f"http://127.0.0.1:{self.port}"
            make = [sys.executable, RIG / "gen_site.py", self.name, "--articles", str(articles), "--base", base]
            subprocess.run(make, cwd=work, check=True, stdout=subprocess.DEVNULL)

    @property
    def start(self) -> str:
        return f"http://127.0.0.1:{self.port}/index.html"

    def pages(self, since: int) -> int:
        """Distinct HTML pages answered since that byte of the log."""
        time.sleep(0.5)  # nginx writes its log when it is idle; nothing tells when it has
        with (self.work / "logs" / "access.log").open("rb") as log:
            log.seek(since)
            asked = re.findall(rb'"GET (\S+) [^"]*" 200 .* %d\n' % self.port, log.read())
        return len({path for path in asked if path.endswith(b".html") or path == b"/"})

    def log_size(self) -> int:
        return (self.work / "logs" / "access.log").stat().st_size


@contextmanager
def nginx(work: Path) -> Iterator[None]:
    """The rig's server, without delays in its log."""
    for name in ("logs", "tmp", "site1k", "site5k", "site400"):
        (work / name).mkdir(exist_ok=True)
    config = (RIG / "nginx.conf").read_text().replace(" buffer=64k flush=5s", "").replace("daemon on", "daemon off")
    (work / "nginx.conf").write_text(config)
    (work / "logs" / "access.log").touch()
    server = subprocess.Popen(["nginx", "-p", f"{work}/", "-c", str(work / "nginx.conf")])
    try:
        yield
    finally:
        server.terminate()
        server.wait()


def measure(site: Site, command: Sequence[str], environment: dict[str, str] | None = None) -> Run:
    """Run a command to its end and count what the server saw of it."""
    since, begun = site.log_size(), time.monotonic()
    process = subprocess.Popen(
        command, env=os.environ | (environment or {}), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, _status, used = os.wait4(process.pid, 0)
    process.returncode = 0  # wait4 has reaped it
    wall = time.monotonic() - begun
    return Run(site.pages(since), wall, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024)


def luutru(site: Site, out: Path, *more: str, **settings: str) -> list[str]:
    """The command line of a crawl of the site into a new home."""
    given = [word for name, value in (QUICK | settings).items() for word in ("--set", f"{name}={value}")]
    mapped = f"127.0.0.1:{site.port}:127.0.0.1:{site.port}"
    home = ["--home", str(out)]
    return [sys.executable, "-m", "luutru", *home, "crawl", site.start, "--connect-to", mapped, *given, *more]


def naive(out: Path, site: Site) -> list[str]:
    return [sys.executable, str(RIG / "naive.py"), str(out), site.start]


def wget(out: Path, site: Site) -> list[str]:
    options = ["-q", "-r", "-l", "inf", "-R", "jpg,css,js", "--delete-after", "-e", "robots=on"]
    return ["wget", *options, f"--warc-file={out}/wget", "-P", f"{out}/tree", site.start]


def row(name: str, runs: Sequence[Run], startup: float = 0.0) -> str:
    """Medians of the runs of one crawler."""
    pages = statistics.median(run.pages for run in runs)
    cpu = statistics.median(run.cpu for run in runs)
    rate = statistics.median(run.rate for run in runs)
    memory = max(run.memory for run in runs)
    without = f"{(cpu - startup) / pages * 1000:8.2f}" if startup else " " * 8
    return f"{name:34} {pages:6.0f} {rate:8.1f} {cpu / pages * 1000:8.2f} {without} {memory:7d}"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--articles", type=int, default=5000, choices=sorted(PORTS))
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "luutru-benchmark")
    chosen = options.parse_args()
    missing = [name for name in ("nginx", "wget") if shutil.which(name) is None]
    if missing or not RIG.exists():
        sys.exit(f"missing: {', '.join(missing) or RIG}; install nginx-light and wget, put the rig beside the checkout")
    chosen.work.mkdir(parents=True, exist_ok=True)
    with nginx(chosen.work), tempfile.TemporaryDirectory(dir=chosen.work) as scratch:
        compare(Site(chosen.work, chosen.articles), Site(chosen.work, 1000), Path(scratch), chosen.runs)


def compare(site: Site, small: Site, scratch: Path, runs: int) -> None:
    """Alternate the crawlers, then print medians and ratios."""
    texts, captures, naives, wgets = [], [], [], []
    startup = measure(site, luutru(site, scratch / "start", "--max-pages", "1", DERIVE="off")).cpu
    for number in range(runs):
        out = [scratch / f"{name}-{number}" for name in ("text", "capture", "naive", "wget")]
        out[3].mkdir()
        texts.append(measure(site, luutru(site, out[0])))
        naives.append(measure(site, naive(out[2], site)))
        captures.append(measure(site, luutru(site, out[1], DERIVE="off")))
        wgets.append(measure(site, wget(out[3], site)))
        for done in out:
            shutil.rmtree(done, ignore_errors=True)
    few = measure(small, luutru(small, scratch / "few", DERIVE="off"))
    print(f"{'':34} {'pages':>6} {'pages/s':>8} {'CPU ms':>8} {'w/o start':>8} {'MiB':>7}")
    print(row("luutru, with text", texts))
    print(row("naive", naives))
    print(row("luutru, capture only", captures, startup))
    print(row("wget --warc-file", wgets))
    print(f"\nstart-up of a crawl: {startup:.2f} s CPU")
    print(f"with text / naive: {ratio(texts, naives):.1f} × pages/s")
    print(f"capture only / wget: {ratio(captures, wgets):.2f} × pages/s")
    print(f"memory: {captures[-1].memory} MiB at {captures[-1].pages} pages, {few.memory} MiB at {few.pages}")


def ratio(ours: Sequence[Run], theirs: Sequence[Run]) -> float:
    """The median of the ratios pair by pair."""
    return statistics.median(one.rate / other.rate for one, other in zip(ours, theirs, strict=True))


if __name__ == "__main__":
    main()
