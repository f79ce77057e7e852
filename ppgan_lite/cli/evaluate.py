"""Measure how good a generator, translator or classifier is.

  ppgan evaluate --run output/dcgan_mnist
  ppgan evaluate --run output/dcgan_mnist --step all --num 2000
  ppgan evaluate --run output/dcgan_mnist --step best --json result.json
  ppgan evaluate --run output/dcgan_mnist --features inception
  ppgan evaluate --run output/biggan_cifar10_cpu --truncation 0.5
  ppgan evaluate --run output/vae_mnist_binary --draws 5000
  ppgan evaluate --run output/own_pictures --data-root moved/pictures

A generator is measured by several metrics, each shown next to its value for real images, and where it has a likelihood
(pixelcnn, flow, vae, ddpm) by the bits per dimension of test images, or a bound of them; a translator by the nearness
of its pictures to the true ones and to the other domain, or by the attributes they have, next to baselines; and a
classifier by its accuracy. The first line is the headline, such as the Frechet distance or the test accuracy. The last
line is the protocol: only figures with the same protocol can be compared. Results are kept in the run's folder, in
evaluations/, and drawn in its VisualDL log; with --truncation T in evaluations/truncation_T/, and not drawn.
"""

from pathlib import Path

from ppgan_lite import runtime
from ppgan_lite.cli import parser as cli


def add_arguments(parser: cli.Parser):
    """Add the options of `ppgan evaluate`."""
    cli.add_run(parser)
    cli.add_step(parser, "all")
    parser.add_argument(
        "--num",
        type=cli.whole_number(1),
        help="number of generated and of real images (default: 10000, or all test images if there are fewer); for a "
        "translator the number of test pictures (default: 2000). --num, --features and --seed have no effect for a "
        "classifier, which is measured on all test images",
    )
    parser.add_argument(
        "--features",
        default="auto",
        help="network that computes the features: auto (the evaluator of the run's data), an evaluator's name, or "
        "inception, which downloads 90 MB of weights (default: auto)",
    )
    parser.add_argument(
        "--seed",
        type=cli.whole_number(0),
        default=0,
        help="seed of the noise and of the selection of images (default: 0)",
    )
    cli.add_truncation(parser)
    parser.add_argument(
        "--draws",
        metavar="K",
        type=cli.whole_number(1),
        help="random draws for each image that a bound of its likelihood is computed from, as for vae: the more, the "
        "tighter (default: the method's own number, which the protocol shows)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the (last) result to FILE")
    parser.add_argument(
        "--data-root", metavar="PATH", help="where the run's data is now, the same files (default: where it was)"
    )
    cli.add_device(parser)


def run(args):
    """Measure and print."""
    cli.check_run(args.run, None if args.step == "all" else args.step)
    runtime.load_paddle()
    from ppgan_lite.commands.evaluate import evaluate

    evaluate(
        args.run,
        args.step,
        args.num,
        args.features,
        args.seed,
        args.json,
        args.device,
        args.data_root,
        args.truncation,
        args.draws,
    )
