import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import ROOT, wait_until_gone

from ppgan_lite.console import STOPPING
from ppgan_lite.data.workers import ahead
from ppgan_lite.errors import DataError, RunError


def square(number):
    time.sleep(0.01 * (number % 3))  # so that later tasks end before earlier ones
    return number * number


def fail_at_three(number):
    if number == 3:
        raise DataError("three: not a picture")
    return number


def process_id(_):
    return os.getpid()


def kill_itself(_):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_results_come_in_order(workers):
    assert list(ahead(square, range(10), workers)) == [number * number for number in range(10)]
    assert list(ahead(square, [], workers)) == []


@pytest.mark.parametrize("workers", [0, 2])
def test_few_of_endless_tasks_are_taken_in_advance(workers):
    taken = itertools.count()
    results = ahead(square, taken, workers)
    assert list(itertools.islice(results, 5)) == [0, 1, 4, 9, 16]
    assert next(taken) <= 5 + 2 * workers
    results.close()
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_is_raised_unchanged_and_in_order(workers):
    results = ahead(fail_at_three, range(9), workers)
    assert list(itertools.islice(results, 3)) == [0, 1, 2]
    with pytest.raises(DataError, match=r"^three: not a picture$"):
        next(results)
    assert multiprocessing.active_children() == []


def test_workers_do_the_work():
    results = ahead(process_id, itertools.count(), 2)
    ids = set(itertools.islice(results, 20))
    assert os.getpid() not in ids
    assert ids <= {child.pid for child in multiprocessing.active_children()}
    results.close()


def test_a_killed_process_is_one_line():
    with pytest.raises(RunError, match=r"a worker process that decodes pictures was killed.*lower data.workers"):
        list(ahead(kill_itself, range(3), 2))
    assert multiprocessing.active_children() == []


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="needs a system that can block signals")
def test_workers_ignore_signals():
    results = ahead(process_id, itertools.count(), 1)
    worker = next(results)
    for number in STOPPING:
        os.kill(worker, number)
    assert list(itertools.islice(results, 10)) == [worker] * 10
    results.close()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert not set(STOPPING) & mask


CHILDREN = """
import itertools, os, sys
from ppgan_lite.data.workers import ahead

if __name__ == "__main__":
    results = ahead(abs, itertools.count(), 2)
    next(results)
    import multiprocessing
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    sys.stdin.read()
"""


def test_workers_end_with_a_killed_parent():
    process = subprocess.Popen(
        [sys.executable, "-c", CHILDREN], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    workers = [int(word) for word in process.stdout.readline().split()]
    assert len(workers) == 2
    process.kill()
    process.communicate()
    wait_until_gone(workers)
