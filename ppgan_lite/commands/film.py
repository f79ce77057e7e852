"""What the commands that write films share."""

from pathlib import Path

from ppgan_lite.commands.infer import output_kind, try_writing
from ppgan_lite.errors import RunError
from ppgan_lite.files import disk_errors
from ppgan_lite.pictures.films import FASTEST_GIF, FASTEST_MP4

KINDS = (".gif", ".mp4")


def check_film(out: str | Path, fps: int, what: str) -> str:
    """The kind of a film to write, one of KINDS.

    Args:
        out: the file.
        fps: frames per second.
        what: what the film is, for messages.

    Raises:
        RunError: it is another kind of file, cannot be so fast, or cannot be written.
    """
    kind = output_kind(out, KINDS)
    if kind not in KINDS:
        raise RunError(f"--out {out}: {what} needs FILE.gif or FILE.mp4")
    if kind == ".gif" and fps > FASTEST_GIF:
        raise RunError(f"--fps {fps}: a GIF can show at most {FASTEST_GIF} frames per second; give FILE.mp4")
    if fps > FASTEST_MP4:
        raise RunError(f"--fps {fps}: a film can show at most {FASTEST_MP4} frames per second")
    with disk_errors(Path(out)):
        try_writing(Path(out).parent)
    return kind
