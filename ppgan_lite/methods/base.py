"""What all methods share: networks, optimizers, state, interfaces and samplers."""

import paddle
from paddle import nn

from ppgan_lite.data.spec import Spec
from ppgan_lite.methods.augment import Augment, Strength
from ppgan_lite.methods.interface import LOGITS, Interface, Port, label_port, picture_port
from ppgan_lite.methods.optimizers import Optimizer
from ppgan_lite.methods.samplers import Sampler
from ppgan_lite.methods.updates import Updates
from ppgan_lite.networks.conditional import ConditionalGenerator


class Method:
    """Networks, their optimizers and one training step.

    A subclass writes `train_step` as its paper's algorithm; what is common to all methods is written elsewhere.

    Attributes:
        options: the checked `method` section of the config.
        spec: the fields of the data; see data/spec.py.
        networks: name -> nn.Layer; all are trained, saved and counted.
        averages: name of a network -> its moving average, saved; empty without `train.ema`.
        optimizers: name -> Optimizer, saved.
        updates: takes the optimizers' steps.
        state: name -> tensor, everything else that training changes, saved.
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
        """Return the method's networks by name, freshly initialised.

        Args:
            options: the `method` section of the config.
            make: `make(section, *arguments)` builds the network of a section of the config; for the arguments see
                ppgan_lite/networks/__init__.py.
            spec: the fields of the data.
        """
        raise NotImplementedError

    def train_step(self, batches: list[dict], step: int) -> dict:
        """Train on `options.num_batches(step)` fresh batches. Returns scalar tensors to log, with keys `KIND/NAME`."""
        raise NotImplementedError

    def update(self, names: str, loss):
        """Take one step of an optimizer, or of several (`"g e"`), down the gradient of `loss` and nothing else."""
        self.updates(names, loss)

    def deployed(self) -> dict[str, nn.Layer]:
        """The networks to use and export after training: averages where there are any, else the trained weights."""
        return self.networks | self.averages

    def interfaces(self) -> dict[str, Interface]:
        """Inputs and outputs of each network of `deployed`. All are exported under these names."""
        raise NotImplementedError

    def samplers(self) -> dict[str, Sampler]:
        """The method's samplers by name, one for each way of making pictures; empty for a classifier."""
        return {}


class Generative(Method):
    """A method with a generator `g(z)` and, by default, a discriminator `d(images)`.

    Attributes:
        noise: distribution of each element of z: "normal", N(0, 1), or "uniform", in [-1, 1].
        d_output: D's output.
    """

    noise = "normal"
    d_output = LOGITS

    @staticmethod
    def make_networks(options, make, spec):
        shape = spec["image"].shape
        return {"g": make("generator", options.z_dim, shape), "d": make("discriminator", shape)}

    def draw_z(self, num: int):
        """Noise vectors [num, z_dim], from Paddle's random generator."""
        shape = [num, self.options.z_dim]
        return paddle.uniform(shape, min=-1.0, max=1.0) if self.noise == "uniform" else paddle.randn(shape)

    def fakes(self, *inputs):
        """Images by `g`, detached: no gradient flows back to it."""
        with paddle.no_grad():
            return self.networks["g"](*inputs)

    def samplers(self):
        return {"g": Sampler(self.deployed()["g"], self.interfaces()["g"])}

    def interfaces(self):
        images = picture_port(self.spec["image"])
        return {
            "g": Interface("generator: noise to pictures", (self.noise_port(),), (images,)),
            "d": Interface("discriminator: is a picture real?", (images,), (self.d_output,)),
        }

    def noise_port(self) -> Port:
        """The generator's input z, as `draw_z` draws it."""
        limits = (-1, 1) if self.noise == "uniform" else None
        return Port("z", (self.options.z_dim,), "noise", range=limits, distribution=self.noise)


class Likelihood(Method):
    """A method that says how probable pictures are: log p(x) of each, or a lower bound of it.

    Attributes:
        likelihood: for the protocol of evaluations "exact", or which bound it is; None: this data has no likelihood.
        num_draws: for a bound, the number of random draws that evaluations use if the user does not say.
    """

    likelihood: str | None = "exact"
    num_draws = 1

    def log_probability(self, networks: dict[str, nn.Layer], batch: dict, num_draws: int):
        """The logarithm of p(x) in nats of each picture x of a batch, [N], or a lower bound; it has gradients.

        The pictures' values have as many levels as the data's: p is a probability, not a density.

        Args:
            networks: `networks` or `deployed()`.
            batch: fields of the data by name, as for `train_step`.
            num_draws: number of random draws for each picture that a bound is computed from.
        """
        raise NotImplementedError


class Adversarial(Generative):
    """A GAN: its discriminator only ever sees pictures that went through `augment`, real and generated ones alike.

    Attributes:
        augment: the augmentation of the config, images [N, C, H, W] -> images; see methods/augment.py.
    """

    def __init__(self, options, networks, optimizers, spec):
        super().__init__(options, networks, optimizers, spec)
        self._strength = None
        if options.augment_target is None:
            self.augment = Augment(options.augment)
        else:
            self._strength = Strength(options.augment_target, options.augment_images)
            self.state |= self._strength.state
            self.augment = Augment(options.augment, self.state["augment/strength"])

    def adapt(self, confidence) -> dict:
        """Adjust the strength of `augment`, if the config asks for it, and return the scalars to log.

        Args:
            confidence: D's outputs on real images, [N, 1], shifted such that those above 0 mean "real".
        """
        if self._strength is None:
            return {}
        self._strength.adapt(confidence)
        return {name: value.clone() for name, value in self._strength.state.items()}


class Conditional(Adversarial):
    """A method with a conditional generator `g(z, labels)` and, by default, a discriminator `d(images, labels)`.

    By default both are networks that take classes; see networks/__init__.py.
    """

    @staticmethod
    def make_networks(options, make, spec):
        shape, num_classes = spec["image"].shape, len(spec["label"].names)
        return {
            "g": make("generator", options.z_dim, shape, num_classes),
            "d": make("discriminator", shape, (1,), num_classes),
        }

    @staticmethod
    def make_generator(options, make, spec):
        """The config's generator, with the label concatenated to its noise."""
        num_classes = len(spec["label"].names)
        return ConditionalGenerator(make("generator", options.z_dim + num_classes, spec["image"].shape), num_classes)

    def interfaces(self):
        labels, images = self.label_port(), picture_port(self.spec["image"])
        return {
            "g": Interface("generator: noise and a class to pictures", (self.noise_port(), labels), (images,)),
            "d": Interface("discriminator: is it a real picture of the class?", (images, labels), (self.d_output,)),
        }

    def label_port(self) -> Port:
        """The generator's input `labels`."""
        return label_port(self.spec["label"])
