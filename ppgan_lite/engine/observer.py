"""What looks on while a method trains: previews, health and evaluation. Nothing here changes what a step computes."""

import numpy as np

from ppgan_lite.data.gaussians import Gaussians
from ppgan_lite.device import seed_paddle
from ppgan_lite.methods.base import Generative
from ppgan_lite.methods.points import look
from ppgan_lite.pictures import points
from ppgan_lite.pictures.grid import grid, grid_columns
from ppgan_lite.runs.health import Health

PREVIEW_IMAGES = 128  # 8 rows of 16, as in the tutorial
PREVIEW_COLUMNS = 16


class Observer:
    """Looks at a run of a method while it trains.

    Args:
        run, method, config: of the training.
        dataset: of the training; a few of its images show how diverse they should be, and what they should look like.
        evaluation: measures the method; None where the config asks for none.
        say: takes a line for the console.
    """

    def __init__(self, run, method, config, dataset, evaluation, say):
        self.run, self.method, self.config, self.say = run, method, config, say
        self._points = dataset if isinstance(dataset, Gaussians) else None
        self._inputs = None
        if isinstance(method, Generative):
            seed_paddle(config.train.seed, 0, 1)
            self._inputs = method.draw(PREVIEW_IMAGES if self._points is None else points.NUM_SAMPLES)
        chosen = np.random.default_rng(0).permutation(len(dataset))[:PREVIEW_IMAGES]
        real = np.stack([dataset[int(i)]["image"] for i in chosen])  # [N, C, H, W] in [-1, 1]
        self._health = Health(real)
        if self._inputs is not None and self._points is None:
            run.add_real(grid(real, PREVIEW_COLUMNS))
        self._evaluation = evaluation
        self._recall()

    def log(self, step: int, scalars: dict[str, float], images_per_second: float):
        """Log what a step computed, and judge by it."""
        self.run.log(step, scalars, images_per_second=round(images_per_second, 1))
        self._health.step(step, scalars)

    def preview(self, step: int):
        """Show what G makes of a fixed batch of noise."""
        if self._inputs is None:
            return
        images = self.method.generate(self._inputs, batch_statistics=True).numpy()
        self.run.preview(step, self._picture(step, images))
        # Not at the step where a run happens to stop: a resumed one must log what an uninterrupted one logs.
        if step % self.config.train.preview_every == 0:
            diversity = self._health.preview(step, images)
            if diversity is not None:
                self.run.log(step, {"health/diversity": diversity})

    def _picture(self, step: int, images) -> np.ndarray:
        """A grid of images; of points, which are pictures of one pixel, a panel that shows where they lie."""
        if self._points is None:
            return grid(images, grid_columns(self.method.num_kinds) or PREVIEW_COLUMNS)
        return points.draw(self._points, [look(self.method, self._points, self._inputs, images, step)])

    def evaluate(self, step: int):
        """Measure the method; of a GAN, keep the checkpoint with the lowest Frechet distance."""
        self.say(f"evaluating step {step} ...")
        result = self._evaluation(self.method, step)
        self.run.add_result(result)
        self.run.log_result(result)
        self.say("\n".join([f"step {step} evaluated in {result.seconds:.0f} s", result.table()]))
        if isinstance(self.method, Generative):
            self.run.save_best(result, self.method, self.config)

    def diagnose(self) -> str | None:
        """Tell of what is newly wrong with the run. Returns the diagnosis that shall stop it, if one is among them."""
        stop = None
        for diagnosis in self._health.diagnoses():
            self.run.log_diagnosis(diagnosis)
            self.say(_in_words(diagnosis))
            if diagnosis.name in self.config.train.stop_on:
                stop = diagnosis.name
        return stop

    def _recall(self):
        """Take in what was logged before, so that a resumed run is judged like one that was never stopped."""
        for record in self.run.read_metrics():
            if "health/diversity" in record:
                self._health.diversity(record["step"], record["health/diversity"])
            elif "diagnosis" not in record:
                self._health.step(record["step"], record)
        self._health.diagnoses()  # they have been told
        for state in self._health.summary():
            if state["until"] is None and state["name"] in self.config.train.stop_on:
                self.say(f"{state['name']} holds since step {state['since']}: train.stop_on does not stop for it again")


def _in_words(diagnosis) -> str:
    """A diagnosis for the console."""
    title = diagnosis.name.replace("_", " ").upper()
    lines = [f"*** {title} at step {diagnosis.step}, since step {diagnosis.since}: {diagnosis.words}"]
    return "\n".join([*lines, *(f"***   may help: {remedy}" for remedy in diagnosis.remedies)])
