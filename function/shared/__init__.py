"""Code that two or more wings use: errors, the event, facts, texts, and clients for HTTP, MCP, Kubernetes and
Prometheus."""
