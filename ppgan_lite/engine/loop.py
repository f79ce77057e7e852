"""The training loop, the same for every method.

Every step seeds the random generators from (seed, step), and the data position follows from the step. So a resumed run
equals an uninterrupted one bit for bit, and nothing between two steps (a preview, a log line) can change them.
"""

import contextlib
import dataclasses
import math
import signal
import threading
from pathlib import Path

from ppgan_lite import console
from ppgan_lite.config.build import build_dataset, build_method
from ppgan_lite.config.load import Config, to_yaml, without_effect
from ppgan_lite.data.loader import batches, batches_per_epoch
from ppgan_lite.device import seed_paddle, set_device
from ppgan_lite.engine.ema import follow
from ppgan_lite.engine.observer import Observer
from ppgan_lite.engine.progress import Progress
from ppgan_lite.errors import ConfigError, DataError, EvaluationError, RunError, warn
from ppgan_lite.evaluation.evaluation import Evaluation, obstacle
from ppgan_lite.files import locked
from ppgan_lite.runs import checkpoint
from ppgan_lite.runs.run import Run, check_folder


def train(config: Config, folder: Path, resume: bool, overwrite: bool, device: str, dry_run: bool) -> int:
    """Train as configured, in `folder`. Returns the exit code: 0, or 128 + the number of the signal that stopped it.

    Raises:
        UserError: anything that the user can correct.
    """
    with console.guarded():
        return _train(config, folder, resume, overwrite, device, dry_run)


def _train(config: Config, folder: Path, resume: bool, overwrite: bool, device: str, dry_run: bool) -> int:
    if useless := without_effect(config):
        warn("; ".join(useless))
    if not dry_run:
        check_folder(folder, resume, overwrite)
    device = set_device(device)
    built = _without_cache(config) if dry_run else config
    dataset = build_dataset(built)
    epoch_batches = batches_per_epoch(len(dataset), config.data.batch_size)
    method = build_method(config, dataset.spec)
    steps = config.train.steps or config.method.steps_in(config.train.epochs * epoch_batches)
    for field in dataset.spec.values():
        if field.has_pixels and (reason := config.method.too_short(steps, field.shape[1])):
            warn(reason)
    evaluation = _evaluation(built, dataset)
    print(f"data: {dataset.source}", flush=True)
    if evaluation is None and (reason := obstacle(config)):  # else it has looked itself
        warn(f"this run cannot be evaluated: {reason}")
    if dry_run:
        print(_description(config, method), f"length: {steps} steps on {device}", sep="\n")
        return 0

    with locked(folder):
        done = 0
        if resume and checkpoint.list_steps(folder / "checkpoints"):
            run, done = _resume(method, folder, config, dataset.source, device)
        else:
            if resume:
                _check_unsaved(folder, config, dataset.source)
            run = Run.create(folder, config, dataset, device)
        print(f"run: {folder} on {device}, step {done} of {steps}", flush=True)
        with run, Progress(done, steps, config.method.batches_in, epoch_batches, config.data.batch_size) as progress:
            observer = Observer(run, method, config, _shown(config, dataset), evaluation, progress.say)
            if done and _evaluation_is_due(config.train, done, steps):
                observer.complete(done)
            return _train_steps(run, method, dataset, config, done, steps, observer, progress)


def _train_steps(run, method, dataset, config, done: int, steps: int, observer: Observer, progress: Progress) -> int:
    """Train from the step after `done` up to `steps`; returns the exit code."""
    cfg = config.train
    if done >= steps:
        progress.say(f"nothing to do: {run.folder} is at step {done} of {steps}; to train longer, {_longer(config)}")
        return 0
    data = batches(dataset, config.data.batch_size, cfg.seed, first_batch=config.method.batches_in(done))
    unchecked = []  # (step, scalars) still on the device
    with contextlib.closing(data), _StopSignals() as signals:
        for step in range(done + 1, steps + 1):
            seed_paddle(cfg.seed, step)
            for optimizer in method.optimizers.values():
                optimizer.schedule(step, steps)
            method.updates.gradient_norms = {} if step % cfg.log_every == 0 else None
            scalars = method.train_step([next(data) for _ in range(config.method.num_batches(step))], step)
            for name, average in method.averages.items():
                follow(average, method.networks[name], cfg.ema, step)
            unchecked.append((step, scalars | (method.updates.gradient_norms or {})))
            progress.advance()
            stop = signals.received or step == steps
            evaluating = _evaluation_is_due(cfg, step, steps) and not signals.received
            saving = stop or evaluating or step % cfg.save_every == 0  # before evaluating, which takes memory and time
            if saving or step % cfg.log_every == 0:
                _check_and_log(run, unchecked, cfg.log_every, observer, progress)
                unchecked = []
            if stop or step % cfg.preview_every == 0:
                observer.preview(step)
            diagnosis = observer.diagnose()
            if saving or diagnosis:
                checkpoint.save(run.checkpoints, step, method, config.to_dict(), cfg.keep)
            if evaluating:
                observer.evaluate(step)
                progress.measure(step)  # without the time of the evaluation
                stop = stop or signals.received
            if stop or diagnosis:
                progress.say(f"saved step {step} of {steps} in {run.folder}")
            if diagnosis:
                raise RunError(f"{run.folder}: stopped at step {step} by train.stop_on: {diagnosis}; see above for why")
            if stop:
                break
    return 128 + signals.received if signals.received else 0


def _longer(config: Config) -> str:
    """What to do for a longer training than a finished one."""
    if not config.can_be_longer:
        return "start a new run: a learning rate decays over its length"
    return f"increase {'train.epochs' if config.train.steps is None else 'train.steps'}"


def _evaluation_is_due(cfg, step: int, steps: int) -> bool:
    return cfg.evaluate_every is not None and (step == steps or step % cfg.evaluate_every == 0)


def _check_and_log(run: Run, unchecked: list, log_every: int, observer: Observer, progress: Progress):
    """Copy the scalars of the last steps to the host, refuse NaN and infinity, log the steps that are due."""
    for step, scalars in unchecked:
        values = {key: float(value) for key, value in scalars.items()}
        for key, value in values.items():
            if not math.isfinite(value):
                raise RunError(
                    f"{key} is {value} at step {step}; {checkpoint.last_good(run.checkpoints)}; "
                    "a lower optim.*.lr may help"
                )
        if step % log_every == 0:
            speed = progress.measure(step)
            observer.log(step, values, speed)
            progress.show(step, values, speed)


def _without_cache(config: Config) -> Config:
    """The config with pictures that are decoded when they are used, and so not at all if they are not."""
    if not hasattr(config.data, "cache"):
        return config
    return dataclasses.replace(config, data=dataclasses.replace(config.data, cache="none"))


def _shown(config: Config, dataset):
    """The data that previews show: for translators test pictures, or training pictures if there are no others."""
    if config.method.KIND != "translator":
        return dataset
    try:
        return build_dataset(_without_cache(config), "test")
    except DataError as error:
        warn(f"previews show training pictures: {error}")
        return dataset


def _evaluation(config: Config, dataset) -> Evaluation | None:
    """The evaluation for `train.evaluate_every`, or None; checked before the first step and any change on disk."""
    if config.train.evaluate_every is None:
        return None
    try:
        return Evaluation(config, dataset)
    except EvaluationError as error:
        raise ConfigError(f"train.evaluate_every: {error}; set it to null to train without evaluations") from error


def _check_unsaved(folder: Path, config: Config, source):
    """Refuse other config or data for a run that was stopped before its first checkpoint and starts again."""
    if (folder / "config.yml").exists():
        run = Run.open_existing(folder)
        run.check_same(config, run.config().to_dict(), source)
    warn("no checkpoint was saved yet: starting from step 0")


def _resume(method, folder: Path, config: Config, source, device: str) -> tuple[Run, int]:
    """Restore the method and the run's folder to the newest undamaged checkpoint; returns the run and the step."""
    run = Run.open_existing(folder)
    saved = checkpoint.load_newest(run.checkpoints, on_damage=warn)
    run.check_same(config, saved.config, source)
    saved.restore(method)
    before = run.record["sessions"][-1]
    run.resume(config, device, saved.step)
    now = run.record["sessions"][-1]
    if changed := _changes(before, now):
        warn(f"{'; '.join(changed)}: the run will not equal an uninterrupted one bit for bit")
    return run, saved.step


def _changes(before: dict, now: dict) -> list[str]:
    """What differs between two sessions of a run and may change how numbers are rounded, each in a few words."""
    was, is_now = (
        {key: value for key, value in session.items() if key in ("device", "processor")}
        | session["runtime"]
        | session["versions"]
        for session in (before, now)
    )
    return [
        f"{key} was {was[key] or 'unset'} and is now {value or 'unset'}"
        for key, value in is_now.items()
        if was.get(key, value) != value  # older versions recorded less
    ]


def _description(config: Config, method) -> str:
    lines = [to_yaml(config)]
    for name, network in method.networks.items():
        trainable = sum(math.prod(p.shape) for p in network.parameters() if not p.stop_gradient)
        fixed = sum(math.prod(p.shape) for p in network.parameters() if p.stop_gradient)
        lines.append(f"network {name}: {trainable:,} parameters, and {fixed:,} numbers that are not trained")
    lines += [f"network {name}_ema: a moving average of {name}" for name in method.averages]
    return "\n".join(lines)


class _StopSignals:
    """Records the first signal that asks to stop, so that the step can end and be saved; a second one acts at once.

    Python lets only the main thread handle signals: a training in another thread does not change their handling.
    """

    def __init__(self):
        self.received = 0
        self._before = {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            for number in console.stopping():
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *exception):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number, frame):
        self.received = number
        self.__exit__()
        warn("stopping after this step and saving (again to stop at once)")
