"""A run: one output folder, its records, checkpoints, results and health."""
