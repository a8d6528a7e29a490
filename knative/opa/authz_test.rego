# METADATA
# title: With an accepted token one request is allowed. Health and metrics need no token.
package system.authz_test

import data.system.authz

tokens := {"OPA_TOKEN": "the-token-in-force", "OPA_TOKEN_NEXT": "the-one-to-come-next\n"}

decision := ["v1", "data", "sre_dispatch", "decision"]

asked := {"method": "POST", "path": decision, "identity": "the-token-in-force"}

admits(request) if admits_with(request, tokens)

admits_with(request, environment) if {
	authz.allow with input as request with opa.runtime as {"env": environment}
}

test_a_decision_is_for_the_holder_of_either_token if {
	every token in ["the-token-in-force", "the-one-to-come-next"] {
		admits(object.union(asked, {"identity": token}))
	}
}

test_any_other_token_is_refused if {
	every token in ["", "the-token-in-forc", "the-token-in-force ", "The-token-in-force", "the-one-to-come-next\n", null] {
		not admits(object.union(asked, {"identity": token}))
	}
	not admits(object.remove(asked, ["identity"]))
}

test_a_token_that_is_short_or_missing_is_never_accepted if {
	every token in ["", "fifteen-letters", "               ", " fifteen-letters\n"] {
		every given in [token, trim_space(token)] {
			not admits_with(object.union(asked, {"identity": given}), {"OPA_TOKEN": token, "OPA_TOKEN_NEXT": token})
		}
	}
	not admits_with(asked, {})
	not admits_with(object.union(asked, {"identity": ""}), {})
}

test_the_second_token_need_not_be_there if admits_with(asked, object.remove(tokens, ["OPA_TOKEN_NEXT"]))

test_no_other_method_is_admitted if {
	every method in ["GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "post", ""] {
		not admits(object.union(asked, {"method": method}))
	}
}

test_no_other_path_is_admitted if {
	every path in [
		[],
		[""],
		["v1", "data"],
		["v1", "data", "sre_dispatch"],
		["v1", "data", "sre_dispatch", "decision", ""],
		["v1", "data", "sre_dispatch", "decision", "allowed"],
		["v1", "data", "", "sre_dispatch", "decision"],
		["v1", "data", "sre_dispatch/decision"],
		["v1", "data", "system", "..", "sre_dispatch", "decision"],
		["v0", "data", "sre_dispatch", "decision"],
		["v1", "compile"],
		["v1", "config"],
		["v1", "policies", "x"],
		["v1", "query"],
		["health"],
		["metrics"],
	] {
		not admits(object.union(asked, {"path": path}))
	}
}

test_health_and_metrics_are_for_everybody if {
	every path in [["health"], ["metrics"]] {
		admits({"method": "GET", "path": path})
	}
}

test_nothing_else_is_for_everybody if {
	every path in [[""], ["health", "live"], ["metrics", ""], ["debug", "pprof", ""], ["v1", "status"], decision] {
		not admits({"method": "GET", "path": path})
	}
}
