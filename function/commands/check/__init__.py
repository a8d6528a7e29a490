"""`sre-dispatch check`: is this installation usable? check.py collects the rows of the other modules."""
