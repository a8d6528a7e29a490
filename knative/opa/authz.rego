# METADATA
# title: A caller with a token may request a decision. No other request is allowed.
# description: |
#   OPA evaluates this policy on both of its listeners and does not say on which one. The kubelet
#   and Prometheus have no token, so GET /health and GET /metrics are open on both.
package system.authz

# METADATA
# title: Whether OPA answers the request.
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

# Two tokens are valid, so that a new token works before the old token is removed. The policy compares hashes,
# so that the duration of the comparison reveals nothing about a token.
_accepted contains crypto.sha256(token) if {
	some name in ["OPA_TOKEN", "OPA_TOKEN_NEXT"]
	token := trim_space(opa.runtime().env[name])
	count(token) >= 16
}
