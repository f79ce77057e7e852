"""Threads, BLAS path and memory of the process, set before Paddle is imported.

By itself, Paddle uses one core (its import sets OMP_NUM_THREADS=1 if that is unset), and its MKL takes a slow path on
AMD processors. Both settings are read once, when the libraries load, so they must be made before. The C library returns
large freed blocks to the system, so every step requests the same memory again and the system clears every page again;
here it is set to keep them. What the user has set is never overridden. PPGAN_RUNTIME=off leaves everything as it is.
"""

import atexit
import contextlib
import ctypes
import functools
import importlib.metadata
import io
import os
import platform
import signal
import sys
import tempfile
import threading
import warnings
from pathlib import Path

SWITCH = "PPGAN_RUNTIME"
LAYERS = "PPGAN_LAYERS"  # plain: the networks train with Paddle's own operations instead of the fast ones
VARIABLES = ("OMP_NUM_THREADS", "MKL_DEBUG_CPU_TYPE")
PACKAGES = ("paddlepaddle", "paddlepaddle-gpu", "numpy", "opencv-python-headless", "opencv-python", "visualdl")
HOME_VARIABLES = ("HOME", "USERPROFILE")  # Unix and Windows
MALLOC_VARIABLES = ("MALLOC_MMAP_MAX_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")
_set_by_us = []  # the names in VARIABLES that were unset


def configure():
    """Set what the user has not set. Warns if Paddle was imported before."""
    if os.environ.get(SWITCH, "").lower() in ("off", "0", "false"):
        return
    if not any(name in os.environ for name in MALLOC_VARIABLES):
        keep_freed_memory()
    variables = {"OMP_NUM_THREADS": str(usable_cores())}
    if blas_path := mkl_cpu_type(_read("/proc/cpuinfo")):
        variables["MKL_DEBUG_CPU_TYPE"] = blas_path
    if "paddle" in sys.modules:
        warnings.warn(
            "paddle was imported before ppgan_lite, so the thread and BLAS settings have no effect and training on the "
            "CPU is slower: import ppgan_lite first (in a notebook: restart the kernel).",
            stacklevel=3,
        )
        return
    for name, value in variables.items():
        if not os.environ.get(name):  # OpenMP complains of an empty one
            os.environ[name] = value
            _set_by_us.append(name)


def settings() -> dict:
    """The settings in use, for run.json: the switch and each variable (None if unset)."""
    return {name: os.environ.get(name) for name in (SWITCH, LAYERS, *VARIABLES)}


def versions(*more: str) -> dict[str, str]:
    """The versions of Python, PACKAGES and `more`, as far as they are installed. Imports none of them."""
    result = {"python": platform.python_version()}
    for package in (*PACKAGES, *more):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            result[package] = importlib.metadata.version(package)
    return result


def user_environment() -> dict[str, str]:
    """The environment as it was before `configure`, for other processes."""
    return {name: value for name, value in os.environ.items() if name not in _set_by_us}


def stock_environment() -> dict[str, str]:
    """The environment for a process with Paddle as it is: without our settings and fast operations."""
    return user_environment() | {SWITCH: "off", LAYERS: "plain"}


def importing_the_same(environment) -> dict[str, str]:
    """`environment` for a process that can import this package and whatever this process can, and prints UTF-8."""
    root = Path(__file__).resolve().parents[1]
    own = {"PYTHONPATH": os.pathsep.join([str(root), *sys.path]), "PYTHONIOENCODING": "utf-8:backslashreplace"}
    return {**environment, **own}


def plain_layers() -> bool:
    """Whether PPGAN_LAYERS=plain: the networks train with Paddle's own operations instead of the fast ones."""
    return os.environ.get(LAYERS) == "plain"


def keep_freed_memory() -> bool:
    """Make glibc reuse freed memory instead of returning it to the system; returns whether that worked."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    trim_threshold, mmap_max = -1, -4  # constants of malloc.h; -1 as a threshold: never trim
    return bool(mallopt(mmap_max, 0)) and bool(mallopt(trim_threshold, -1))


def load_paddle():
    """Import paddle and return it, without three messages that do not concern a user of this suite.

    They are about OMP_NUM_THREADS above 1 (a problem of builds with OpenBLAS only), a missing ccache (needed only to
    compile extensions), and batch norms that track their statistics. Everything else that it prints is shown.
    """
    warnings.filterwarnings("ignore", message="When training, we now always track global mean and variance")
    printed = io.StringIO()
    try:
        with writable_home(), contextlib.redirect_stderr(printed), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="No ccache found")
            import paddle
    finally:
        hidden = ("WARNING: OMP_NUM_THREADS set to", "PLEASE USE OMP_NUM_THREADS WISELY")
        shown = [line for line in printed.getvalue().splitlines(keepends=True) if not line.startswith(hidden)]
        print(*shown, sep="", end="", file=sys.stderr)
    _take_back(signal.SIGTERM)
    return paddle


def _take_back(number: int):
    """Handle a signal as before the import of paddle, which prints a report of its own and ends."""
    if threading.current_thread() is threading.main_thread() and (handler := signal.getsignal(number)) is not None:
        signal.signal(number, handler)


@contextlib.contextmanager
def writable_home():
    """Have a home folder while packages load that write to it: without one they fail, or make a folder called ~.

    In containers and batch systems the home folder may be unknown, missing or read-only: then it is a temporary one.
    Paddle, VisualDL and matplotlib are such packages.
    """
    if _can_keep_files(os.path.expanduser("~")) or not _temporary_home():
        yield
        return
    before = {name: os.environ[name] for name in HOME_VARIABLES if name in os.environ}
    os.environ.update(dict.fromkeys(HOME_VARIABLES, _temporary_home()))
    os.environ.setdefault("MPLCONFIGDIR", _temporary_home())  # it loads later, and keeps its fonts there
    try:
        yield
    finally:
        for name in HOME_VARIABLES:
            del os.environ[name]
        os.environ.update(before)


def _can_keep_files(home: str) -> bool:
    """Whether packages can write to a home folder. Its permissions do not say so: root has all, even in /proc."""
    try:
        if not (os.path.isabs(home) and os.path.isdir(home)):
            return False
        cache = os.path.join(home, ".cache", "paddle", "dataset")
        os.makedirs(cache, exist_ok=True)  # as Paddle does when it loads
        for folder in (home, cache):
            with tempfile.TemporaryFile(dir=folder):
                pass
    except OSError:
        return False
    return True


@functools.cache
def _temporary_home() -> str | None:
    """A folder that is removed when the process ends; None if there can be none."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="ppgan_home_", ignore_cleanup_errors=True)
    except OSError:
        return None
    atexit.register(folder.cleanup)  # and keeps it until then
    return folder.name


def usable_cores() -> int:
    """The number of physical cores this process may use, given its affinity and a container's quota."""
    logical = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    physical = physical_cores(_read("/proc/cpuinfo")) or logical
    v1 = (_read(f"/sys/fs/cgroup/cpu/cpu.cfs_{name}_us") for name in ("quota", "period"))
    quota = cgroup_quota(_read("/sys/fs/cgroup/cpu.max") or " ".join(v1)) or logical
    return max(1, min(logical, physical, quota))


def processor() -> str:
    """The processor's name."""
    lines = _read("/proc/cpuinfo").splitlines()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


def physical_cores(cpuinfo: str) -> int | None:
    """The number of (physical id, core id) pairs in the text of /proc/cpuinfo; None if it has none."""
    cores, package = set(), "0"
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "physical id":
            package = value.strip()
        elif key.strip() == "core id":
            cores.add((package, value.strip()))
    return len(cores) or None


def cgroup_quota(cpu_max: str) -> int | None:
    """The whole number of processors in a cgroup's `QUOTA PERIOD` (microseconds), at least 1; None: no limit."""
    fields = cpu_max.split()
    if len(fields) != 2 or not all(field.isdecimal() and field.isascii() for field in fields) or not int(fields[1]):
        return None
    return max(1, int(fields[0]) // int(fields[1]))


def mkl_cpu_type(cpuinfo: str) -> str | None:
    """MKL_DEBUG_CPU_TYPE for the processor in the text of /proc/cpuinfo: 7 (AVX-512), 5 (AVX2) or None.

    Only AMD processors need it: on Intel's, MKL chooses the fastest path by itself.
    """
    if "AuthenticAMD" not in cpuinfo:
        return None
    flags = set(cpuinfo.split())
    return "7" if "avx512f" in flags else "5" if "avx2" in flags else None


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
