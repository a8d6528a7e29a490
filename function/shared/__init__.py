"""What two or more wings need: errors, the event, facts, texts, and clients for HTTP, MCP, Kubernetes and
Prometheus."""
