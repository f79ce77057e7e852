"""Films: read and written frame by frame."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ppgan_lite.errors import RunError

CODEC = "vp09"  # OpenCV's wheels can write it, and browsers play it in an MP4
FASTEST_GIF = 50  # frames per second; viewers slow faster GIFs down
FASTEST_MP4 = 240
USUAL_FPS = 25.0  # for films that do not say how fast they are

# FFmpeg and OpenCV print nothing about damaged films. FFmpeg reads this when OpenCV first reads or writes a film.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


class Film:
    """A film file, opened for reading.

    Args:
        path: the file, in any format that OpenCV's FFmpeg reads.

    Attributes:
        fps: frames per second.
        num_frames: about how many frames it has; None: not known.
        num_read: how many frames have been read.

    Raises:
        RunError: it is not a film, or has no frames.
    """

    def __init__(self, path: Path):
        self._film, self.num_read = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG), 0
        self._first = self._read()
        if self._first is None:
            raise RunError(f"{path}: not a film, or one without frames that can be read")
        fps, count = self._film.get(cv2.CAP_PROP_FPS), self._film.get(cv2.CAP_PROP_FRAME_COUNT)
        self.fps = fps if 0 < fps <= FASTEST_MP4 else USUAL_FPS
        self.num_frames = int(count) if 0 < count < 1e9 else None

    def frames(self) -> Iterator[np.ndarray]:
        """Yield each frame, uint8 [H, W, 3], once: they are read as they are asked for."""
        frame, self._first = self._first, None
        while frame is not None:
            yield frame
            frame = self._read()
        self._film.release()

    def _read(self) -> np.ndarray | None:
        is_there, frame = self._film.read()
        self.num_read += is_there
        return frame[:, :, ::-1] if is_there else None  # OpenCV's order is blue, green, red


def write_mp4(stream, frames: Iterable[np.ndarray], fps: float):
    """Write frames, uint8 [H, W, C] of one size, grey or colour, as an MP4 with VP9; at least one.

    Codecs require an even height and width: the last row or column is repeated where one is odd. OpenCV cannot write to
    a stream: the film is a temporary file first.

    Raises:
        RunError: this OpenCV lacks the codec.
    """
    with tempfile.TemporaryDirectory() as folder:
        path, film = Path(folder) / "film.mp4", None
        for frame in map(_for_codec, frames):
            if film is None:
                film = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*CODEC), fps, frame.shape[1::-1])
                if not film.isOpened():
                    raise RunError("this OpenCV cannot write MP4 files with VP9; give FILE.gif")
            film.write(frame[:, :, ::-1])
        film.release()
        with open(path, "rb") as written:
            shutil.copyfileobj(written, stream)


def _for_codec(frame: np.ndarray) -> np.ndarray:
    """A frame in colour, with an even height and width."""
    height, width, channels = frame.shape
    return np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), "edge").repeat(3 // channels, 2)


def write_gif(stream, frames: Iterable[np.ndarray], fps: float):
    """Write frames, uint8 [H, W, C], grey or colour, as a GIF that repeats endlessly; each has 256 colours of its own.

    All frames are in memory, a byte per pixel.
    """
    pictures = (_timed(_of_256_colours(frame), number, fps) for number, frame in enumerate(frames))
    next(pictures).save(stream, "GIF", save_all=True, append_images=pictures, loop=0, optimize=False)


def enlarged(frame: np.ndarray, height: int) -> np.ndarray:
    """A frame, uint8 [H, W, C], of at least `height` pixels: each pixel is repeated by a whole factor."""
    factor = max(1, -(-height // len(frame)))
    return frame.repeat(factor, 0).repeat(factor, 1)


def _of_256_colours(frame: np.ndarray) -> Image.Image:
    if frame.shape[2] == 1:
        return Image.fromarray(frame[:, :, 0])
    picture = Image.fromarray(frame)
    # Pillow's default, median cut, dulls colours and is slow.
    return picture.quantize(palette=picture.quantize(method=Image.Quantize.FASTOCTREE))


def _timed(picture: Image.Image, number: int, fps: float) -> Image.Image:
    """Frame `number`, with how long it is shown: in whole hundredths of a second, without a growing error."""
    start, end = (round(100 * frame / fps) for frame in (number, number + 1))
    picture.info["duration"] = 10 * (end - start)  # milliseconds
    return picture
