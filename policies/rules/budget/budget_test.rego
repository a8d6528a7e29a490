# METADATA
# title: A count that is unknown or not below its maximum denies until there is room.
package sre_dispatch.rules.budget_test

import data.sre_dispatch.rules.budget
import future.keywords.not

config := {"max_active": 3, "max_started_per_hour": 10, "max_per_resource": 2, "writing_levels": ["LOW", "MEDIUM"]}

idle := {"active": 0, "started_last_hour": 0, "on_resource": 0}

active := {"code": "budget_active", "retry": true}

hour := {"code": "budget_hour", "retry": true}

resource := {"code": "budget_resource", "retry": true, "levels": ["LOW", "MEDIUM"]}

given(denials) := {"ready": true, "denials": denials}

found(activity) := answer if {
	answer := budget with input as {"activity": activity} with data.config.budget as config
}

test_below_every_maximum_nothing_is_denied if {
	found(idle) == given(set())
	found({"active": 2, "started_last_hour": 9, "on_resource": 1}) == given(set())
}

test_a_count_at_or_over_its_maximum_is_denied if {
	every number in [3, 4, 1000] {
		found(object.union(idle, {"active": number})) == given({active})
	}
	every number in [10, 11, 1000] {
		found(object.union(idle, {"started_last_hour": number})) == given({hour})
	}
	every number in [2, 3, 1000] {
		found(object.union(idle, {"on_resource": number})) == given({resource})
	}
}

test_every_maximum_is_said if {
	found({"active": 3, "started_last_hour": 10, "on_resource": 2}) == given({active, hour, resource})
}

test_an_absent_or_mistyped_count_is_over_every_maximum if {
	every odd in [null, "0", true, [0], {"a": 0}] {
		found(object.union(idle, {"active": odd})) == given({active})
		found(object.union(idle, {"started_last_hour": odd})) == given({hour})
		found(object.union(idle, {"on_resource": odd})) == given({resource})
	}
	every activity in [null, {}, [], 0] {
		found(activity) == given({active, hour, resource})
	}
	budget == given({active, hour, resource}) with input as {} with data.config.budget as config
}

test_missing_or_mistyped_maxima_are_not_ready_and_deny if {
	every unusable in [
		object.union(config, {"max_active": null}),
		object.union(config, {"max_active": "3"}),
		object.union(config, {"max_started_per_hour": [10]}),
		object.union(config, {"max_per_resource": true}),
		object.union(config, {"writing_levels": ["LOW", "CRITICAL"]}),
		object.union(config, {"writing_levels": ["low"]}),
		object.union(config, {"writing_levels": [null]}),
	] {
		not budget.ready with data.config.budget as unusable
		{active, hour} & budget.denials == {active, hour} with data.config.budget as unusable
			with input as {"activity": idle}
	}
	every unusable in [{}, null, object.union(config, {"writing_levels": "LOW"})] {
		not budget.ready with data.config.budget as unusable
	}
	every absent, _ in config {
		not budget.ready with data.config.budget as {key: value | some key, value in config; key != absent}
	}
}

test_as_shipped_one_agent_on_a_resource_is_enough if {
	budget == given(set()) with input as {"activity": {"active": 1, "started_last_hour": 1, "on_resource": 0}}
	budget == given({resource}) with input as {"activity": {"active": 1, "started_last_hour": 1, "on_resource": 1}}
}
