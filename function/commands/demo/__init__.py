"""`sre-dispatch demo` plays the incident on this machine. Its alerts and sample data are JSON files."""
