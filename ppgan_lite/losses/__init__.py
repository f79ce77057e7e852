"""Loss functions: pure functions of tensors, each a scalar to be minimised."""
