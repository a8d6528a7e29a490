"""The world model: an MCP server that returns the context of resources and stores the outcomes of runs.

context     makes the context of a resource; read this first
server      the HTTP server: tokens, MCP's streamable HTTP, bare JSON-RPC
tools       the three tools, and the role that may call each tool
serve, settings, __main__
            settings and start

pvc, pod, workload, node, namespace, cronjob, autoscaler, network, quotas
            the facts of each kind of resource
kinds       the names of the kinds
usage, metrics
            facts from Prometheus
events, neighbours, owners, crashes, readiness, rollouts, revisions, scaling, schedules, services
            facts that several kinds share
found       the result of reading one resource

reader      reads the cluster once for a context: parallel requests, a failed request is a gap
objects     the Kubernetes API, read only, and the meaning of the objects' fields
"""
