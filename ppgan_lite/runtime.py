"""Threads, BLAS path and memory of the process, set before Paddle is imported.

By itself, Paddle uses one core (its import sets OMP_NUM_THREADS=1 if that is unset), and its MKL takes a slow path on
AMD processors. Both settings are read once, when the libraries load, so they must be made before. The C library returns
large freed blocks to the system, so every step requests the same memory again and the system clears every page again;
here it is set to keep them. What the user has set is never overridden. PPGAN_RUNTIME=off leaves everything as it is.
"""

import contextlib
import ctypes
import importlib.metadata
import io
import os
import platform
import sys
import warnings
from pathlib import Path

SWITCH = "PPGAN_RUNTIME"
LAYERS = "PPGAN_LAYERS"  # plain: the networks train with Paddle's own operations instead of the fast ones
VARIABLES = ("OMP_NUM_THREADS", "MKL_DEBUG_CPU_TYPE")
PACKAGES = ("paddlepaddle", "paddlepaddle-gpu", "numpy", "opencv-python-headless", "opencv-python", "visualdl")
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
        if name not in os.environ:
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
    """`environment` for a process that can import this package and whatever this process can."""
    root = Path(__file__).resolve().parents[1]
    return {**environment, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])}


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
        with contextlib.redirect_stderr(printed), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="No ccache found")
            import paddle
    finally:
        hidden = ("WARNING: OMP_NUM_THREADS set to", "PLEASE USE OMP_NUM_THREADS WISELY")
        sys.stderr.write("".join(x for x in printed.getvalue().splitlines(keepends=True) if not x.startswith(hidden)))
    return paddle


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
    if len(fields) != 2 or fields[0] in ("max", "-1"):
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
        return Path(path).read_text()
    except OSError:
        return ""
