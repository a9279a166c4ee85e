"""Work on hostile files in a process of its own, with limits that the kernel keeps."""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import NoReturn, TypeVar

from storage.errors import Exhausted

MEMORY = 768 * 1024 * 1024  # bytes of data, those of the calling process among them
SECONDS = 20  # of CPU
_PATIENCE = 50.0  # seconds on the clock, where the machine has other things to do
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG

T = TypeVar("T")


def confined(work: Callable[[], T], *, memory: int = MEMORY, seconds: int = SECONDS) -> T:
    """What `work` returns, done in a fork of this process; raises Exhausted where it exceeds the limits or crashes.

    It can write no file, and what it prints goes nowhere; what it returns must be picklable. An exception in it is a
    RuntimeError here. The calling process must have one thread.
    """
    ours, theirs = Pipe(duplex=False)
    with closing(ours):
        child = os.fork()
        if child == 0:
            _work_confined(work, theirs, memory, seconds)
        theirs.close()
        try:
            told = ours.recv() if ours.poll(_PATIENCE) else None
        except EOFError:  # it ended without a word
            told = None
        else:
            if told is None:
                os.kill(child, signal.SIGKILL)
        finally:
            _, status = os.waitpid(child, 0)
    if told is None:
        raise Exhausted(_why(status, memory, seconds))
    value, error = told
    if error:
        raise RuntimeError(error)
    return value  # type: ignore[no-any-return]  # what `work` returned


def _work_confined(work: Callable[[], T], told: Connection, memory: int, seconds: int) -> NoReturn:
    try:
        _confine(told.fileno(), memory, seconds)
        told.send((work(), None))
    except MemoryError:
        os.kill(os.getpid(), signal.SIGABRT)  # as libraries end that cannot get memory
    except Exception as error:  # noqa: BLE001  # the process ends here; the caller tells
        told.send((None, f"{type(error).__name__}: {error}"))
    finally:
        os._exit(0)


def _confine(told: int, memory: int, seconds: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    for number in (signal.SIGTERM, signal.SIGABRT):
        signal.signal(number, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.closerange(3, told)
    os.closerange(told + 1, 1 << 16)
    for kind, limit in (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))


def _why(status: int, memory: int, seconds: int) -> str:
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number in (signal.SIGKILL, signal.SIGXCPU):
        return f"reading it takes more than {seconds} seconds"
    if number == signal.SIGABRT:
        return f"reading it takes more than {memory >> 20} MB of memory"
    return f"reading it ends the process that reads it (signal {number})"
