"""Data sets, one file each: see base.py for what they are, options.py for their options and names."""
