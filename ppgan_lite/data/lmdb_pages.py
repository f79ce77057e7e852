"""Checks the pages of an LMDB before the library lmdb reads them, as that ends the process on damaged ones.

Copies that broke off often have zeros in place of pages. The format is LMDB 0.9's on 64-bit systems (mdb.c):
pages of equal size, of which the first two describe the tree, and a tree of branch and leaf pages. A page has a header,
the positions of its nodes, and the nodes. A node has a header, a key, and a value or the page where its value begins.
"""

import struct

import numpy as np

PAGE_HEADER = struct.Struct("<Q2xHHH")  # number, flags, end of the nodes' positions, start of the nodes
META = struct.Struct("<24x I 44x 6x H 32x Q Q Q")  # page size; depth, root and last page of the tree, transaction
NODE_BYTES = 8  # header of a node: value's size or number of a page as 3 uint16, and the key's size
BRANCH, LEAF, KINDS = 1, 2, 0x6F  # flags of a page: its kind
BIG = 1  # flag of a node: its value is on pages of its own
EMPTY = (1 << 64) - 1  # root of an empty tree


class DamagedError(ValueError):
    """A page is not what it should be."""


def check_pages(file, page_bytes: int):
    """Check all pages of the tree in an LMDB, a binary stream.

    Raises:
        DamagedError: lmdb could not read all its keys and values.
    """
    metas = [META.unpack_from(_read(file, number, page_bytes), PAGE_HEADER.size) for number in range(2)]
    _, depth, root, last, _ = max(metas, key=lambda meta: meta[-1])
    pending, seen = ([] if root == EMPTY else [(root, depth)]), set()
    while pending:
        number, level = pending.pop()
        if number in seen or not 2 <= number <= last:
            raise DamagedError(f"page {number} is in the wrong place")
        seen.add(number)
        children = _check_page(_read(file, number, page_bytes), number, level == 1, last)
        pending += [(child, level - 1) for child in children]


def _read(file, number: int, page_bytes: int) -> bytes:
    file.seek(number * page_bytes)
    page = file.read(page_bytes)
    if len(page) < page_bytes:
        raise DamagedError(f"page {number} is missing")
    return page


def _check_page(page: bytes, number: int, is_leaf: bool, last: int) -> list[int]:
    """The numbers of the pages below a branch page; [] for a leaf page."""
    found, flags, lower, upper = PAGE_HEADER.unpack_from(page)
    num = (lower - PAGE_HEADER.size) // 2
    if (
        (found, flags & KINDS) != (number, LEAF if is_leaf else BRANCH)
        or not num >= 1
        or not lower <= upper <= len(page)
    ):
        raise DamagedError(f"page {number} is damaged")
    starts = np.frombuffer(page, "<u2", num, PAGE_HEADER.size).astype("int64")  # [num]
    if starts.min() < upper or starts.max() > len(page) - NODE_BYTES:
        raise DamagedError(f"page {number} is damaged")
    content = np.frombuffer(page, np.uint8)
    nodes = content[starts[:, None] + np.arange(NODE_BYTES)].view("<u2").astype("int64")  # [num, 4]
    sizes, flags, ends = nodes[:, 0] | nodes[:, 1] << 16, nodes[:, 2], starts + NODE_BYTES + nodes[:, 3]
    if not is_leaf:
        _require(ends <= len(page), number)
        return (sizes | flags << 32).tolist()
    _require((nodes[:, 3] > 0) & (flags <= BIG), number)
    is_big = flags == BIG
    _require(ends + np.where(is_big, 8, sizes) <= len(page), number)
    first = content[ends[is_big][:, None] + np.arange(8)].view("<u8")[:, 0]  # pages where values begin
    num_pages = -(-(sizes[is_big] + PAGE_HEADER.size) // len(page))
    _require((first <= last) & (first.astype("int64") + num_pages <= last + 1), number)
    return []


def _require(conditions: np.ndarray, number: int):
    if not conditions.all():
        raise DamagedError(f"a node of page {number} is damaged")
