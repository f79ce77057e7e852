"""A config: read, checked, and turned into the objects that it names."""
