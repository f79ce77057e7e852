"""Write the page of results from the folders of runs: tables, pictures, and verdicts on what others claim.

  python tools/report.py --runs output
  python tools/report.py --runs output/mnist output/fashion --out results/RESULTS.md

Takes every run in or below the folders that was evaluated (tools/evaluate.py, or train.evaluate_every); the others are
named. Runs that differ in their seed only are averaged. What others claim, with its sources, stands in docs/claims.yml
of this repository. Pictures go to images/results/ beside the page.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ppgan_lite import runtime  # noqa: E402
from ppgan_lite.cli import parser as cli  # noqa: E402


def main(argv=None) -> int:
    """Run the command line; returns the exit code."""
    parser = cli.Parser(__doc__)
    parser.add_argument("--runs", type=Path, nargs="+", required=True, metavar="FOLDER", help="of runs, at any depth")
    parser.add_argument(
        "--out",
        type=Path,
        default=ROOT / "docs" / "RESULTS.md",
        help="the page (default: docs/RESULTS.md of this repository)",
    )
    parser.add_argument(
        "--claims",
        type=Path,
        default=ROOT / "docs" / "claims.yml",
        help="what others claim (default: docs/claims.yml of this repository)",
    )
    args = parser.parse_args(argv)

    def write():
        runtime.load_paddle()
        from ppgan_lite import report

        report.report(args.runs, args.out, args.claims, ROOT / "configs")

    return cli.run_tool(write, args.debug)


if __name__ == "__main__":
    sys.exit(main())
