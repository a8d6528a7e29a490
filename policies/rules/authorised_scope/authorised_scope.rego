# METADATA
# title: An agent acts alone only in namespaces whose owner authorised that.
package sre_dispatch.rules.authorised_scope

import future.keywords.not

# METADATA
# title: This rule needs no configuration.
ready := true

# METADATA
# title: The source of context does not report what the namespace's owner authorised.
# custom:
#   change: Ask the namespace's owner to set the scope where the source of context reads it.
withheld contains {"code": "scope_unknown", "level": "LOW"} if {
	input.phase == "review"
	not _stated(input.facts.scope)
}

# METADATA
# title: The namespace's owner did not authorise agents that act alone.
# custom:
#   change: Ask the namespace's owner to add autonomous to the scope where the source of context reads it.
withheld contains {"code": "out_of_scope", "level": "LOW"} if {
	input.phase == "review"
	is_array(input.facts.scope)
	not "autonomous" in input.facts.scope
}

_stated(scope) if is_array(scope)
