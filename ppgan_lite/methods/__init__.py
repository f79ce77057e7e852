"""What can be trained, one file each: see base.py for what a method is, options.py for its options and name."""
