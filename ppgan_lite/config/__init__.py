"""Configs: found, read, checked, and turned into objects."""
