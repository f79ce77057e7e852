"""What each tool does, without its command line."""
