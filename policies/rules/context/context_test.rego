# METADATA
# title: LOW needs context that states that it is complete.
package sre_dispatch.rules.context_test

import data.sre_dispatch.rules.context
import future.keywords.not

missing := {"ready": true, "withheld": {{"code": "context_missing", "level": "LOW"}}}

incomplete := {"ready": true, "withheld": {{"code": "context_incomplete", "level": "LOW"}}}

silent := {"ready": true, "withheld": set()}

test_complete_context_keeps_low if {
	context == silent with input as {"phase": "review", "facts": {"complete": true}}
}

test_no_context_withholds_low if {
	context == missing with input as {"phase": "review", "facts": null}
	context == missing with input as {"phase": "review"}
}

test_partial_or_mistyped_context_withholds_low if {
	every facts in [{"complete": false}, {"complete": null}, {"complete": "true"}, {"complete": 1}, {}, [], "", true] {
		context == incomplete with input as {"phase": "review", "facts": facts}
	}
}

test_triage_does_not_ask_for_context if {
	every document in [{"phase": "triage", "facts": null}, {"phase": "triage"}, {}, {"phase": null}] {
		context == silent with input as document
	}
}
