"""Worker processes that compute results in advance and return them in order.

paddle.io.DataLoader's workers are not used: in Paddle 3.3 they and their shared memory outlive a killed training, their
exceptions have a traceback as the message, and there are none on Windows and macOS.
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

from ppgan_lite.console import STOPPING
from ppgan_lite.errors import RunError

_function = None  # in a worker: the function that it computes


def ahead(function, tasks, workers: int):
    """Yield function(task) for each of `tasks`, in order.

    Closing the generator ends its processes. They ignore Ctrl-C and all other STOPPING signals, so that the parent can
    finish its step and save; they end with the parent, even if it is killed.

    Args:
        function: a pure function. It and its results can be pickled.
        tasks: iterable, possibly endless.
        workers: number of processes, which compute the next 2 * workers results; 0: each result is computed in this
            process, when it is needed.

    Raises:
        RunError: a worker was killed. Exceptions of `function` are raised here, too.
    """
    if not workers:
        yield from map(function, tasks)
        return
    # On other systems than Linux a fork is unsafe or does not exist.
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
            "a worker process that decodes pictures was killed, perhaps for lack of memory; lower data.workers"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(function):
    global _function
    _function = function
    cv2.setNumThreads(0)  # a fork does not copy OpenCV's threads
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _call(task):
    return _function(task)


def _end_with_parent():
    multiprocessing.parent_process().join()
    os._exit(1)


@contextlib.contextmanager
def _signals_blocked():
    """Processes started here ignore STOPPING signals: they inherit that these are blocked. Windows cannot block any."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
