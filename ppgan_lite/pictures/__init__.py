"""Drawing of pictures: pure functions from arrays to pixels."""
