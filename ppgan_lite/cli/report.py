"""Write a page of results from the folders of runs.

  ppgan report --runs output
  ppgan report --runs output/mnist output/fashion --out results/RESULTS.md
  ppgan report --runs output --out docs/RESULTS.md --records docs/results.json

The page answers which config is best on which data set, and has verdicts on published figures, failures and all
metrics. It takes every evaluated run in or below the folders (ppgan evaluate, or train.evaluate_every) and names the
others. Runs that differ only in their seed are averaged. Pictures go to images/results/ next to the page, a summary in
Chinese to RESULTS_cn.md.

--records keeps what the page needs of each run in a file, so that it can be written again when the folders are gone.
Runs in the folders replace their own records.
"""

from pathlib import Path

from ppgan_lite.cli import parser as cli
from ppgan_lite.config.find import CHECKOUT, CONFIGS, PACKAGE
from ppgan_lite.errors import UserError

PAGE = "RESULTS.md"
CLAIMS = CHECKOUT / "docs" / "claims.yml" if CHECKOUT else PACKAGE / "report" / "claims.yml"


def add_arguments(parser: cli.Parser):
    """Add the options of `ppgan report`."""
    parser.add_argument(
        "--runs", type=Path, nargs="+", default=[], metavar="FOLDER", help="folders with runs, at any depth"
    )
    parser.add_argument("--out", type=Path, help=f"the page (default: {PAGE} in the first folder of --runs)")
    parser.add_argument("--records", type=Path, metavar="FILE", help="JSON file that keeps the records of runs")
    parser.add_argument("--claims", type=Path, default=CLAIMS, help="published figures and aims (default: %(default)s)")


def run(args):
    """Write the page."""
    if not args.runs and not args.records:
        raise UserError("give --runs, --records or both")
    page = args.out or (args.runs[0] if args.runs else args.records.parent) / PAGE
    from ppgan_lite import report

    report.report(args.runs, page, args.claims, CONFIGS, args.records)
