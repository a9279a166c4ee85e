"""What several files of tests stand on."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import pytest


@dataclass(frozen=True)
class Demo:
    """`luutru demo --json` as it was run in an empty directory: what it told, where, and how long it took."""

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
        command, cwd=directory, env=own | environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="session")
def demo_archive(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo's archive; whoever changes it works on a copy."""
    directory = tmp_path_factory.mktemp("demo")
    began = monotonic()
    done = run_demo(directory, "--json")
    assert done.returncode == 0, done.stderr
    return Demo(directory, json.loads(done.stdout), monotonic() - began, done.stderr)
