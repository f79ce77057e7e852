"""Previews, health and evaluation during training. Nothing here changes what a step computes."""

from ppgan_lite.engine.previews import previews_of
from ppgan_lite.runs import checkpoint
from ppgan_lite.runs.health import Health
from ppgan_lite.runs.results import Result


class Observer:
    """Watches a method while it trains.

    Args:
        run: the run that records everything.
        method: the method in training.
        config: the run's config.
        dataset: the data of which a few items are shown in previews and in real.png, and compared with what is made.
        evaluation: measures the method, or None.
        say: prints a line on the console.
    """

    def __init__(self, run, method, config, dataset, evaluation, say):
        self.run, self.method, self.config, self.say = run, method, config, say
        self._evaluation = evaluation
        self._previews = previews_of(method, config, dataset)
        self._health = self._previews.health if self._previews else Health(config.method.WATCHES)
        if self._previews and self._previews.real is not None:
            run.log.add_real(self._previews.real, run.describe_data())
        self._observe_log()

    def log(self, step: int, scalars: dict[str, float], images_per_second: float):
        """Log the scalars of a step and pass them to health."""
        self.run.log.add_scalars(step, scalars, images_per_second=round(images_per_second, 1))
        self._health.observe(step, scalars)

    def preview(self, step: int):
        """Write a preview: what the method makes of the fixed inputs."""
        if not self._previews:
            return
        made = self._previews.make()
        metadata = {**self.run.describe_images(step), **self._previews.METADATA}
        self.run.log.add_preview(step, self._previews.picture(made, step), metadata)
        # Not at the step where a run happens to stop: a resumed run logs the same as an uninterrupted one.
        if step % self.config.train.preview_every == 0 and (measures := self._previews.observe(made, step)):
            self.run.log.add_scalars(step, measures)

    def evaluate(self, step: int):
        """Measure the method, and save it as the best checkpoint if its `Result.distance` is the lowest so far.

        The result is written last: a training that was killed before that evaluates the step again.
        """
        self.say(f"evaluating step {step} ...")
        result = self._evaluation(self.method, step)
        if self._previews:
            self.run.results.keep_best(result, self.method, self.config)
        self.run.results.add(result)
        self.run.log.add_result(result)
        self.say(f"step {step} ({result.seconds:.0f} s): {result.headline()}\n{result.table()}")

    def complete(self, step: int):
        """Do what the training that ended after saving a step did not come to: its evaluation, keeping the best."""
        result = self.run.results.file(step)
        if not result.exists():
            self.evaluate(step)
        elif self._previews and not checkpoint.list_steps(self.run.best):  # the best was of a step that was lost
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
            if any(key.startswith("health/") for key in record):
                self._health.observe_measures(record["step"], record)
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
