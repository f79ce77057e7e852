"""Copy the classifier of a finished run of configs/evaluator_*.yml into the package, with its card.

python tools/train.py -c configs/evaluator_mnist.yml
python benchmarks/ship_evaluator.py --run output/evaluator_mnist
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import safetensors.numpy

from ppgan_lite import runtime
from ppgan_lite.cli import parser as cli
from ppgan_lite.errors import EvaluationError
from ppgan_lite.files import seal, sha256, writing

EVALUATORS = ("evaluator", "photo_evaluator")  # networks that may be shipped


def ship_evaluator(run_folder: Path) -> dict:
    """Write the classifier of a finished run of configs/evaluator_*.yml and its card to `evaluators/`.

    Returns:
        the card.

    Raises:
        UserError: no such run, not a run of these configs on their data, or its last step was not evaluated.
    """
    from ppgan_lite.evaluation import features
    from ppgan_lite.runs.results import Result
    from ppgan_lite.runs.trained import open_trained

    run, _, saved = open_trained(run_folder, step=None)
    if saved.config.get("classifier", {}).get("name") not in EVALUATORS or run.source.stands_in_for:
        kind = f"a run of {saved.config['method']['name']} on {run.source.title}"
        raise EvaluationError(f"{run_folder}: {kind}; give a run of configs/evaluator_*.yml")
    name, result = run.source.name, Result.read(run.results.file(saved.step))
    content = safetensors.numpy.save(saved.arrays["network_c"])
    card = {
        "network": saved.config["classifier"],
        "image_shape": list(run.spec["image"].shape),
        "class_names": list(run.spec["label"].names),
        "num_parameters": sum(array.size for array in saved.arrays["network_c"].values()),
        "test_accuracy": result.figures["accuracy"].value,
        "tested_on": result.protocol,
        "trained_on": {"name": name, "sha256": run.source.sha256, "num_images": run.source.num_images}
        | ({"part": run.source.part} if run.source.part else {}),
        "steps": saved.step,
        "config": saved.config,
        "versions": run.record["sessions"][-1]["versions"],
        "file": {"name": f"{name}.safetensors", "sha256": sha256(content), "bytes": len(content)},
    }
    with writing(features.FOLDER / f"{name}.safetensors") as stream:
        stream.write(content)
    with writing(features.FOLDER / f"{name}.json") as stream:
        stream.write(seal(card))
    return card


def main(argv=None) -> int:
    """Run the command line; returns the exit code."""
    parser = cli.Parser(__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of the run, for example output/evaluator_mnist")
    args = parser.parse_args(argv)

    def ship():
        runtime.load_paddle()
        card = ship_evaluator(args.run)
        name, size, accuracy = card["file"]["name"], card["file"]["bytes"], card["test_accuracy"]
        print(f"{name}: {size} bytes, {card['num_parameters']} parameters, test accuracy {accuracy:.2%}")

    return cli.run_tool(ship, args.debug)


if __name__ == "__main__":
    sys.exit(main())
