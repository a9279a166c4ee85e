"""The environment in which pywb runs: its pins and those of Scrapy do not go together."""

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from storage.disk import telling
from storage.errors import NotInstalled

CONSTRAINTS = Path(__file__).with_name("pywb-constraints.txt")  # a set that installs and works
_PATIENCE = 600  # seconds for one step of the installation


def environment(tell: Callable[[str], None] = lambda _: None) -> Path:
    """The virtual environment with pywb in the user's cache, made where it is not there; raises NotInstalled.

    `tell` hears of it when that begins to take time.
    """
    digest = hashlib.sha256(CONSTRAINTS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "luutru"
    made, complete = kept / f"pywb-{digest}", kept / f"pywb-{digest}" / "complete"
    with telling(kept):
        kept.mkdir(parents=True, exist_ok=True)
        lock = (kept / f"pywb-{digest}.lock").open("w")
    with lock:
        if not complete.exists():
            tell(f"installing pywb into {made}, once; this takes a minute or two")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            _install(made)
            complete.touch()
    return made


def _install(made: Path) -> None:
    pip = (str(made / "bin" / "python"), "-m", "pip", "--retries", "1", "install", "--quiet")
    try:
        _run(sys.executable, "-m", "venv", "--clear", str(made))
        _run(*pip, "--upgrade", "pip")
        _run(*pip, "--constraint", str(CONSTRAINTS), "pywb", "setuptools")
    except (subprocess.SubprocessError, OSError) as error:
        lines = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        raise NotInstalled("pywb", str(made), lines[-1] if lines else type(error).__name__) from error


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=_PATIENCE)  # noqa: S603
