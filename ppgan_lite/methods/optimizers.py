"""Optimizers with a state that can be saved: its keys are the parameters' names within their network."""

import math

import paddle
from paddle import nn


class Optimizer:
    """Adam, RMSprop or SGD over the trainable parameters of one network, or of several.

    Paddle names an optimizer's state after process-wide counters (`linear_3.w_0_moment1_1`), so a second network of
    the same kind in a process has other names. Here the name is always `project.0.weight/moment1`.

    Args:
        options: the optimizer's options; see config/optim.py.
        networks: name -> network.

    Attributes:
        parameters: name in the network -> trained parameter; with several networks the names are NETWORK.NAME.
    """

    def __init__(self, options, networks: dict[str, nn.Layer]):
        self._options = options
        self._lr = options.lr
        self.parameters = {
            f"{network}.{name}" if len(networks) > 1 else name: p
            for network, layer in networks.items()
            for name, p in layer.named_parameters()
            if not p.stop_gradient
        }
        parameters = list(self.parameters.values())
        if options.name == "sgd":
            self._paddle = paddle.optimizer.SGD(options.lr, parameters)
        elif options.name == "rmsprop":
            # Paddle adds epsilon to the mean square, PyTorch 1e-8 to its root. WGAN's gradients are small: Paddle's own
            # 1e-6 would hide them.
            self._paddle = paddle.optimizer.RMSProp(options.lr, rho=0.99, epsilon=1e-16, parameters=parameters)
        elif options.weight_decay:  # decoupled (Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101)
            decayed = {p.name for p in parameters if p.ndim > 1}
            keys = {"weight_decay": options.weight_decay, "apply_decay_param_fun": decayed.__contains__}
            self._paddle = paddle.optimizer.AdamW(options.lr, *options.betas, parameters=parameters, **keys)
        else:
            self._paddle = paddle.optimizer.Adam(options.lr, *options.betas, parameters=parameters)
        # Paddle makes the state at the first step; a resumed run loads it before that. There is no public call.
        block = paddle.static.default_main_program().global_block()
        self._paddle._create_accumulators(block, parameters)
        self._names = {parameter.name: name for name, parameter in self.parameters.items()}

    def schedule(self, step: int, steps: int):
        """Set the learning rate for step `step` (from 1) of `steps`.

        The cosine: Loshchilov and Hutter 2017, eq. 5, without restarts (https://arxiv.org/abs/1608.03983).
        """
        options = self._options
        if options.decay is None:
            return
        start = options.decay_from * steps
        left = 1 - max(0.0, (step - 1 - start) / (steps - start))  # from 1 to almost 0
        if options.decay == "cosine":
            left = (1 - math.cos(math.pi * left)) / 2
        self._lr = options.decay_to + (options.lr - options.decay_to) * left
        self._paddle.set_lr(self._lr)

    def scale(self, factor: float):
        """Multiply the learning rate of `schedule` by a factor, until the next call of either."""
        self._paddle.set_lr(self._lr * factor)

    def step(self):
        """Update every parameter that has a gradient."""
        self._paddle.step()

    def gradient_norm(self):
        """The L2 norm of all gradients together, a scalar tensor."""
        gradients = [p.grad.flatten() for p in self.parameters.values() if p.grad is not None]
        return sum((gradient.dot(gradient) for gradient in gradients), paddle.zeros([])).sqrt()

    def clear_grad(self):
        """Clear the gradients of the parameters."""
        self._paddle.clear_grad(set_to_zero=False)

    def state_dict(self) -> dict:
        """The state tensors themselves (not copies), as `PARAMETER/KIND`: `conv1.weight/moment1`."""
        return {
            f"{self._names[parameter]}/{kind}": tensor
            for kind, by_parameter in self._paddle._accumulators.items()
            for parameter, tensor in by_parameter.items()
        }
