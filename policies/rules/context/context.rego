# METADATA
# title: An agent acts alone only with complete context of the resource.
package sre_dispatch.rules.context

import future.keywords.not

# METADATA
# title: This rule needs no configuration.
ready := true

# METADATA
# title: There is no context. Only the alert itself describes the resource.
# custom:
#   change: Connect a source of context that knows the resource, and check that it answers.
withheld contains {"code": "context_missing", "level": "LOW"} if {
	input.phase == "review"
	object.get(input, "facts", null) == null
}

# METADATA
# title: Part of the resource's context is missing.
# custom:
#   change: Fix the sources that the gaps in the context name.
withheld contains {"code": "context_incomplete", "level": "LOW"} if {
	input.phase == "review"
	object.get(input, "facts", null) != null
	not input.facts.complete == true
}
