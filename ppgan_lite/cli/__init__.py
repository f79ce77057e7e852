"""The command lines of `ppgan` and tools/: a file for each command, which parses arguments and calls one function."""
