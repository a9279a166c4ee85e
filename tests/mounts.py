"""Small file systems that tests mount, fill, take away and make read-only."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INSIDE = "LUUTRU_TEST_INSIDE"


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A file system in memory, as long as the context lasts."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def may_mount(prefix: tuple[str, ...] = ()) -> bool:
    """Whether this user may mount, behind the words of `prefix`."""
    script = "d=$(mktemp -d) && mount -t tmpfs tmpfs $d && umount $d; s=$?; rmdir $d; exit $s"
    try:
        return subprocess.run([*prefix, "sh", "-c", script], capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def fill(folder: Path) -> Path:
    """Leave no room in a small file system; removing the file gives it back."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2
    return ballast
