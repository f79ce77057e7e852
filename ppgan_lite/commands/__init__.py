"""The commands behind the tools, without their command lines."""
