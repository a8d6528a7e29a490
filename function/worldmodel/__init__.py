"""The world model: an MCP server that tells the context of resources and remembers the outcomes of runs.

context     a resource -> its facts; read this first
server      the web edge: tokens, MCP's streamable HTTP, bare JSON-RPC
tools       the three tools, and which token may call each
serve, settings, __main__
            how it is configured and started

pvc, pod, workload, node, namespace
            the facts of each kind of resource
usage       facts from Prometheus
events, neighbours, owners, rollouts
            facts that several kinds share
found       the result of reading one resource

reader      one reading of the cluster: requests run side by side, a failure is a gap
objects     the Kubernetes API, read only, and the meaning of its fields
"""
