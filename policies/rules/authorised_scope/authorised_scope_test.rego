# METADATA
# title: LOW needs the owner's authorisation.
package sre_dispatch.rules.authorised_scope_test

import data.sre_dispatch.rules.authorised_scope
import future.keywords.not

given(levels) := {"ready": true, "withheld": levels}

unknown := {{"code": "scope_unknown", "level": "LOW"}}

out_of_scope := {{"code": "out_of_scope", "level": "LOW"}}

review(scope) := {"phase": "review", "facts": {"scope": scope}}

test_an_authorised_agent_keeps_low if {
	every scope in [["autonomous"], ["investigate", "merge-request", "autonomous"]] {
		authorised_scope == given(set()) with input as review(scope)
	}
}

test_any_other_scope_withholds_low if {
	every scope in [[], ["merge-request"], ["Autonomous"], ["autonomous "], ["*"], [["autonomous"]], [null]] {
		authorised_scope == given(out_of_scope) with input as review(scope)
	}
}

test_an_unknown_or_mistyped_scope_withholds_low if {
	every scope in [null, "autonomous", 1, true, {"a": "autonomous"}] {
		authorised_scope == given(unknown) with input as review(scope)
	}
	every facts in [null, {}, [], "autonomous"] {
		authorised_scope == given(unknown) with input as {"phase": "review", "facts": facts}
	}
	authorised_scope == given(unknown) with input as {"phase": "review"}
}

test_triage_does_not_ask_for_the_scope if {
	every document in [{"phase": "triage", "facts": null}, {"phase": "triage"}, {}, {"phase": null}] {
		authorised_scope == given(set()) with input as document
	}
}
