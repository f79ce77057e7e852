"""What all methods share: networks, their optimizers, other state, and what they show of themselves."""

import paddle
from paddle import nn

from ppgan_lite.data.spec import Spec
from ppgan_lite.methods.interface import LOGITS, Interface, Port, picture_port
from ppgan_lite.methods.optimizers import Optimizer
from ppgan_lite.methods.samplers import Sampler
from ppgan_lite.methods.updates import Updates
from ppgan_lite.networks.conditional import ConditionalGenerator


class Method:
    """Networks, their optimizers and one training step.

    A subclass writes `train_step` as its paper's algorithm; everything that is the same for all methods lives outside.

    Attributes:
        options: the checked `method` section of the config.
        spec: the fields of the data; see data/spec.py.
        networks: name -> nn.Layer. What is in it is trained, saved and counted.
        averages: network -> its moving average, where `train.ema` asks for one. What is in it is saved.
        optimizers: name -> Optimizer. What is in it is saved.
        updates: takes their steps.
        state: name -> tensor: everything else that training changes. What is in it is saved.
    """

    def __init__(self, options, networks: dict[str, nn.Layer], optimizers: dict[str, Optimizer], spec: Spec):
        self.options = options
        self.spec = spec
        self.networks = networks
        self.averages = {}
        self.optimizers = optimizers
        self.updates = Updates(optimizers)
        self.state = {}

    @staticmethod
    def make_networks(options, make, spec: Spec) -> dict[str, nn.Layer]:
        """The method's networks by their names, freshly initialised.

        Args:
            options: the `method` section of the config.
            make: `make(section, *arguments)` is the network that a section of the config describes; the arguments are
                listed in ppgan_lite/networks/__init__.py.
            spec: the fields of the data.
        """
        raise NotImplementedError

    def train_step(self, batches: list[dict], step: int) -> dict:
        """Train on `options.num_batches(step)` fresh batches. Returns scalar tensors to log, by keys `KIND/NAME`."""
        raise NotImplementedError

    def update(self, names: str, loss):
        """Take one step of an optimizer, or of several (`"g e"`), down the gradient of `loss`, and of nothing else."""
        self.updates(names, loss)

    def deployed(self) -> dict[str, nn.Layer]:
        """The networks as they are used and exported after training: the averages of those that have one."""
        return self.networks | self.averages

    def interfaces(self) -> dict[str, Interface]:
        """What each network of `deployed` takes and gives. All of them are exported, by these names."""
        raise NotImplementedError

    def samplers(self) -> dict[str, Sampler]:
        """The ways in which the method makes pictures, by their names; none where it makes none."""
        return {}


class Generative(Method):
    """A method whose network `g` makes images of noise. By default its `d` judges them.

    Attributes:
        judgement: what `d` gives.
        noise: distribution of each number of it: "normal", N(0, 1), or "uniform", in [-1, 1].
    """

    noise = "normal"
    judgement = LOGITS

    @staticmethod
    def make_networks(options, make, spec):
        shape = spec["image"].shape
        return {"g": make("generator", options.z_dim, shape), "d": make("discriminator", shape)}

    def draw_z(self, num: int):
        """Noise [num, z_dim], by paddle's generator."""
        shape = [num, self.options.z_dim]
        return paddle.uniform(shape, min=-1.0, max=1.0) if self.noise == "uniform" else paddle.randn(shape)

    def fakes(self, *inputs):
        """Images of `g`, in training mode, detached from it."""
        with paddle.no_grad():
            return self.networks["g"](*inputs)

    def samplers(self):
        return {"g": Sampler(self.deployed()["g"], self.interfaces()["g"])}

    def interfaces(self):
        images = picture_port(self.spec["image"])
        return {
            "g": Interface("generator: noise to pictures", (self.noise_port(),), (images,)),
            "d": Interface("discriminator: is a picture real?", (images,), (self.judgement,)),
        }

    def noise_port(self) -> Port:
        """What `draw_z` draws."""
        limits = (-1, 1) if self.noise == "uniform" else None
        return Port("z", (self.options.z_dim,), "noise", range=limits, distribution=self.noise)


class Conditional(Generative):
    """A method whose generator takes a class: `g(z, labels)`. By default its `d(images, labels)` takes it, too."""

    @staticmethod
    def make_generator(options, make, spec):
        """The config's generator with a label beside its noise."""
        num_classes = len(spec["label"].names)
        return ConditionalGenerator(make("generator", options.z_dim + num_classes, spec["image"].shape), num_classes)

    def interfaces(self):
        labels, images = self.label_port(), picture_port(self.spec["image"])
        return {
            "g": Interface("generator: noise and a class to pictures", (self.noise_port(), labels), (images,)),
            "d": Interface("discriminator: is it a real picture of the class?", (images, labels), (self.judgement,)),
        }

    def label_port(self) -> Port:
        """The class that the generator is asked for."""
        names = self.spec["label"].names
        return Port("labels", (), "the class", "int64", (0, len(names) - 1), distribution="uniform", names=names)
