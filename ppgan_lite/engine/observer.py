"""Previews, health and evaluation during training. Nothing here changes what a step computes."""

import numpy as np
import paddle

from ppgan_lite.device import seed_paddle
from ppgan_lite.methods.points import look
from ppgan_lite.pictures import points
from ppgan_lite.pictures.grid import grid, grid_columns, grid_of, stacked
from ppgan_lite.runs.health import Health

PREVIEW_IMAGES = 128  # 8 rows of 16, as in the tutorial
PREVIEW_COLUMNS = 16
PREVIEW_PAIRS = 32  # 4 rows of 8: where pictures are made from pictures, which are shown next to each other


class Observer:
    """Watches a method while it trains.

    Args:
        run, method, config: of the training.
        dataset: of the training; a few of its images show how diverse they should be, and what they should look like.
        evaluation: measures the method; None where the config asks for none.
        say: takes a line for the console.
    """

    def __init__(self, run, method, config, dataset, evaluation, say):
        self.run, self.method, self.config, self.say = run, method, config, say
        self._evaluation = evaluation
        self._points = dataset if any(field.kind == "point" for field in dataset.spec.values()) else None
        self._samplers = method.samplers()
        chosen = np.random.default_rng(0).permutation(len(dataset))[:PREVIEW_IMAGES]
        data = dataset.batch(chosen)
        real = [data[name] for name, field in dataset.spec.items() if field.has_pixels]  # [N, C, H, W] in [-1, 1]
        self._inputs = self._draw(data)
        self._health = Health(real[0], config.method.WATCHES)
        if self._samplers and self._points is None:
            run.log.add_real(stacked([grid(images, PREVIEW_COLUMNS) for images in real]), run.describe_data())
        self._recall()

    def _draw(self, data: dict) -> dict[str, dict]:
        """What each sampler makes all its previews from."""
        seed_paddle(self.config.train.seed, 0, 1)
        num = PREVIEW_IMAGES if self._points is None else points.NUM_SAMPLES
        few = {name: paddle.to_tensor(values[:PREVIEW_PAIRS]) for name, values in data.items()}
        num_few = len(next(iter(few.values())))
        return {name: sampler.draw(num_few if sampler.fields else num, few) for name, sampler in self._samplers.items()}

    def log(self, step: int, scalars: dict[str, float], images_per_second: float):
        """Log what a step computed, and judge by it."""
        self.run.log.add_scalars(step, scalars, images_per_second=round(images_per_second, 1))
        self._health.step(step, scalars)

    def preview(self, step: int):
        """Show what the samplers make of fixed inputs."""
        if not self._samplers:
            return
        made = {
            name: sampler(self._inputs[name], batch_statistics=True).numpy() for name, sampler in self._samplers.items()
        }
        self.run.log.add_preview(step, self._picture(step, made), self.run.describe_images(step))
        # Not at the step where a run happens to stop: a resumed one must log what an uninterrupted one logs.
        if step % self.config.train.preview_every == 0:
            for name in [name for name, sampler in self._samplers.items() if not sampler.fields][:1]:
                diversity = self._health.preview(step, made[name])
                if diversity is not None:
                    self.run.log.add_scalars(step, {"health/diversity": diversity})

    def _picture(self, step: int, made: dict[str, np.ndarray]) -> np.ndarray:
        """A grid for each sampler; of points, which are pictures of one pixel, a panel that shows where they lie."""
        if self._points is not None:
            ((name, images),) = made.items()
            return points.draw(self._points, [look(self.method, self._points, self._inputs[name], images, step)])
        grids = []
        for name, images in made.items():
            sampler = self._samplers[name]
            inputs = [self._inputs[name][shown].numpy() for shown in sampler.shown]
            columns = grid_columns(sampler.num_kinds) or PREVIEW_COLUMNS // (1 + len(inputs))
            grids.append(grid_of([*inputs, images], columns))
        return stacked(grids)

    def evaluate(self, step: int):
        """Measure the method; of a GAN, keep the checkpoint with the lowest Frechet distance."""
        self.say(f"evaluating step {step} ...")
        result = self._evaluation(self.method, step)
        self.run.results.add(result)
        self.run.log.add_result(result)
        self.say("\n".join([f"step {step} evaluated in {result.seconds:.0f} s", result.table()]))
        if self._samplers:
            self.run.results.keep_best(result, self.method, self.config)

    def diagnose(self) -> str | None:
        """Report new diagnoses; return the one listed in train.stop_on, if any."""
        stop = None
        for diagnosis in self._health.diagnoses():
            self.run.log.add_diagnosis(diagnosis)
            self.say(_in_words(diagnosis))
            if diagnosis.name in self.config.train.stop_on:
                stop = diagnosis.name
        return stop

    def _recall(self):
        """Take in what was logged before, so that a resumed run is judged like one that was never stopped."""
        for record in self.run.log.read():
            if "health/diversity" in record:
                self._health.diversity(record["step"], record["health/diversity"])
            elif "diagnosis" not in record:
                self._health.step(record["step"], record)
        self._health.diagnoses()  # they were reported before
        for state in self._health.summary():
            if state["until"] is None and state["name"] in self.config.train.stop_on:
                self.say(f"{state['name']} holds since step {state['since']}: train.stop_on does not stop for it again")


def _in_words(diagnosis) -> str:
    """A diagnosis for the console."""
    title = diagnosis.name.replace("_", " ").upper()
    lines = [f"*** {title} at step {diagnosis.step}, since step {diagnosis.since}: {diagnosis.words}"]
    return "\n".join([*lines, *(f"***   may help: {remedy}" for remedy in diagnosis.remedies)])
