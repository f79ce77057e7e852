"""Threads, BLAS path and memory of the process, set before paddle is imported.

Stock paddlepaddle uses one core (its import sets OMP_NUM_THREADS=1 where it is unset), and the MKL it carries takes
a slow path on AMD processors. Both are read once, when the libraries load, so they must be set before. And the C
library gives large blocks back to the system when they are freed, so that every step asks for the same memory again
and every page of it is cleared again: it is told to keep them. What the user has set is never overridden.
PPGAN_RUNTIME=off leaves everything as it is.
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
LAYERS = "PPGAN_LAYERS"  # plain: the networks train with Paddle's own operations in place of the fast forms
VARIABLES = ("OMP_NUM_THREADS", "MKL_DEBUG_CPU_TYPE")
PACKAGES = ("paddlepaddle", "paddlepaddle-gpu", "numpy", "opencv-python-headless", "opencv-python", "visualdl")
MALLOC_VARIABLES = ("MALLOC_MMAP_MAX_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")
_set_by_us = []  # those of VARIABLES that were unset


def configure():
    """Set what the user has not set. Warns once if paddle was imported before."""
    if os.environ.get(SWITCH, "").lower() in ("off", "0", "false"):
        return
    if not any(name in os.environ for name in MALLOC_VARIABLES):
        keep_freed_memory()
    wanted = {"OMP_NUM_THREADS": str(usable_cores())}
    if blas_path := mkl_cpu_type(_read("/proc/cpuinfo")):
        wanted["MKL_DEBUG_CPU_TYPE"] = blas_path
    if "paddle" in sys.modules:
        warnings.warn(
            "paddle was imported before ppgan_lite, so its thread and BLAS settings could not take effect and training "
            "on the CPU will be slower: import ppgan_lite first (in a notebook: restart the kernel).",
            stacklevel=3,
        )
        return
    for name, value in wanted.items():
        if name not in os.environ:
            os.environ[name] = value
            _set_by_us.append(name)


def settings() -> dict:
    """What is in force, for run.json: the switch and each variable (None where it is unset)."""
    return {name: os.environ.get(name) for name in (SWITCH, LAYERS, *VARIABLES)}


def versions(*more: str) -> dict[str, str]:
    """Versions of Python, of the packages that make the numbers, and of `more`. Imports none of them."""
    found = {"python": platform.python_version()}
    for package in (*PACKAGES, *more):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def user_environment() -> dict[str, str]:
    """The environment as it was before `configure`, for other processes."""
    return {name: value for name, value in os.environ.items() if name not in _set_by_us}


def stock_environment() -> dict[str, str]:
    """The environment for a process that runs as Paddle comes: without our settings and fast forms."""
    return user_environment() | {SWITCH: "off", LAYERS: "plain"}


def importing_the_same(environment) -> dict[str, str]:
    """`environment`, for a process that shall find this package and all else that can be imported here."""
    root = Path(__file__).resolve().parents[1]
    return {**environment, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])}


def plain_layers() -> bool:
    """Whether PPGAN_LAYERS=plain asks the networks to train with Paddle's own operations, not the fast forms."""
    return os.environ.get(LAYERS) == "plain"


def keep_freed_memory() -> bool:
    """Tell glibc to reuse the memory that is freed instead of giving it back; returns whether it is glibc and does."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    trim_threshold, mmap_max = -1, -4  # numbers of malloc.h; -1 as the threshold's value: never trim
    return bool(mallopt(mmap_max, 0)) and bool(mallopt(trim_threshold, -1))


def load_paddle():
    """Import paddle and return it, keeping back three messages that would only puzzle who trains.

    Paddle warns of OMP_NUM_THREADS above 1 (it matters for builds on OpenBLAS), of a missing ccache (it matters to
    who compiles extensions), and that batch norms track their statistics. All else that it prints goes through.
    """
    warnings.filterwarnings("ignore", message="When training, we now always track global mean and variance")
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="No ccache found")
            import paddle
    finally:
        ours = ("WARNING: OMP_NUM_THREADS set to", "PLEASE USE OMP_NUM_THREADS WISELY")
        sys.stderr.write("".join(x for x in printed.getvalue().splitlines(keepends=True) if not x.startswith(ours)))
    return paddle


def usable_cores() -> int:
    """Count the physical cores this process may use: affinity, hyperthreads and a container's quota considered."""
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
    """Count the distinct (physical id, core id) pairs in the text of /proc/cpuinfo; None where it tells none."""
    cores, package = set(), "0"
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "physical id":
            package = value.strip()
        elif key.strip() == "core id":
            cores.add((package, value.strip()))
    return len(cores) or None


def cgroup_quota(cpu_max: str) -> int | None:
    """Whole processors that a cgroup allows by its `QUOTA PERIOD` in microseconds; None for no limit."""
    fields = cpu_max.split()
    if len(fields) != 2 or fields[0] in ("max", "-1"):
        return None
    return max(1, int(fields[0]) // int(fields[1]))


def mkl_cpu_type(cpuinfo: str) -> str | None:
    """MKL_DEBUG_CPU_TYPE for the processor in the text of /proc/cpuinfo: 7 (AVX-512), 5 (AVX2) or None.

    Only for AMD: on Intel's own processors MKL chooses right by itself.
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
