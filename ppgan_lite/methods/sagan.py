"""SAGAN: SNGAN's losses for networks with self-attention."""

from ppgan_lite.methods.sngan import SNGAN
from ppgan_lite.networks.attention import SelfAttention


class SAGAN(SNGAN):
    """Self-attention GAN (Zhang, Goodfellow, Metaxas and Odena 2019, eq. 4, https://arxiv.org/abs/1805.08318).

    The step is SNGAN's, by default with one update of D, which then needs a higher rate than G (TTUR: the paper has
    4e-4 and 1e-4). Self-attention and the spectral norms in both networks belong to the networks: see
    networks/resnet32.py and attention.py.

    Logged as `attention/g` and `attention/d`: gamma, the weight of each attention layer. It starts at 0. Its sign has
    no meaning, and a gamma that stays near 0 means that the network does without attention.
    """

    def train_step(self, batches, step):
        return super().train_step(batches, step) | self.gammas()

    def gammas(self) -> dict:
        """The weight of the attention layer of each network that has one, as scalars to log."""
        return {
            f"attention/{name}": layer.gamma.detach().sum()
            for name, network in self.networks.items()
            for layer in network.sublayers()
            if isinstance(layer, SelfAttention)
        }
