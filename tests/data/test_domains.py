import numpy as np

from ppgan_lite.data.domains import Domains
from ppgan_lite.data.image_array import Arrays
from ppgan_lite.data.spec import Field


def domain(num, flip=True):
    images = np.arange(num, dtype="uint8").reshape(num, 1, 1, 1).repeat(4, 3)
    return Arrays({"image": Field("image", (1, 1, 4))}, {"image": images}, "name", f"{num} here", flip=flip)


def test_the_largest_domain_decides_and_the_others_repeat():
    both = Domains({"a": domain(3), "b": domain(5)}, "both", "here")
    assert (len(both), both.flip, both.margin) == (5, True, 0)
    assert both.spec == {"a": Field("image", (1, 1, 4)), "b": Field("image", (1, 1, 4))}
    assert both.pixels("a", [2, 3, 4])[:, 0, 0, 0].tolist() == [2, 0, 1]
    batch = both.batch([4, 1])
    assert np.rint((batch["a"][:, 0, 0, 0] + 1) * 127.5).tolist() == [1, 1]
    assert np.rint((batch["b"][:, 0, 0, 0] + 1) * 127.5).tolist() == [4, 1]
    assert both[4]["b"].shape == (1, 1, 4)


def test_the_checksum_covers_all_domains_in_their_order():
    sums = {
        Domains(domains, "both", "here").source.sha256
        for domains in ({"a": domain(3), "b": domain(5)}, {"a": domain(5), "b": domain(3)}, {"a": domain(3)})
    }
    assert len(sums) == 3
