"""Processes that compute ahead of need, and give their results in order.

Not those of paddle.io.DataLoader: in Paddle 3.3 they live on for ever when the training is killed, with what they put
into shared memory; what they raise comes with a traceback as its message; and there are none on Windows and macOS.
"""

import collections
import concurrent.futures
import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures.process import BrokenProcessPool

import cv2

from ppgan_lite.errors import RunError

_function = None  # of a worker: what it computes


def ahead(function, tasks, workers: int):
    """Yield function(task) of each of `tasks`, in order.

    Closing the generator ends its processes. They do not hear Ctrl-C and SIGTERM, so that the process that they work
    for can end its step and save; they end when it does, even if it is killed.

    Args:
        function: a pure function that can be pickled, and so its results.
        tasks: iterable, which may have no end.
        workers: processes, which compute the next 2 * workers results; 0: computed here, when they are asked for.

    Raises:
        RunError: a process was killed. What `function` raises is raised here, too.
    """
    if not workers:
        yield from map(function, tasks)
        return
    # Linux only: elsewhere a fork is not safe, or unknown.
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else None)
    pool = concurrent.futures.ProcessPoolExecutor(workers, context, _begin, (function,))
    tasks, results = iter(tasks), collections.deque()
    try:
        while True:
            for task in tasks:
                with _signals_blocked():
                    results.append(pool.submit(_call, task))
                if len(results) >= 2 * workers:
                    break
            if not results:
                return
            yield results.popleft().result()
    except BrokenProcessPool as error:
        raise RunError(
            "a process that decodes pictures was killed, for want of memory perhaps; lower data.workers"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(function):
    global _function
    _function = function
    cv2.setNumThreads(0)  # those of the process that was forked are not here
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _call(task):
    return _function(task)


def _end_with_parent():
    multiprocessing.parent_process().join()
    os._exit(1)


@contextlib.contextmanager
def _signals_blocked():
    """Start processes that never hear Ctrl-C and SIGTERM: they inherit what is blocked (Windows blocks nothing)."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
