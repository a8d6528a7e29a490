# METADATA
# title: Whoever holds a token may ask for a decision, and nobody may do anything else.
# description: |
#   OPA asks this on both of its listeners and does not say on which one. The kubelet and
#   Prometheus have no token, so GET /health and GET /metrics are open on both.
package system.authz

# METADATA
# title: Whether the request is answered at all.
# scope: document
default allow := false

allow if {
	input.method == "POST"
	input.path == ["v1", "data", "sre_dispatch", "decision"]
	crypto.sha256(input.identity) in _accepted
}

allow if {
	input.method == "GET"
	input.path in [["health"], ["metrics"]]
}

# Two, so that a new token is accepted before the old one goes. Hashes are compared, so that how long
# it takes tells nothing of a token.
_accepted contains crypto.sha256(token) if {
	some name in ["OPA_TOKEN", "OPA_TOKEN_NEXT"]
	token := trim_space(opa.runtime().env[name])
	count(token) >= 16
}
