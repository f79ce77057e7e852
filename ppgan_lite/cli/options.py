"""Show the keys of a config: type, range, default and meaning.

  ppgan options
  ppgan options wgan_gp
  ppgan options dcgan28
  ppgan options train

Without a NAME it lists all methods, networks, optimizers and data sets. Where a method and a network have the same
name, as infogan, it shows both.
"""

from ppgan_lite.cli import parser as cli


def add_arguments(parser: cli.Parser):
    """Add the options of `ppgan options`."""
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="a method, network, optimizer, data set, or section of a config"
    )


def run(args):
    """Print the keys, or all names."""
    from ppgan_lite.commands.options import print_options

    print_options(args.name)
