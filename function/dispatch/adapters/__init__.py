"""The implementations of the ports. Each module uses one technology and imports no other adapter."""
