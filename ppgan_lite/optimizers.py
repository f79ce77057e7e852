"""Optimizers whose saved state is keyed by the parameter's place in its network."""

import paddle
from paddle import nn


class Optimizer:
    """Adam over the trainable parameters of one network.

    Paddle names an optimizer's state after process-wide counters (`linear_3.w_0_moment1_1`), so the same network
    built second in a process has other names. Here it is `project.0.weight/moment1` wherever it is built.
    """

    def __init__(self, options, network: nn.Layer):
        trainable = {name: p for name, p in network.named_parameters() if not p.stop_gradient}
        beta1, beta2 = options.betas
        self._paddle = paddle.optimizer.Adam(options.lr, beta1, beta2, parameters=list(trainable.values()))
        # Paddle makes the state at the first step; made now, it can be loaded before one. There is no public call.
        block = paddle.static.default_main_program().global_block()
        self._paddle._create_accumulators(block, list(trainable.values()))
        self._names = {parameter.name: name for name, parameter in trainable.items()}

    def step(self):
        """Update every parameter that has a gradient."""
        self._paddle.step()

    def clear_grad(self):
        """Forget the gradients of this network's parameters."""
        self._paddle.clear_grad(set_to_zero=False)

    def state_dict(self) -> dict:
        """The state tensors themselves (not copies), as `PARAMETER/KIND`: `conv1.weight/moment1`."""
        return {
            f"{self._names[parameter]}/{kind}": tensor
            for kind, by_parameter in self._paddle._accumulators.items()
            for parameter, tensor in by_parameter.items()
        }
