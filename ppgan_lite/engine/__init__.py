"""What is the same for every GAN: the loop, the run's folder, checkpoints."""
