from ppgan_lite.schema.types import Range


def test_a_range_tells_its_ends():
    assert str(Range(0, 1, "high")) == "at least 0 and below 1"
    assert 0 in Range(0, 1, "high")
    assert 1 not in Range(0, 1, "high")
    assert 0 not in Range(0, open_ends="low")
    assert 10**9 in Range(1)
