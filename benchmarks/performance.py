"""Measure the figures of docs/PERFORMANCE.md and write them to the page.

  python benchmarks/performance.py
  python benchmarks/performance.py --parts speed startup

Takes more than an hour, most of it for `long`; nothing else should run at the same time. Each part replaces its own
section of the page as soon as it is measured, and updates the summary and the table of contents at the top; the text
around the sections is written by hand. `speed` and `translation` need torch, `serving` paddle2onnx and onnxruntime
(benchmarks/requirements.txt).
"""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ppgan_lite import runtime  # noqa: E402
from ppgan_lite.commands import benchmark  # noqa: E402
from ppgan_lite.commands.benchmark import Contender, Measurement  # noqa: E402
from ppgan_lite.config.load import load_config  # noqa: E402
from ppgan_lite.report.markdown import bullets, link_to  # noqa: E402

PAGE = ROOT / "docs" / "PERFORMANCE.md"
CONFIG = ROOT / "configs" / "dcgan_mnist.yml"
ROUNDS = 5
DASHES = "| --- | --- | --- | --- | --- |"

# title, config, overrides, the twins' --step
CASES = [
    ("`dcgan_mnist.yml`", CONFIG, [], "dcgan28"),
    ("`dcgan_mnist.yml`, transposed", CONFIG, ["generator.upsample=transposed"], "dcgan28_transposed"),
    ("`dcgan64_fake.yml`", ROOT / "configs" / "dcgan64_fake.yml", [], "dcgan64"),
    ("`gan_keras_mnist.yml`", ROOT / "configs" / "gan_keras_mnist.yml", [], "gan_keras"),
    ("`wgan_gp_mnist_cpu.yml`", ROOT / "configs" / "wgan_gp_mnist_cpu.yml", [], "wgan_gp"),
]

# The same without a twin in plain Paddle, on noise in place of the pictures.
LATER = [
    (
        "`sngan_cifar10_cpu.yml`",
        ROOT / "configs" / "sngan_cifar10_cpu.yml",
        ["data={name: fake, batch_size: 64, size: 32}"],
        "sngan",
    ),
    (
        "`own_pictures.yml`, penalties in each update, without augmentation",
        ROOT / "configs" / "own_pictures.yml",
        ["data={name: fake, batch_size: 32}", "method.penalty_every=1", "method.augment=[]"],
        "r3gan",
    ),
    (
        "`stylegan2_flowers64_cpu.yml`, both penalties in each step, without augmentation",
        ROOT / "configs" / "stylegan2_flowers64_cpu.yml",
        [
            "data={name: fake, batch_size: 32}",
            "method.r1_every=1",
            "method.path_every=1",
            "method.augment=[]",
            "method.augment_target=null",
        ],
        "stylegan2",
    ),
]

# The same for translation, on noise in place of the pictures, which are no part of a checkout.
NOISE = "data={name: derived, images: fake, num_images: 64, batch_size: 1, size: "
TRANSLATION = [
    ("`pix2pix_facades_cpu.yml`", ROOT / "configs" / "pix2pix_facades_cpu.yml", [NOISE + "128}"], "pix2pix"),
    (
        "`cyclegan_flowers_cpu.yml`",
        ROOT / "configs" / "cyclegan_flowers_cpu.yml",
        [NOISE + "64, paired: false}"],
        "cyclegan",
    ),
]

SERVED = [("g", 0), ("g", 1), ("d", 0), ("g", 2)]  # network, and index of its config in CASES
# engine of benchmarks/served.py -> title
ENGINES = {
    "eager": "eager, in ppgan_lite",
    "paddle": "Paddle Inference",
    "paddle-onednn": "Paddle Inference with oneDNN",
    "onnxruntime": "onnxruntime",
}


def measure_speed() -> str:
    """Our step compared with stock Paddle and PyTorch, measured in turn."""
    text = []
    for title, config, overrides, step in CASES + LATER:
        contenders = [
            benchmark.ours(config, overrides),
            benchmark.stock(config, overrides),
            benchmark.plain_layers(config, overrides),
            twin("PyTorch, as people write it", "torch_twin.py", step),
            twin("PyTorch, our algebra", "torch_twin.py", step, "--algebra"),
            twin("PyTorch, our algebra, channels last", "torch_twin.py", step, "--algebra", "--channels-last"),
        ]
        if (title, config, overrides, step) in CASES:
            contenders.insert(1, twin("stock Paddle, as people write it", "paddle_twin.py", step))
        images, batches = benchmark.images_per_step(load_config(config, overrides))
        text += [f"### {title}, {batches}", comparison(contenders, images, steps=20)]
    return "\n\n".join(text)


def measure_translation() -> str:
    """Our steps of pix2pix and CycleGAN compared with PyTorch's, on one thread and on one per core."""
    text = []
    for title, config, overrides, step in TRANSLATION:
        for threads in sorted({1, runtime.usable_cores()}):
            environment = {"OMP_NUM_THREADS": str(threads)}
            contenders = [
                benchmark.ours(config, overrides, environment=environment),
                benchmark.plain_layers(config, overrides, environment=environment),
                twin("PyTorch", "torch_twin.py", step, environment=environment),
                twin("PyTorch, our algebra", "torch_twin.py", step, "--algebra", environment=environment),
            ]
            text += [f"### {title}, batch of 1, threads: {threads}", comparison(contenders, 1, steps=100)]
    return "\n\n".join(text)


def comparison(contenders: list[Contender], images: int, steps: int) -> str:
    """Tables of the contenders' times, measured in turn, ours first; `images` is the number of images per step."""
    with contextlib.ExitStack() as stack:
        for contender in contenders:
            stack.enter_context(contender)
        results = benchmark.measure(contenders, steps, ROUNDS, say=say)
    pairs = []
    for other in results[1:]:
        ratios = benchmark.pair_ratios(results[0], other, ROUNDS)
        pairs.append(f"{other.name} {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    by_round = f"Round by round, times ours: {'; '.join(pairs)}."
    return "\n\n".join([benchmark.table(results, images), by_round, benchmark.phase_table(results[0])])


def twin(name: str, file: str, step: str, *options: str, environment=()) -> Contender:
    """The same step in another program: its framework's default settings, with some environment variables changed."""
    command = [sys.executable, str(ROOT / "benchmarks" / file), "--step", step, *options]
    return Contender(name, command, runtime.user_environment() | dict(environment))


def measure_startup() -> str:
    """Seconds from the command to the log line of the first step, with the data already downloaded."""
    seconds = []
    for _ in range(5):
        with tempfile.TemporaryDirectory() as folder:
            start = time.monotonic()
            process = start_training(Path(folder) / "run", ["train.steps=1"])
            for line in process.stdout:
                if line.startswith("step 1/1 "):
                    seconds.append(time.monotonic() - start)
            process.wait()
            say(f"startup: {seconds[-1]:.2f} s")
    return (
        f"From the command to the first finished step of `dcgan_mnist.yml`: {median(seconds):.1f} s "
        f"(median of {len(seconds)}, {min(seconds):.1f} to {max(seconds):.1f})."
    )


def measure_curves() -> str:
    """How much the losses of 200 steps change with Paddle's own operations, and with another number of threads."""
    forms = {
        "fast": {},
        "Paddle's own operations": {runtime.LAYERS: "plain"},
        "fast, one thread": {"OMP_NUM_THREADS": "1"},
    }
    curves = {}
    for name, environment in forms.items():
        say(f"curves: {name}")
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            process = start_training(run, ["train.steps=200"], environment)
            process.communicate()
            lines = (run / "metrics.jsonl").read_text().splitlines()
        curves[name] = [json.loads(line) for line in lines]
    plot_curves(curves, PAGE.parent / "images" / "fast_and_plain.png")
    first, *others = curves
    text = ["| difference of the loss, mean (largest) | 1 to 10 | 11 to 50 | 51 to 100 | 101 to 200 |", DASHES]
    for other in others:
        for loss in ("loss/d_real", "loss/d_fake", "loss/g"):
            differences = [abs(a[loss] - b[loss]) for a, b in zip(curves[first], curves[other], strict=True)]
            spans = [differences[a:b] for a, b in ((0, 10), (10, 50), (50, 100), (100, 200))]
            cells = [f"{sum(span) / len(span):.1e} ({max(span):.1e})" for span in spans]
            text.append(f"| {loss}, {first} against {other} | {' | '.join(cells)} |")
    return "\n".join([*text, "", "![Loss curves, fast and plain](images/fast_and_plain.png)"])


def plot_curves(curves: dict[str, list[dict]], path: Path):
    """Plot the losses of several runs in the same axes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 3, figsize=(12, 3.2), layout="constrained")
    for ax, loss in zip(axes, ("loss/d_real", "loss/d_fake", "loss/g"), strict=True):
        for (name, records), style in zip(curves.items(), ("-", "--", ":"), strict=True):
            ax.plot([r["step"] for r in records], [r[loss] for r in records], style, label=name, linewidth=1.2)
        ax.set(title=loss, xlabel="step")
    axes[0].legend(frameon=False)
    figure.savefig(path, dpi=90)
    pyplot.close(figure)


def start_training(folder: Path, overrides: list[str], environment=(), config: Path = CONFIG) -> subprocess.Popen:
    """Start tools/train.py with a log line for every step, without previews and checkpoints."""
    command = [sys.executable, str(ROOT / "tools" / "train.py"), "-c", str(config), "--run-dir", str(folder)]
    for override in [*overrides, "train.log_every=1", "train.preview_every=100000", "train.save_every=100000"]:
        command += ["-o", override]
    return subprocess.Popen(  # noqa: S603 (our own program)
        command, stdout=subprocess.PIPE, text=True, env={**runtime.user_environment(), **dict(environment)}
    )


def measure_long() -> str:
    """Step time and memory over 5,100 steps."""
    with benchmark.ours(CONFIG, []) as contender:
        (result,) = benchmark.measure([contender], steps=5100, rounds=51, say=say)
    return long_table(result)


def long_table(result: Measurement) -> str:
    """Median step time and memory around some steps of a long run."""
    lines = ["| around step | s/step, median of 100 | against step 200 | memory, MB |", "| --- | --- | --- | --- |"]
    at_200 = median(result.seconds[150:250])
    for step in (200, 1000, 2000, 3000, 4000, 5000):
        seconds = median(result.seconds[step - 50 : step + 50])
        memory = median(result.resident_bytes[step - 50 : step + 50]) / 2**20
        lines.append(f"| {step:,} | {seconds:.3f} | {seconds / at_200 - 1:+.1%} | {memory:,.0f} |")
    return "\n".join(lines)


def measure_serving() -> str:
    """Speed of exported networks in each engine, with several threads and processes, and the time to start."""
    with tempfile.TemporaryDirectory() as folder:
        models = {case: Path(folder) / str(case) for _, case in SERVED}
        for case, model in models.items():
            _, config, overrides, _ = CASES[case]
            start_training(model / "run", ["train.steps=1", *overrides], config=config).communicate()
            command = [sys.executable, str(ROOT / "tools" / "export.py"), "--run", str(model / "run")]
            command += ["--out", str(model / "exported"), "--formats", "paddle,onnx"]
            subprocess.run(command, check=True)  # noqa: S603 (our own program)
        served = [(f"{network.upper()} of {CASES[case][0]}", models[case], network) for network, case in SERVED]
        text = [engine_table(*one) for one in served]
        return "\n\n".join([*text, threads_table(*served[0]), start_table(models[0])])


def engine_table(title: str, model: Path, network: str) -> str:
    """Times of the engines for batches of 1, 16 and 64, measured in turn."""
    lines = [f"### {title}", "", f"| batch | {' | '.join(ENGINES.values())} |", DASHES]
    for batch in (1, 16, 64):
        with contextlib.ExitStack() as stack:
            contenders = [stack.enter_context(engine_of(model, network, engine, batch)) for engine in ENGINES]
            results = benchmark.measure(contenders, steps=50, rounds=ROUNDS, say=say)
        cells = [f"{1000 * r.median:.2f} ms, {batch / r.median:,.0f}/s" for r in results]
        lines.append(f"| {batch} | {' | '.join(cells)} |")
    cells = [f"{r.peak_bytes / 2**20:,.0f} MB" for r in results]
    return "\n".join([*lines, f"| memory at 64 | {' | '.join(cells)} |"])


def threads_table(title: str, model: Path, network: str) -> str:
    """Images per second of a process with one thread or one per core, and of a single-thread process per core."""
    cores = runtime.usable_cores()
    heads = ["one process, 1 thread", f"one process, {cores} threads", f"{cores} processes, 1 thread each"]
    lines = ["### Threads and processes", "", f"| {title} | {' | '.join(heads)} |", "| --- | --- | --- | --- |"]
    for engine in ("paddle", "onnxruntime"):  # Paddle's faster engine for this network, and onnxruntime
        for batch in (1, 16, 64):
            rates = []
            for processes, threads in ((1, 1), (1, cores), (cores, 1)):
                with contextlib.ExitStack() as stack:
                    contenders = [engine_of(model, network, engine, batch, threads) for _ in range(processes)]
                    for contender in contenders:
                        stack.enter_context(contender).take(benchmark.WARM_UP)
                    with ThreadPoolExecutor(processes) as pool:
                        answers = list(pool.map(lambda contender: contender.take(100), contenders))
                rates.append(sum(batch / median(answer["seconds"]) for answer in answers))
            say(f"threads: {engine}, {batch}: {rates}")
            lines.append(f"| {ENGINES[engine]}, batch of {batch} | {' | '.join(f'{rate:,.0f}/s' for rate in rates)} |")
    return "\n".join(lines)


def start_table(model: Path) -> str:
    """Seconds from the command to one picture in a file."""
    lines = ["### Starting", "", "| from the command to one picture | seconds, median of 5 |", "| --- | --- |"]
    for engine in ("paddle", "paddle-onednn", "onnxruntime"):
        seconds = []
        for _ in range(5):
            command = [sys.executable, str(ROOT / "tools" / "infer.py"), "--model", str(model / "exported")]
            command += ["--num", "1", "--engine", engine, "--out", str(model / "picture.png")]
            start = time.monotonic()
            subprocess.run(command, check=True, env=runtime.user_environment())  # noqa: S603 (our own program)
            seconds.append(time.monotonic() - start)
        lines.append(f"| {ENGINES[engine]} | {median(seconds):.1f} |")
    return "\n".join(lines)


def engine_of(model: Path, network: str, engine: str, batch: int, threads: int | None = None) -> Contender:
    """A process that runs a network in an engine."""
    command = [sys.executable, str(ROOT / "benchmarks" / "served.py"), str(model), network, engine, str(batch)]
    command += [str(threads or runtime.usable_cores())]
    return Contender(ENGINES[engine], command, runtime.user_environment())


PARTS = {
    "speed": measure_speed,
    "translation": measure_translation,
    "startup": measure_startup,
    "curves": measure_curves,
    "long": measure_long,
    "serving": measure_serving,
}


def write(part: str, text: str):
    """Write a part's section to the page, with the date and the machine, and update the overview."""
    measured = f"Measured on {date.today()}, {benchmark.describe(benchmark.machine())}."
    page = replace_section(PAGE.read_text(encoding="utf-8"), part, f"{measured}\n\n{text}")
    PAGE.write_text(replace_section(page, "overview", overview(page)), encoding="utf-8")


def replace_section(page: str, name: str, text: str) -> str:
    """The page with another text between the marks of a section."""
    begin, end = f"<!-- {name}: written by benchmarks/performance.py -->", f"<!-- end of {name} -->"
    before, has_begin, rest = page.partition(begin)
    _, has_end, after = rest.partition(end)
    if not (has_begin and has_end):
        sys.exit(f"error: {PAGE}: the marks of the section {name} are missing")
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"


def overview(page: str) -> str:
    """The summary of the page's figures in three lines, and the table of contents."""
    machine = re.search(r"^Measured on \S+, (.+?), python", page, re.MULTILINE)[1]
    seconds = row(page, "ppgan_lite")[1]
    paddle, torch = (row(page, f"{name}, as people write it")[-1] for name in ("stock Paddle", "PyTorch"))
    start = re.search(r"first finished step of .*: (\S+ s)", page)[1]
    rates = [cell.split(", ")[1].removesuffix("/s") for cell in row(page, "64")[1:]]
    rate = dict(zip(ENGINES, rates, strict=True))
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    return "\n".join(
        [
            f"- **Training**: on {machine} a step of `dcgan_mnist.yml` takes {seconds} s; stock Paddle takes {paddle} "
            f"times as long, PyTorch {torch} times.",
            f"- **Starting**: the first step is finished {start} after the command.",
            f"- **Serving**: its generator makes {rate['paddle']} pictures per second with Paddle Inference and "
            f"{rate['onnxruntime']} with onnxruntime, 64 at once.",
            "",
            "Contents:",
            "",
            *bullets(list(map(link_to, headings))),
        ]
    )


def row(page: str, title: str) -> list[str]:
    """Cells of the first table row that begins with a title."""
    return re.search(rf"^\| ({re.escape(title)} \| .*) \|$", page, re.MULTILINE)[1].split(" | ")


def say(text: str):
    """Print a line of progress."""
    print(text, flush=True)


def main():
    """Measure the chosen parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="default: all")
    for part in parser.parse_args().parts:
        write(part, PARTS[part]())


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
