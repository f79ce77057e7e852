"""What all methods share: networks, optimizers, other state, and the one place where a loss becomes an update."""

import contextlib

import paddle
from paddle import nn

from ppgan_lite.interface import Interface, Port
from ppgan_lite.optimizers import Optimizer


class Method:
    """Networks, their optimizers and one training step.

    A subclass writes `train_step` as its paper's algorithm; everything that is the same for all GANs lives outside.

    Attributes:
        options: the checked `method` section of the config.
        networks: name -> nn.Layer. What is in it is trained, saved and counted.
        optimizers: name -> Optimizer. What is in it is saved.
        state: name -> tensor: everything else that training changes. What is in it is saved.
        batches_per_step: fresh batches of data that one `train_step` takes.
        gradient_norms: where it is a dict and not None, each update leaves the norm of its gradient in it, as
            `grad_norm/NAME`.
    """

    batches_per_step = 1

    def __init__(self, options, networks: dict[str, nn.Layer], optimizers: dict[str, Optimizer]):
        self.options = options
        self.networks = networks
        self.optimizers = optimizers
        self.state = {}
        self.gradient_norms = None

    @staticmethod
    def trained_network(optimizer: str) -> str:
        """The network that the optimizer of that name trains: `d_real` and `d` both train `d`."""
        return optimizer.partition("_")[0]

    def train_step(self, batches: list[dict], step: int) -> dict:
        """Train on `batches_per_step` batches. Returns scalar tensors to log, by keys `KIND/NAME`."""
        raise NotImplementedError

    def interfaces(self, image_shape: tuple[int, int, int]) -> dict[str, Interface]:
        """What each network of `networks` takes and gives. All of them are exported, by these names.

        Args:
            image_shape: C, H, W of the data.
        """
        raise NotImplementedError

    def update(self, name: str, loss):
        """Take one step of optimizer `name` down the gradient of `loss`, and of nothing else."""
        self.optimizers[name].clear_grad()
        loss.backward()
        self.step(name)

    def step(self, name: str):
        """Take one step of optimizer `name` down the gradients that stand on its network, and clear them."""
        optimizer = self.optimizers[name]
        if self.gradient_norms is not None:
            self.gradient_norms[f"grad_norm/{name}"] = optimizer.gradient_norm()
        optimizer.step()
        optimizer.clear_grad()


class Generative(Method):
    """A method whose network `g` makes images of noise, and whose `d` judges them."""

    def draw_z(self, num: int):
        """Noise [num, z_dim] from N(0, I), by paddle's generator."""
        return paddle.randn([num, self.options.z_dim])

    def generate(self, z, batch_statistics: bool = False):
        """Images [N, C, H, W] in [-1, 1] from noise [N, z_dim], changing nothing in the generator.

        Batch norms use their running statistics, as an exported model does; with `batch_statistics` they use those
        of this batch, as training does.
        """
        g = self.networks["g"]
        with paddle.no_grad(), unchanged_buffers(g):
            g.train() if batch_statistics else g.eval()
            images = g(z)
            g.train()
        return images

    def interfaces(self, image_shape):
        z = Port("z", (self.options.z_dim,), "noise", distribution="normal")
        images = Port("images", image_shape, "pictures, from black (-1) to white (1)", range=(-1, 1), layout="NCHW")
        logits = Port("logits", (1,), "above 0: taken for real; below: for generated")
        return {
            "g": Interface("generator: noise to pictures", (z,), (images,)),
            "d": Interface("discriminator: is a picture real?", (images,), (logits,)),
        }


@contextlib.contextmanager
def frozen(network: nn.Layer):
    """Inside, no gradients are computed for the network's parameters; they still pass through it to its input.

    Only what was trainable before is thawed: `parameters()` of a Paddle layer also lists batch norm's statistics.
    """
    trainable = [parameter for parameter in network.parameters() if not parameter.stop_gradient]
    for parameter in trainable:
        parameter.stop_gradient = True
    try:
        yield
    finally:
        for parameter in trainable:
            parameter.stop_gradient = False


@contextlib.contextmanager
def unchanged_buffers(network: nn.Layer):
    """Put the running statistics of the network's batch norms back on leaving."""
    before = {name: value.clone() for name, value in network.state_dict().items() if value.stop_gradient}
    try:
        yield
    finally:
        for name, value in network.state_dict().items():
            if name in before:
                value.set_value(before[name])
