"""The command lines: they parse arguments and call one command each. No paddle before an error is found."""
