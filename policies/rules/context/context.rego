# METADATA
# title: An agent acts alone only with the whole context of the resource before it.
package sre_dispatch.rules.context

import future.keywords.not

# METADATA
# title: This rule needs no data of the operator's.
ready := true

# METADATA
# title: Nothing is known of the resource beyond the alert.
# custom:
#   change: Connect a source of context that knows the resource, and see that it answers.
withheld contains {"code": "context_missing", "level": "LOW"} if {
	input.phase == "review"
	object.get(input, "facts", null) == null
}

# METADATA
# title: Part of what should be known of the resource is missing.
# custom:
#   change: Mend the source of context whose gap the decision's context names.
withheld contains {"code": "context_incomplete", "level": "LOW"} if {
	input.phase == "review"
	object.get(input, "facts", null) != null
	not input.facts.complete == true
}
