"""Previews, health and evaluation during training. Nothing here changes what a step computes."""

import numpy as np
import paddle

from ppgan_lite.data.spec import has_points
from ppgan_lite.device import seed_paddle
from ppgan_lite.methods.points import look
from ppgan_lite.pictures import points
from ppgan_lite.pictures.grid import grid, grid_columns, grid_of, stacked
from ppgan_lite.runs import checkpoint
from ppgan_lite.runs.health import Health
from ppgan_lite.runs.results import Result

PREVIEW_IMAGES = 128  # 8 rows of 16, as in the tutorial
PREVIEW_COLUMNS = 16
PREVIEW_PAIRS = 32  # 4 rows of 8, for image-to-image methods: inputs and outputs are shown next to each other


class Observer:
    """Watches a method while it trains.

    Args:
        run: the run that records everything.
        method: the method in training.
        config: the run's config.
        dataset: the training data; a few of its images are the reference for diversity and are shown in real.png.
        evaluation: measures the method, or None.
        say: prints a line on the console.
    """

    def __init__(self, run, method, config, dataset, evaluation, say):
        self.run, self.method, self.config, self.say = run, method, config, say
        self._evaluation = evaluation
        self._points = dataset if has_points(dataset.spec) else None
        self._samplers = method.samplers()
        data = dataset.batch(np.random.default_rng(0).permutation(len(dataset))[:PREVIEW_IMAGES])
        real = [data[name] for name, field in dataset.spec.items() if field.has_pixels]  # [N, C, H, W] in [-1, 1]
        self._inputs = self._draw(data)
        self._health = Health(real[0], config.method.WATCHES)
        if self._samplers and self._points is None:
            run.log.add_real(stacked([grid(images, PREVIEW_COLUMNS) for images in real]), run.describe_data())
        self._observe_log()

    def _draw(self, data: dict) -> dict[str, dict]:
        """The fixed inputs of all previews, for each sampler."""
        seed_paddle(self.config.train.seed, 0, 1)
        num = PREVIEW_IMAGES if self._points is None else points.NUM_SAMPLES
        few = {name: paddle.to_tensor(values[:PREVIEW_PAIRS]) for name, values in data.items()}
        num_few = len(next(iter(few.values())))
        return {name: sampler.draw(num_few if sampler.fields else num, few) for name, sampler in self._samplers.items()}

    def log(self, step: int, scalars: dict[str, float], images_per_second: float):
        """Log the scalars of a step and pass them to health."""
        self.run.log.add_scalars(step, scalars, images_per_second=round(images_per_second, 1))
        self._health.observe(step, scalars)

    def preview(self, step: int):
        """Write a preview: the samplers' outputs for the fixed inputs."""
        if not self._samplers:
            return
        outputs = {
            name: sampler(self._inputs[name], batch_statistics=True).numpy() for name, sampler in self._samplers.items()
        }
        self.run.log.add_preview(step, self._picture(step, outputs), self.run.describe_images(step))
        # No diversity at the step where a run happens to stop: a resumed run logs the same as an uninterrupted one.
        if step % self.config.train.preview_every == 0:
            for name in [name for name, sampler in self._samplers.items() if not sampler.fields][:1]:
                diversity = self._health.observe_preview(step, outputs[name])
                if diversity is not None:
                    self.run.log.add_scalars(step, {"health/diversity": diversity})

    def _picture(self, step: int, outputs: dict[str, np.ndarray]) -> np.ndarray:
        """The picture of a preview: a grid for each sampler, or a plot of points."""
        if self._points is not None:
            ((name, images),) = outputs.items()
            return points.draw(self._points, [look(self.method, self._points, self._inputs[name], images, step)])
        grids = []
        for name, images in outputs.items():
            sampler = self._samplers[name]
            inputs = [self._inputs[name][shown].numpy() for shown in sampler.shown]
            columns = grid_columns(sampler.num_kinds) or PREVIEW_COLUMNS // (1 + len(inputs))
            grids.append(grid_of([*inputs, images], columns))
        return stacked(grids)

    def evaluate(self, step: int):
        """Measure the method, and save it as the best checkpoint if its Frechet distance is the lowest so far.

        The result is written last: a training that was killed before that evaluates the step again.
        """
        self.say(f"evaluating step {step} ...")
        result = self._evaluation(self.method, step)
        if self._samplers:
            self.run.results.keep_best(result, self.method, self.config)
        self.run.results.add(result)
        self.run.log.add_result(result)
        self.say(f"step {step} ({result.seconds:.0f} s): {result.headline()}\n{result.table()}")

    def complete(self, step: int):
        """Do what the training that ended after saving a step did not come to: its evaluation, keeping the best."""
        result = self.run.results.file(step)
        if not result.exists():
            self.evaluate(step)
        elif self._samplers and not checkpoint.list_steps(self.run.best):  # the best was of a step that was lost
            self.run.results.keep_best(Result.read(result), self.method, self.config)

    def diagnose(self) -> str | None:
        """Report new diagnoses; return the one listed in train.stop_on, if any."""
        stop = None
        for diagnosis in self._health.diagnoses():
            self.run.log.add_diagnosis(diagnosis)
            self.say(_in_words(diagnosis))
            if diagnosis.name in self.config.train.stop_on:
                stop = diagnosis.name
        return stop

    def _observe_log(self):
        """Show health the records so far, so that a resumed run is diagnosed like an uninterrupted one."""
        for record in self.run.log.read():
            if "health/diversity" in record:
                self._health.observe_diversity(record["step"], record["health/diversity"])
            elif "diagnosis" not in record:
                self._health.observe(record["step"], record)
        self._health.diagnoses()  # they were reported before
        for state in self._health.summary():
            if state["until"] is None and state["name"] in self.config.train.stop_on:
                self.say(f"{state['name']} holds since step {state['since']}: train.stop_on does not stop for it again")


def _in_words(diagnosis) -> str:
    """A diagnosis as text for the console."""
    title = diagnosis.name.replace("_", " ").upper()
    lines = [f"*** {title} at step {diagnosis.step}, since step {diagnosis.since}: {diagnosis.words}"]
    return "\n".join([*lines, *(f"***   may help: {remedy}" for remedy in diagnosis.remedies)])
