"""Write a page of results from the folders of runs.

  ppgan report --runs output
  ppgan report --runs output/mnist output/fashion --out results/RESULTS.md

The page has tables, pictures, and verdicts on what others claim. It takes every run in or below the folders that was
evaluated (ppgan evaluate, or train.evaluate_every); the others are named. Runs that differ in their seed only are
averaged. What others claim, with its sources, stands in the file of --claims. Pictures go to images/results/ next to
the page.
"""

from pathlib import Path

from ppgan_lite import runtime
from ppgan_lite.cli import parser as cli
from ppgan_lite.config.find import CHECKOUT, CONFIGS, PACKAGE

PAGE = CHECKOUT / "docs" / "RESULTS.md" if CHECKOUT else Path("RESULTS.md")
CLAIMS = CHECKOUT / "docs" / "claims.yml" if CHECKOUT else PACKAGE / "report" / "claims.yml"


def add_arguments(parser: cli.Parser):
    """Add the options of `ppgan report`."""
    parser.add_argument("--runs", type=Path, nargs="+", required=True, metavar="FOLDER", help="of runs, at any depth")
    parser.add_argument("--out", type=Path, default=PAGE, help="the page (default: %(default)s)")
    parser.add_argument("--claims", type=Path, default=CLAIMS, help="what others claim (default: %(default)s)")


def run(args):
    """Write the page."""
    runtime.load_paddle()
    from ppgan_lite import report

    report.report(args.runs, args.out, args.claims, CONFIGS)
