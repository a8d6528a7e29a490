"""What two wings need: errors, the event, facts, texts, and clients for HTTP, MCP, Kubernetes, Prometheus."""
