"""A world model for those who have no FFO: an MCP server that reads Kubernetes and Prometheus live and
remembers the outcomes of runs.

server      the web edge: tokens, MCP's streamable HTTP, bare JSON-RPC
tools       the three tools, and who may call which
context     a resource -> its facts; read this first
claim, pod, workload, node, namespace
            what is told of each kind of resource
look        one look at the cluster: what is asked goes side by side, what fails is a gap
objects     the Kubernetes API, read only; manifests
prometheus  queries, and the facts that follow
"""
