# METADATA
# title: Budgets limit how many agents run and start in total, for each namespace, and on each resource.
package sre_dispatch.rules.budget

import future.keywords.not

# METADATA
# title: The limits are numbers, and the writing levels are levels.
ready if {
	every name in [
		"max_active", "max_started_per_hour", "max_per_resource", "share_active", "share_started_per_hour",
		"reserve_active", "reserve_started_per_hour",
	] {
		is_number(data.config.budget[name])
	}
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
	not _below(input.activity.active, _room("max_active", "reserve_active"))
}

# METADATA
# title: The maximum number of agents has started within the last hour.
# custom:
#   change: Wait, or raise max_started_per_hour in policies/config/budget/data.yaml.
denials contains {"code": "budget_hour", "retry": true} if {
	not _below(
		input.activity.started_last_hour,
		_room("max_started_per_hour", "reserve_started_per_hour"),
	)
}

# METADATA
# title: The maximum number of agents for one namespace is running.
# custom:
#   change: Wait until an agent ends, or raise share_active in policies/config/budget/data.yaml.
denials contains {"code": "share_active", "retry": true} if {
	not _below(input.activity.share_active, data.config.budget.share_active)
}

# METADATA
# title: The namespace that the alert comes from has used its share of an hour.
# custom:
#   change: Reduce the alerts of this namespace, or raise share_started_per_hour in policies/config/budget/data.yaml.
denials contains {"code": "share_hour", "retry": false} if {
	not _below(input.activity.share_started_last_hour, data.config.budget.share_started_per_hour)
}

# METADATA
# title: The maximum number of agents works on the resource, and the new agent could change it.
# custom:
#   change: Wait until an agent on the resource ends, or raise max_per_resource in policies/config/budget/data.yaml.
denials contains {"code": "budget_resource", "retry": true, "levels": data.config.budget.writing_levels} if {
	not _below(input.activity.on_resource, data.config.budget.max_per_resource)
}

# Only alerts with a severity label that asks for HIGH may use the reserve.

_critical if {
	input.event.severity == "HIGH"
	input.event.severity_known == true
}

_room(maximum, _) := data.config.budget[maximum] if {
	ready
	_critical
}

_room(maximum, reserve) := data.config.budget[maximum] - data.config.budget[reserve] if {
	ready
	not _critical
}

# An unknown count exceeds every maximum.
_below(number, maximum) if {
	ready
	is_number(number)
	number < maximum
}
