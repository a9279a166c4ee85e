"""What several files of tests stand on."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from mounts import INSIDE, may_mount
from rows import filled
from serving import Served, serving

from luutru.replay.environment import environment
from storage.errors import NotInstalled

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # so in the background of a shell, and in all that starts there
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes, or its making, says nothing on a machine that has other things to do. The same examples
# come each time, so that no change is refused for what another one did; others, and more: --hypothesis-profile=wide.
settings.register_profile("wide", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=10_000)
settings.register_profile("same", settings.get_profile("wide"), max_examples=100, derandomize=True, database=None)
settings.load_profile("same")


@dataclass(frozen=True)
class Demo:
    """`luutru demo --json` as it was run in an empty directory: what it told, where, and how much CPU it took."""

    directory: Path
    told: dict[str, Any]
    seconds: float
    errors: str

    @property
    def home(self) -> Path:
        """The archive that it made."""
        return self.directory / "luutru-demo"


def run_demo(directory: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as a person runs it, with nothing set but what is given."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("LUUTRU_")}
    command = [str(Path(sys.executable).with_name("luutru")), "demo", *options]
    return subprocess.run(
        command, cwd=directory, env=own | environment, capture_output=True, text=True, timeout=240, check=False
    )


@pytest.fixture(scope="session")
def demo_archive(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo's archive; whoever changes it works on a copy."""
    directory = tmp_path_factory.mktemp("demo")
    before = _cpu_of_children()
    done = run_demo(directory, "--json")
    assert done.returncode == 0, done.stderr
    return Demo(directory, json.loads(done.stdout), _cpu_of_children() - before, done.stderr)


def _cpu_of_children() -> float:
    """Seconds of all that this process has begun and seen to its end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The reading room of the archive of `rows`, which nobody changes."""
    with serving(filled(tmp_path_factory.mktemp("served"))) as room:
        yield room


@pytest.fixture(scope="session")
def pywb_tools() -> Path:
    """The programs of pywb, in the environment that `luutru replay` makes."""
    try:
        return environment() / "bin"
    except NotInstalled as error:
        pytest.skip(str(error))


@pytest.fixture
def mounting(request: pytest.FixtureRequest) -> bool:
    """Whether the test may mount; if not, it has been run in a name space where it may, and need not be again."""
    if may_mount():
        return True
    apart = ("unshare", "--map-root-user", "--mount")
    if INSIDE in os.environ or not may_mount(apart):
        pytest.skip("needs the right to mount a file system, or user name spaces")
    test = f"{request.node.path}::{request.node.name}"
    command = [*apart, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {INSIDE: "yes"}, timeout=120)
    assert done.returncode == 0, done.stdout
    return False
