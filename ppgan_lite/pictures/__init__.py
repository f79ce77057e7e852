"""Pictures for people to look at: pure drawing, from arrays to pixels."""
