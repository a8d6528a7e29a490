# METADATA
# title: A count that is unknown or not below its maximum denies until there is room.
package sre_dispatch.rules.budget_test

import data.sre_dispatch.rules.budget
import future.keywords.not

config := {
	"max_active": 3,
	"max_started_per_hour": 10,
	"max_per_resource": 2,
	"reserve_active": 0,
	"reserve_started_per_hour": 0,
	"share_active": 100,
	"share_started_per_hour": 100,
	"writing_levels": ["LOW", "MEDIUM"],
}

idle := {"active": 0, "started_last_hour": 0, "on_resource": 0, "share_active": 0, "share_started_last_hour": 0}

active := {"code": "budget_active", "retry": true}

hour := {"code": "budget_hour", "retry": true}

resource := {"code": "budget_resource", "retry": true, "levels": ["LOW", "MEDIUM"]}

share_active := {"code": "share_active", "retry": true}

share_hour := {"code": "share_hour", "retry": false}

given(denials) := {"ready": true, "denials": denials}

found(activity) := answer if {
	answer := budget with input as {"activity": activity} with data.config.budget as config
}

test_below_every_maximum_nothing_is_denied if {
	found(idle) == given(set())
	found(object.union(idle, {"active": 2, "started_last_hour": 9, "on_resource": 1})) == given(set())
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

test_a_namespace_has_a_share_of_both_maxima if {
	shared := object.union(config, {"share_active": 2, "share_started_per_hour": 5})
	every number in [2, 3, 1000] {
		budget.denials == {share_active} with data.config.budget as shared
			with input as {"activity": object.union(idle, {"share_active": number})}
	}
	every number in [5, 6, 1000] {
		budget.denials == {share_hour} with data.config.budget as shared
			with input as {"activity": object.union(idle, {"share_started_last_hour": number})}
	}
	budget.denials == set() with data.config.budget as shared
		with input as {"activity": object.union(idle, {"share_active": 1, "share_started_last_hour": 4})}
}

test_only_a_stated_severity_of_high_may_use_the_reserve if {
	reserved := object.union(config, {"reserve_active": 1, "reserve_started_per_hour": 4})
	critical := {"severity": "HIGH", "severity_known": true}
	busy := object.union(idle, {"active": 2, "started_last_hour": 6})
	budget.denials == set() with data.config.budget as reserved with input as {"activity": busy, "event": critical}
	every event in [
		{"severity": "MEDIUM", "severity_known": true},
		{"severity": "HIGH", "severity_known": false},
		{"severity": "HIGH"},
		{},
		null,
	] {
		budget.denials == {active, hour} with data.config.budget as reserved
			with input as {"activity": busy, "event": event}
	}
	full := object.union(idle, {"active": 3, "started_last_hour": 10})
	budget.denials == {active, hour} with data.config.budget as reserved
		with input as {"activity": full, "event": critical}
}

test_every_maximum_is_said if {
	full := {"active": 3, "started_last_hour": 10, "on_resource": 2, "share_active": 100, "share_started_last_hour": 100}
	found(full) == given({active, hour, resource, share_active, share_hour})
}

test_an_absent_or_mistyped_count_is_over_every_maximum if {
	every odd in [null, "0", true, [0], {"a": 0}] {
		found(object.union(idle, {"active": odd})) == given({active})
		found(object.union(idle, {"started_last_hour": odd})) == given({hour})
		found(object.union(idle, {"on_resource": odd})) == given({resource})
	}
	every activity in [null, {}, [], 0] {
		found(activity) == given({active, hour, resource, share_active, share_hour})
	}
	budget == given({active, hour, resource, share_active, share_hour}) with input as {} with data.config.budget as config
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
	one := object.union(idle, {"active": 1, "started_last_hour": 1})
	budget == given(set()) with input as {"activity": one}
	budget == given({resource}) with input as {"activity": object.union(one, {"on_resource": 1})}
}

test_as_shipped_one_namespace_leaves_room_for_others_and_for_what_is_critical if {
	noisy := {"active": 3, "started_last_hour": 10, "on_resource": 0, "share_active": 3, "share_started_last_hour": 10}
	budget.denials == {share_active, share_hour} with input as {"activity": noisy}
	neighbour := object.union(noisy, {"share_active": 0, "share_started_last_hour": 0})
	budget.denials == set() with input as {"activity": neighbour}
	many := object.union(neighbour, {"active": 4, "started_last_hour": 16})
	budget.denials == {active, hour} with input as {"activity": many}
	budget.denials == set() with input as {"activity": many, "event": {"severity": "HIGH", "severity_known": true}}
}
