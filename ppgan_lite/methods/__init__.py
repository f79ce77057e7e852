"""Training methods, one file each. base.py: what a method is; options.py: the options and names of all methods."""
