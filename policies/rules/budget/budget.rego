# METADATA
# title: Budgets limit how many agents run at once, start within an hour, and change the same resource.
package sre_dispatch.rules.budget

import future.keywords.not

# METADATA
# title: The limits are numbers, and the writing levels are levels.
ready if {
	is_number(data.config.budget.max_active)
	is_number(data.config.budget.max_started_per_hour)
	is_number(data.config.budget.max_per_resource)
	is_array(data.config.budget.writing_levels)
	every level in data.config.budget.writing_levels {
		level in {"LOW", "MEDIUM", "HIGH"}
	}
}

# METADATA
# title: The maximum number of agents is running.
# custom:
#   change: Wait until an agent ends, or raise max_active in policies/config/budget/data.yaml.
denials contains {"code": "budget_active", "retry": true} if {
	not _below(input.activity.active, data.config.budget.max_active)
}

# METADATA
# title: The maximum number of agents has started within the last hour.
# custom:
#   change: Wait, or raise max_started_per_hour in policies/config/budget/data.yaml.
denials contains {"code": "budget_hour", "retry": true} if {
	not _below(input.activity.started_last_hour, data.config.budget.max_started_per_hour)
}

# METADATA
# title: The maximum number of agents works on the resource, and the new agent could change it.
# custom:
#   change: Wait until an agent on the resource ends, or raise max_per_resource in policies/config/budget/data.yaml.
denials contains {"code": "budget_resource", "retry": true, "levels": data.config.budget.writing_levels} if {
	not _below(input.activity.on_resource, data.config.budget.max_per_resource)
}

# An unknown count exceeds every maximum.
_below(number, maximum) if {
	ready
	is_number(number)
	number < maximum
}
