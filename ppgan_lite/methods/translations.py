"""Translations of pictures by a method's samplers, next to what they should be: for previews and evaluations."""

import numpy as np

from ppgan_lite.data.spec import groups_of
from ppgan_lite.methods.samplers import Sampler

ATTRIBUTES = "attributes"  # the field and the port of wanted attributes


def way_back(samplers: dict[str, Sampler], name: str) -> Sampler | None:
    """The sampler that undoes a sampler's translation: it takes what that one gives, and gives what that one takes."""
    there = samplers[name]
    ends = there.takes[0].name, there.gives[0].name
    return next((back for back in samplers.values() if (back.gives[0].name, back.takes[0].name) == ends), None)


def targets(names: tuple[str, ...], attributes: np.ndarray, index: int) -> np.ndarray:
    """Attributes [N, A] with one of them changed: set, and the others of its group cleared; or flipped, if it is alone.

    Args:
        names: the attributes' names; see `groups_of`.
        attributes: 0 or 1, [N, A].
        index: the attribute to change.
    """
    group = next(group for group in groups_of(names) if index in group)
    wanted = attributes.copy()
    wanted[:, index] = 1 if len(group) > 1 else 1 - attributes[:, index]
    wanted[:, [other for other in group if other != index]] = 0
    return wanted


def columns(samplers: dict[str, Sampler], name: str, data: dict[str, np.ndarray], paired: bool) -> list[np.ndarray]:
    """Pictures to show next to each other, [N, C, H, W] each: the input, its translation, and the truth or the cycle.

    With attributes: the input, and its translation to each attribute.

    Args:
        name: the sampler.
        data: items of the data, field -> [N, ...].
        paired: whether the fields of an item belong together; without a way back, only then there is a third column.
    """
    there, back = samplers[name], way_back(samplers, name)
    source, target = there.takes[0].name, there.gives[0].name
    if ATTRIBUTES in data:
        names, own = there.takes[1].names, data[ATTRIBUTES]
        wanted = (targets(names, own, index) for index in range(len(names)))
        return [data[source], *(there.in_batches({source: data[source], ATTRIBUTES: w}) for w in wanted)]
    output = there.in_batches({source: data[source]})
    if back is not None:
        return [data[source], output, back.in_batches({target: output})]
    return [data[source], output, *([data[target]] if paired else [])]
