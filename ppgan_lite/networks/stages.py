"""Networks with one stage for each size from 4x4 on: how many feature maps each has."""

SMALLEST = 4  # height and width of the first stage, in pixels


def widths_of(most: int, full_until: int, size: int) -> list[int]:
    """The numbers of feature maps from 4x4 to `size` pixels: `most` up to `full_until`, halved at each larger size."""
    sizes = [SMALLEST * 2**i for i in range((size // SMALLEST).bit_length())]
    return [max(1, most // max(1, size // full_until)) for size in sizes]
