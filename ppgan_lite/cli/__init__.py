"""The commands of `ppgan` and tools/, one file each: it declares the arguments and calls one function."""
