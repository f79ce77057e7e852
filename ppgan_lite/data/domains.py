"""Two or more domains of images that training must not know pairs of, as one data set."""

import numpy as np

from ppgan_lite.data.base import Dataset, Source
from ppgan_lite.files import sha256


class Domains(Dataset):
    """Item i has one image of every domain. There are as many items as images of the largest; the others repeat.

    Training draws from `domains` themselves, each in an order of its own (data/loader.py).

    Args:
        domains: field -> the data set of that domain, with the field `image`; all have the same `flip` and `margin`.
        name, origin: see `Source`; its sha256 covers the domains' own.
    """

    def __init__(self, domains: dict[str, Dataset], name: str, origin: str):
        super().__init__()
        self.domains = domains
        self.spec = {field: domain.spec["image"] for field, domain in domains.items()}
        first = next(iter(domains.values()))
        self.flip, self.margin = first.flip, first.margin
        digest = sha256(" ".join(domain.source.sha256 for domain in domains.values()).encode())
        self.source = Source(name, origin, digest, max(map(len, domains.values())))

    def batch(self, indices):
        indices = np.asarray(indices)
        return {field: domain.batch(indices % len(domain))["image"] for field, domain in self.domains.items()}

    def pixels(self, field, indices):
        domain = self.domains[field]
        return domain.pixels("image", np.asarray(indices) % len(domain))
