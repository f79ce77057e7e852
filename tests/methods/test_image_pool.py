import numpy as np
import paddle
import pytest

from ppgan_lite.methods.image_pool import exchange


def images(*values):
    return paddle.to_tensor(np.array(values, "float32").reshape(-1, 1, 1, 1))


def values(tensor):
    return tensor.flatten().tolist()


def test_until_it_is_full_images_are_stored_and_returned():
    pool = paddle.zeros([5, 1, 1, 1])
    assert values(exchange(pool, images(1, 2, 3), filled=0)) == [1, 2, 3]
    assert values(pool) == [1, 2, 3, 0, 0]


def test_a_full_one_returns_old_images_half_of_the_time_and_stores_the_new_ones_in_their_places():
    paddle.seed(0)
    pool, old = paddle.zeros([50, 1, 1, 1]), 0
    exchange(pool, images(*range(1, 51)), filled=0)
    for number in range(51, 2051):
        before = values(pool)
        (returned,) = values(exchange(pool, images(number), filled=number - 1))
        after = values(pool)
        if returned == number:
            assert after == before
        else:
            old += 1
            place = before.index(returned)
            assert after == [*before[:place], number, *before[place + 1 :]]
    assert old / 2000 == pytest.approx(0.5, abs=0.05)


def test_every_place_is_used():
    paddle.seed(0)
    pool = paddle.zeros([50, 1, 1, 1])
    for number in range(1, 2000):
        exchange(pool, images(number), filled=number - 1)
    assert min(values(pool)) > 50


def test_an_image_of_the_batch_may_return_later_in_the_same_batch():
    """Each image in turn, as if it came alone."""
    paddle.seed(3)
    pool = paddle.zeros([1, 1, 1, 1])
    returned = values(exchange(pool, images(*range(1, 30)), filled=0))
    assert returned[0] == 1
    assert all(value <= number for number, value in enumerate(returned, start=1))
    assert {value for number, value in enumerate(returned, start=1) if value < number}  # earlier ones of this batch


def test_the_pool_stays_the_same_tensor_and_keeps_no_gradient():
    pool = paddle.zeros([2, 1, 1, 1])
    x = images(1)
    with paddle.no_grad():
        exchange(pool, x, filled=0)
    assert pool.stop_gradient
    x.set_value(images(9))
    assert values(pool) == [1, 0]


def test_without_a_pool_the_images_are_returned():
    x = images(1, 2)
    assert exchange(paddle.zeros([0, 1, 1, 1]), x, filled=0) is x
