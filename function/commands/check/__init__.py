"""`sre-dispatch check`: is this installation usable? check.py puts the rows of the others together."""
