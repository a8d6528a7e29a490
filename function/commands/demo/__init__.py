"""`sre-dispatch demo`: the incident, played on this machine. Its alerts and sample world are JSON files."""
