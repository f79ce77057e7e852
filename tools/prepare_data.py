"""Get data ready before a training: decode all pictures into the cache, or download what is to be downloaded.

  python tools/prepare_data.py -c configs/dcgan_folder.yml -o data.root=FOLDER
  python tools/prepare_data.py --export-lmdb bedroom_train_lmdb --out bedroom

The first line is optional: a training does the same when it starts. The second writes the pictures of an LSUN LMDB as
files. Both may be interrupted, and go on where they stopped.
"""

import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ppgan_lite import runtime
from ppgan_lite.cli import parser as cli
from ppgan_lite.config.load import load_config


def main(argv=None) -> int:
    """Run the command line; returns the exit code."""
    parser = cli.Parser(__doc__)
    cli.add_config(parser, required=False)
    parser.add_argument(
        "--export-lmdb", type=Path, metavar="LMDB", help="folder of an LSUN LMDB, to be written as files"
    )
    parser.add_argument("--out", type=Path, help="folder for the files of --export-lmdb")
    args = parser.parse_args(argv)
    if (args.config is None) == (args.export_lmdb is None) or (args.export_lmdb is None) != (args.out is None):
        parser.error("give -c CONFIG, or --export-lmdb LMDB and --out FOLDER")

    def run():
        config = load_config(args.config, args.override) if args.config else None
        runtime.load_paddle()
        # After paddle, which sets its own. On the way out, what is half-written is removed.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        from ppgan_lite.commands import prepare

        if config:
            prepare.prepare(config)
        else:
            prepare.export_lmdb(args.export_lmdb, args.out)

    return cli.run_tool(run, args.debug)


if __name__ == "__main__":
    sys.exit(main())
