"""What all methods share: networks, optimizers, other state, and the one place where a loss becomes an update."""

import contextlib

import paddle
from paddle import nn

from ppgan_lite.methods.interface import Interface, Port
from ppgan_lite.methods.optimizers import Optimizer
from ppgan_lite.networks.conditional import ConditionalGenerator

LOGITS = Port("logits", (1,), "above 0: taken for real; below: for generated")


class Method:
    """Networks, their optimizers and one training step.

    A subclass writes `train_step` as its paper's algorithm; everything that is the same for all GANs lives outside.

    Attributes:
        options: the checked `method` section of the config.
        networks: name -> nn.Layer. What is in it is trained, saved and counted.
        optimizers: name -> Optimizer. What is in it is saved.
        state: name -> tensor: everything else that training changes. What is in it is saved.
        gradient_norms: where it is a dict and not None, each update leaves the norm of its gradient in it, as
            `grad_norm/NAME`.
    """

    def __init__(self, options, networks: dict[str, nn.Layer], optimizers: dict[str, Optimizer]):
        self.options = options
        self.networks = networks
        self.optimizers = optimizers
        self.state = {}
        self.gradient_norms = None

    @staticmethod
    def make_networks(options, make, image_shape: tuple[int, int, int], num_classes: int) -> dict[str, nn.Layer]:
        """The method's networks by their names, freshly initialised.

        Args:
            options: the `method` section of the config.
            make: `make(section, *arguments)` is the network that a section of the config describes; the arguments are
                told in ppgan_lite/networks/__init__.py.
            image_shape: C, H, W of the data.
            num_classes: of the data.
        """
        raise NotImplementedError

    @staticmethod
    def trained_network(optimizer: str) -> str:
        """The network that the optimizer of that name trains: `d_real` and `d` both train `d`."""
        return optimizer.partition("_")[0]

    def train_step(self, batches: list[dict], step: int) -> dict:
        """Train on `options.num_batches(step)` fresh batches. Returns scalar tensors to log, by keys `KIND/NAME`."""
        raise NotImplementedError

    def deployed(self) -> dict[str, nn.Layer]:
        """The networks as they are used and exported after training."""
        return self.networks

    def interfaces(self, image_shape: tuple[int, int, int], class_names: tuple[str, ...]) -> dict[str, Interface]:
        """What each network of `deployed` takes and gives. All of them are exported, by these names.

        Args:
            image_shape: C, H, W of the data.
            class_names: of the data's labels.
        """
        raise NotImplementedError

    def update(self, names: str, loss):
        """Take one step of an optimizer, or of several (`"g e"`), down the gradient of `loss`, and of nothing else."""
        for name in names.split():
            self.optimizers[name].clear_grad()
        loss.backward()
        for name in names.split():
            self.step(name)

    def step(self, name: str):
        """Take one step of optimizer `name` down the gradients that stand on its network, and clear them."""
        optimizer = self.optimizers[name]
        if self.gradient_norms is not None:
            self.gradient_norms[f"grad_norm/{name}"] = optimizer.gradient_norm()
        optimizer.step()
        optimizer.clear_grad()


class Generative(Method):
    """A method whose network `g` makes images of noise. By default its `d` judges them.

    Attributes:
        num_kinds: of images, which `draw` asks for in turn (classes, say): columns of a grid; None: it does not ask.
        judgement: what `d` gives.
        noise: distribution of each number of it: "normal", N(0, 1), or "uniform", in [-1, 1].
    """

    num_kinds = None
    noise = "normal"
    judgement = LOGITS

    @staticmethod
    def make_networks(options, make, image_shape, num_classes):
        return {"g": make("generator", options.z_dim, image_shape), "d": make("discriminator", image_shape)}

    def draw_z(self, num: int):
        """Noise [num, z_dim], by paddle's generator."""
        shape = [num, self.options.z_dim]
        return paddle.uniform(shape, min=-1.0, max=1.0) if self.noise == "uniform" else paddle.randn(shape)

    def draw(self, num: int) -> dict:
        """Random inputs of `g`, by their names in the order of its `forward`."""
        return {"z": self.draw_z(num)}

    def fakes(self, *inputs):
        """Images of `g`, in training mode, that no gradient leads back from."""
        with paddle.no_grad():
            return self.networks["g"](*inputs)

    def generate(self, inputs: dict, batch_statistics: bool = False):
        """Images [N, C, H, W] in [-1, 1] from inputs as `draw` gives them, changing nothing in the generator.

        Batch norms use their running statistics, as an exported model does; with `batch_statistics` they use those
        of this batch, as training does. Where the config averages G's weights, the average makes the images.
        """
        g = self.deployed()["g"]
        with paddle.no_grad(), unchanged_buffers(g):
            g.train() if batch_statistics else g.eval()
            images = g(*inputs.values())
            g.train()
        return images

    def deployed(self):
        networks = dict(self.networks)
        networks["g"] = networks.pop("g_ema", networks["g"])
        return networks

    def interfaces(self, image_shape, class_names):
        images = picture_port(image_shape)
        return {
            "g": Interface("generator: noise to pictures", (self.noise_port(),), (images,)),
            "d": Interface("discriminator: is a picture real?", (images,), (self.judgement,)),
        }

    def noise_port(self) -> Port:
        """What `draw_z` draws."""
        limits = (-1, 1) if self.noise == "uniform" else None
        return Port("z", (self.options.z_dim,), "noise", range=limits, distribution=self.noise)


class Conditional(Generative):
    """A method whose generator is asked for a class: `g(z, labels)`. By default its `d(images, labels)` is told it."""

    @property
    def num_kinds(self) -> int:
        """Classes that can be asked for."""
        return self.networks["g"].num_classes

    @staticmethod
    def make_generator(options, make, image_shape, num_classes):
        """The config's generator with a label beside its noise."""
        return ConditionalGenerator(make("generator", options.z_dim + num_classes, image_shape), num_classes)

    def draw(self, num):
        """Noise, and each class in turn."""
        return {"z": self.draw_z(num), "labels": paddle.arange(num) % self.num_kinds}

    def interfaces(self, image_shape, class_names):
        labels, images = self.label_port(class_names), picture_port(image_shape)
        return {
            "g": Interface("generator: noise and a class to pictures", (self.noise_port(), labels), (images,)),
            "d": Interface("discriminator: is it a real picture of the class?", (images, labels), (self.judgement,)),
        }

    def label_port(self, class_names) -> Port:
        """What the generator is asked for."""
        last = self.num_kinds - 1
        return Port("labels", (), "the class", "int64", (0, last), distribution="uniform", names=tuple(class_names))


def picture_port(image_shape: tuple[int, int, int], name: str = "images") -> Port:
    """Pictures as the networks take and give them."""
    return Port(name, tuple(image_shape), "pictures, from black (-1) to white (1)", range=(-1, 1), layout="NCHW")


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
