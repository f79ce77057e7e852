"""From a loss to a step of one or several optimizers. No other module touches gradients."""

from ppgan_lite.methods.optimizers import Optimizer


class Updates:
    """Takes the steps of a method's optimizers, each down the gradient of its own loss.

    Attributes:
        optimizers: name -> Optimizer.
        gradient_norms: None, or a dict in which each update records the norm of its gradient, as `grad_norm/NAME`.
    """

    def __init__(self, optimizers: dict[str, Optimizer]):
        self.optimizers = optimizers
        self.gradient_norms = None

    def __call__(self, names: str, loss):
        """Take one step of an optimizer, or of several (`"g e"`), down the gradient of `loss` and nothing else."""
        for name in names.split():
            self.optimizers[name].clear_grad()
        loss.backward()
        for name in names.split():
            self.apply(name)

    def apply(self, name: str):
        """Take one step of an optimizer by the gradients already accumulated on its networks, and clear them."""
        optimizer = self.optimizers[name]
        if self.gradient_norms is not None:
            self.gradient_norms[f"grad_norm/{name}"] = optimizer.gradient_norm()
        optimizer.step()
        optimizer.clear_grad()
