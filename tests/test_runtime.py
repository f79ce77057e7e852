import os
import subprocess
import sys

import pytest
from conftest import ROOT

from ppgan_lite import runtime

CPUINFO = """processor\t: 0
vendor_id\t: {vendor}
physical id\t: 0
core id\t\t: 0
flags\t\t: fpu sse2 {flags}

processor\t: 1
physical id\t: 0
core id\t\t: 0

processor\t: 2
physical id\t: 1
core id\t\t: 0
"""


def python(code, **environment):
    set_by_us = (runtime.SWITCH, runtime.LAYERS, *runtime.VARIABLES, *runtime.MALLOC_VARIABLES)
    clean = {key: value for key, value in os.environ.items() if key not in set_by_us}
    return subprocess.run(
        [sys.executable, "-c", code], env={**clean, **environment}, cwd=ROOT, capture_output=True, text=True, check=True
    )


def test_physical_cores_counts_hyperthreads_once():
    assert runtime.physical_cores(CPUINFO) == 2
    assert runtime.physical_cores("") is None


def test_cgroup_quota_is_a_containers_share_of_processors():
    assert runtime.cgroup_quota("250000 100000\n") == 2
    assert runtime.cgroup_quota("50000 100000\n") == 1
    assert runtime.cgroup_quota("max 100000\n") is None
    assert runtime.cgroup_quota("-1\n 100000\n") is None
    for odd in ("", "100000", "x 100000", "100000 0", "1e5 100000", "100000 -1", "\N{SUPERSCRIPT TWO} 1"):
        assert runtime.cgroup_quota(odd) is None


@pytest.mark.parametrize(
    ("vendor", "flags", "expected"),
    [
        ("AuthenticAMD", "avx2 avx512f", "7"),
        ("AuthenticAMD", "avx2", "5"),
        ("AuthenticAMD", "avx", None),
        ("GenuineIntel", "avx2 avx512f", None),
    ],
)
def test_mkl_cpu_type_is_set_for_amd_only(vendor, flags, expected):
    assert runtime.mkl_cpu_type(CPUINFO.format(vendor=vendor, flags=flags)) == expected


def test_import_sets_threads_before_paddle():
    show = "print(os.environ['OMP_NUM_THREADS'])"
    code = f"import os, ppgan_lite; {show}; import paddle; {show}"
    assert python(code).stdout.split() == [str(runtime.usable_cores())] * 2


def test_the_users_own_settings_stay():
    code = "import ppgan_lite; print(ppgan_lite.runtime.settings())"
    result = python(code, OMP_NUM_THREADS="1", MKL_DEBUG_CPU_TYPE="4")
    assert eval(result.stdout) == {
        "PPGAN_RUNTIME": None,
        "PPGAN_LAYERS": None,
        "OMP_NUM_THREADS": "1",
        "MKL_DEBUG_CPU_TYPE": "4",
    }


def test_an_empty_number_of_threads_is_none():
    result = python("import os, ppgan_lite; print(os.environ['OMP_NUM_THREADS'])", OMP_NUM_THREADS="")
    assert result.stdout == f"{runtime.usable_cores()}\n"


def test_the_home_folder_is_replaced_only_while_packages_load(tmp_path):
    code = (
        "import os\nfrom ppgan_lite import runtime\nwith runtime.writable_home():\n    home = os.path.expanduser('~')\n"
        "    print(home != os.environ['WAS'], os.path.isdir(home))\nprint(os.environ['HOME'] == os.environ['WAS'])"
    )
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / ".cache").write_text("a file")
    homes = [(tmp_path, False), (tmp_path / "none", True), (tmp_path / "odd", True), ("/proc", True), ("~", True)]
    for home, replaced in homes if sys.platform == "linux" else homes[:2]:
        result = python(code, HOME=str(home), WAS=str(home), TMPDIR=str(tmp_path))
        assert result.stdout == f"{replaced} True\nTrue\n"
    assert list(tmp_path.glob("ppgan_home_*")) == []  # the temporary folders are gone


def test_paddles_own_report_of_sigterm_is_off():
    """Its handler prints a report of many lines; a command leaves quietly, and removes what is half-written."""
    code = (
        "import os, signal\nfrom ppgan_lite import console, runtime\nconsole.leave_when_asked()\n"
        "runtime.load_paddle()\nos.kill(os.getpid(), signal.SIGTERM)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (143, "", "")


def test_the_switch_turns_it_off():
    result = python("import ppgan_lite; print(ppgan_lite.runtime.settings())", PPGAN_RUNTIME="off")
    assert eval(result.stdout) == {
        "PPGAN_RUNTIME": "off",
        "PPGAN_LAYERS": None,
        "OMP_NUM_THREADS": None,
        "MKL_DEBUG_CPU_TYPE": None,
    }


def test_paddle_imported_first_is_one_warning():
    result = python("import paddle; import ppgan_lite; import ppgan_lite.config")
    assert result.stderr.count("paddle was imported before ppgan_lite") == 1


def test_load_paddle_hides_only_the_three_messages():
    code = "import sys; from ppgan_lite import runtime; runtime.load_paddle(); print('mine', file=sys.stderr)"
    assert python(code, OMP_NUM_THREADS="2").stderr == "mine\n"


def test_importing_the_package_does_not_import_paddle():
    assert (
        python("import ppgan_lite, ppgan_lite.config, ppgan_lite.cli, sys; print('paddle' in sys.modules)").stdout
        == "False\n"
    )


PAGE_FAULTS = """
import resource
import ppgan_lite
from ppgan_lite import runtime
paddle = runtime.load_paddle()
def faults(count):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(count):
        paddle.ones([11 * 2**20])  # 44 MB, more than glibc keeps by default
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults(3)
print(faults(10))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs glibc's malloc")
def test_freed_memory_is_used_again():
    """Otherwise each of the 10 x 11264 pages is requested again. The switch and the user's setting take precedence."""
    assert int(python(PAGE_FAULTS).stdout) < 2 * 11264  # a busy machine may cost one of the ten
    assert int(python(PAGE_FAULTS, PPGAN_RUNTIME="off").stdout) > 5 * 11264
    assert int(python(PAGE_FAULTS, MALLOC_TRIM_THRESHOLD_="131072").stdout) > 5 * 11264


def test_another_process_can_import_what_this_one_can(tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    environment = runtime.importing_the_same({"PATH": os.environ["PATH"], "PYTHONPATH": "nowhere"})
    code = "import only_here, ppgan_lite"
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path.parent, check=True)
