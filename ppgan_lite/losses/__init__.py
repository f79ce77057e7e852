"""Losses and penalties: pure functions of tensors that return a scalar to minimise."""
