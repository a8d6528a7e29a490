"""The implementations of the ports. Each module knows one technology and no other module."""
