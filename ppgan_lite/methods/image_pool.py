"""A pool of generated images, on which CycleGAN trains D (Shrivastava et al. 2017, https://arxiv.org/abs/1612.07828)."""

import paddle


def exchange(pool, images, filled: int):
    """Put images into a pool, and return as many: each itself, or with probability 1/2 an earlier one in its place.

    Until the pool is full, each image is stored and returned. After that an image takes, with probability 1/2, the
    place of a random one, which is returned; otherwise it is returned itself and not stored.

    Args:
        pool: [P, C, H, W], changed in place; P may be 0.
        images: [N, C, H, W], without a gradient.
        filled: number of images that the pool has had so far.
    """
    size, returned = len(pool), []
    if size == 0:
        return images
    swapped = (paddle.rand([len(images)]) < 0.5).tolist()
    places = paddle.randint(0, size, [len(images)]).tolist()
    for i in range(len(images)):
        image, place = images[i : i + 1], places[i]
        if filled + i < size:
            pool[filled + i : filled + i + 1] = image
        elif swapped[i]:
            image, pool[place : place + 1] = pool[place : place + 1].clone(), image
        returned.append(image)
    return paddle.concat(returned)
