# METADATA
# title: If remediations of a resource failed recently, no agent acts alone on the resource.
package sre_dispatch.rules.recent_failures

import future.keywords.not

# METADATA
# title: The threshold is a number.
ready if is_number(data.config.recent_failures.failure_threshold)

# METADATA
# title: The source of context does not report whether earlier remediations of the resource failed.
# custom:
#   change: Make the source of context record the outcomes of remediations.
withheld contains {"code": "failures_unknown", "level": "LOW"} if {
	input.phase == "review"
	not _counted(input.facts.failures)
}

# METADATA
# title: Remediations of the resource failed recently.
# custom:
#   change: Wait until the failures are no longer recent, or raise failure_threshold in policies/config/recent_failures/data.yaml.
withheld contains {"code": "recent_failures", "level": "LOW"} if {
	ready
	input.phase == "review"
	is_number(input.facts.failures)
	input.facts.failures >= data.config.recent_failures.failure_threshold
}

_counted(fact) if is_number(fact)
