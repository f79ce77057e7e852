"""Run an exported network on random inputs, your own, or pictures."""


def main(arguments: list[str], called: str) -> int:
    """Run ppgan_lite/commands/infer.py, which is also copied into every export; returns the exit code."""
    from ppgan_lite.commands import infer

    return infer.main(arguments, called)
