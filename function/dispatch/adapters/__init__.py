"""One technology a module; none knows another."""
