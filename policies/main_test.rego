# METADATA
# title: The decision joins whatever the rules say, and blocks whatever is not as it must be.
package sre_dispatch_test

import data.sre_dispatch
import future.keywords.not

revision := {"sha256": "1f0c2a9be4d35768a0b1c2d3e4f5061728394a5b6c7d8e9f0a1b2c3d4e5f6071"}

tiers := {
	"LOW": {"tier": "low", "mode": "autonomous", "template": "sre-agent-low"},
	"MEDIUM": {"tier": "medium", "mode": "merge-request", "template": "sre-agent-medium"},
	"HIGH": {"tier": "high", "mode": "investigate", "template": "sre-agent-high"},
}

asked := {
	"look": "review",
	"event": {
		"alertname": "PVCUsageHigh",
		"severity": "LOW",
		"cluster": "main",
		"namespace": "f3iai",
		"namespace_label": "f3iai",
		"resource_type": "k8s_pvc",
		"resource_id": "typedb-data",
	},
	"text": {"lines": [" pvc typedb-data is 75 full "], "truncated": false},
	"facts": {"complete": true},
	"activity": {"active": 0, "on_resource": 0, "started_last_hour": 0},
	"clock": {"epoch": 1774753800, "weekday": "sunday", "minute_of_day": 190},
}

refused := {
	"allowed": false,
	"initial": "CRITICAL",
	"effective": "CRITICAL",
	"mode": "blocked",
	"reasons": [],
	"denials": [],
	"grant": null,
	"policy_revision": "",
}

decided(document) := answer if {
	answer := sre_dispatch.decision with input as document
		with data.revision as revision
		with data.tiers as tiers
}

# Stand-ins for the rules folder, so that these cases hold whatever rules are shipped.
joined(rules) := answer if {
	answer := sre_dispatch.decision with input as asked
		with data.revision as revision
		with data.tiers as tiers
		with data.sre_dispatch.rules as rules
}

start(level) := {"ready": true, "initial": level, "contributions": set()}

allowed(level, extra) := object.union(
	{
		"allowed": true,
		"initial": level,
		"effective": level,
		"mode": tiers[level].mode,
		"reasons": [],
		"denials": [],
		"grant": tiers[level],
		"policy_revision": revision.sha256,
	},
	extra,
)

barred(extra) := object.union(
	{
		"allowed": false,
		"mode": "blocked",
		"reasons": [],
		"denials": [],
		"grant": null,
		"policy_revision": revision.sha256,
	},
	extra,
)

test_a_level_that_no_rule_raises_gets_its_own_tier if {
	every level in ["LOW", "MEDIUM", "HIGH"] {
		joined({"a": start(level)}) == allowed(level, {})
	}
}

test_critical_has_no_tier if {
	joined({"a": start("CRITICAL")}) == barred({"initial": "CRITICAL", "effective": "CRITICAL"})
}

test_the_highest_level_wins_and_none_lowers if {
	every case in [
		["LOW", "LOW", "LOW"],
		["LOW", "MEDIUM", "MEDIUM"],
		["MEDIUM", "LOW", "MEDIUM"],
		["MEDIUM", "HIGH", "HIGH"],
		["HIGH", "LOW", "HIGH"],
	] {
		[initial, given, effective] := case
		rules := {"a": start(initial), "b": {"ready": true, "contributions": {{"code": "x", "level": given}}}}
		joined(rules) == allowed(effective, {
			"initial": initial,
			"reasons": [{"code": "x", "level": given, "rule": "b"}],
		})
	}
}

test_critical_by_one_rule_blocks_at_every_severity if {
	every initial in ["LOW", "MEDIUM", "HIGH"] {
		rules := {"a": start(initial), "b": {"ready": true, "contributions": {{"code": "x", "level": "CRITICAL"}}}}
		joined(rules) == barred({
			"initial": initial,
			"effective": "CRITICAL",
			"reasons": [{"code": "x", "level": "CRITICAL", "rule": "b"}],
		})
	}
}

test_reasons_and_denials_are_sorted_and_doubles_are_said_once if {
	rules := {
		"a": {"ready": true, "initial": "LOW", "contributions": {{"code": "m", "level": "LOW"}}},
		"z": {"ready": true, "contributions": {{"code": "b", "level": "HIGH"}, {"code": "b", "level": "LOW"}}},
		"c": {"ready": true, "contributions": {{"code": "b", "level": "HIGH"}}, "denials": {{"code": "y", "retry": true}}},
		"d": {"ready": true, "denials": {{"code": "y", "retry": true}, {"code": "e", "retry": false}}},
	}
	joined(rules) == barred({
		"initial": "LOW",
		"effective": "HIGH",
		"reasons": [
			{"code": "b", "level": "HIGH", "rule": "c"},
			{"code": "b", "level": "HIGH", "rule": "z"},
			{"code": "b", "level": "LOW", "rule": "z"},
			{"code": "m", "level": "LOW", "rule": "a"},
		],
		"denials": [{"code": "e", "retry": false}, {"code": "y", "retry": true}],
	})
}

test_a_denial_blocks_and_leaves_the_level if {
	every retry in [true, false] {
		rules := {"a": start("MEDIUM"), "b": {"ready": true, "denials": {{"code": "x", "retry": retry}}}}
		joined(rules) == barred({
			"initial": "MEDIUM",
			"effective": "MEDIUM",
			"denials": [{"code": "x", "retry": retry}],
		})
	}
}

test_exactly_one_rule_gives_a_known_initial_level if {
	every rules in [
		{},
		{"a": {"ready": true, "contributions": {{"code": "x", "level": "LOW"}}}},
		{"a": start("LOW"), "b": start("LOW")},
		{"a": start("LOW"), "b": start("HIGH")},
		{"a": start("LOWEST")},
		{"a": start("low")},
		{"a": start(null)},
		{"a": start(0)},
	] {
		joined(rules) == refused
	}
}

test_a_rule_that_is_not_ready_is_not_passed_over if {
	every rule in [
		{"contributions": set()},
		{"denials": set()},
		{"ready": false, "contributions": set()},
		{"ready": "true", "contributions": {{"code": "x", "level": "LOW"}}},
		{"ready": null, "denials": {{"code": "x", "retry": true}}},
	] {
		joined({"a": start("LOW"), "b": rule}) == refused
	}
	joined({"a": {"initial": "LOW"}}) == refused
	joined({"a": {"ready": true, "initial": "LOW"}}) == allowed("LOW", {})
}

test_an_odd_contribution_is_not_passed_over if {
	every given in [
		{{"code": "x", "level": "SEVERE"}},
		{{"code": "x", "level": "high"}},
		{{"code": "x", "level": null}},
		{{"code": "x", "level": 2}},
		{{"code": "x"}},
		{{"level": "HIGH"}},
		{{"code": 1, "level": "HIGH"}},
		{{"code": "x", "level": "HIGH", "note": "y"}},
		{{"code": "x", "level": "HIGH"}, {"code": "x", "level": "SEVERE"}},
		{"HIGH"},
		{null},
		[{"code": "x", "level": "HIGH"}],
		{"code": "x", "level": "HIGH"},
	] {
		joined({"a": start("LOW"), "b": {"ready": true, "contributions": given}}) == refused
	}
}

test_an_odd_denial_is_not_passed_over if {
	every given in [
		{{"code": "x"}},
		{{"retry": true}},
		{{"code": "x", "retry": "true"}},
		{{"code": "x", "retry": null}},
		{{"code": null, "retry": true}},
		{{"code": "x", "retry": true, "level": "HIGH"}},
		{"x"},
		[{"code": "x", "retry": true}],
	] {
		joined({"a": start("LOW"), "b": {"ready": true, "denials": given}}) == refused
	}
}

test_without_a_revision_all_is_refused if {
	every unusable in [{}, null, {"sha256": null}, {"sha256": ""}, {"sha256": 1}] {
		sre_dispatch.decision == refused with data.revision as unusable
			with input as asked
	}
	sre_dispatch.decision == refused with input as asked
}

test_without_usable_tiers_all_is_refused if {
	every unusable in [
		null,
		"LOW",
		["LOW"],
		object.union(tiers, {"CRITICAL": tiers.HIGH}),
		object.union(tiers, {"HIGH": null}),
		object.union(tiers, {"HIGH": {"mode": null}}),
		{"LOW": {"tier": "low", "mode": "autonomous"}},
	] {
		sre_dispatch.decision == refused with data.tiers as unusable
			with input as asked
			with data.revision as revision
	}
}

test_a_level_without_a_tier_is_not_allowed if {
	expected := barred({"initial": "LOW", "effective": "LOW"})
	sre_dispatch.decision == expected with input as asked
		with data.revision as revision
		with data.tiers as {"HIGH": tiers.HIGH}
		with data.sre_dispatch.rules as {"a": start("LOW")}
}

test_without_one_rules_config_all_is_refused if {
	every rule, _ in data.config {
		sre_dispatch.decision == refused with input as asked
			with data.revision as revision
			with data.config as {name: config | some name, config in data.config; name != rule}
	}
	sre_dispatch.decision == refused with input as asked with data.revision as revision with data.config as {}
}

test_an_input_of_odd_shape_is_refused if {
	every document in [{}, null, [], "review", 1, [asked]] {
		decided(document) == refused
	}
	every absent, _ in asked {
		decided({key: value | some key, value in asked; key != absent}) == refused
	}
	every part in ["event", "text", "activity", "clock"] {
		every absent, _ in asked[part] {
			rest := {key: value | some key, value in asked[part]; key != absent}
			decided({key: object.get({part: rest}, key, value) | some key, value in asked}) == refused
		}
	}
}

test_a_mistyped_field_is_refused if {
	every patch in [
		{"look": "glance"},
		{"look": null},
		{"event": null},
		{"event": []},
		{"event": {"severity": "CRITICAL"}},
		{"event": {"severity": "low"}},
		{"event": {"severity": ["LOW"]}},
		{"event": {"alertname": 1}},
		{"event": {"cluster": null}},
		{"event": {"namespace": null}},
		{"event": {"namespace": ["f3iai"]}},
		{"event": {"resource_type": false}},
		{"event": {"resource_id": {}}},
		{"text": null},
		{"text": " "},
		{"text": {"lines": null}},
		{"text": {"lines": " "}},
		{"text": {"lines": {"a": " "}}},
		{"text": {"lines": [" ", 1]}},
		{"text": {"truncated": null}},
		{"text": {"truncated": "false"}},
		{"facts": {"complete": null}},
		{"facts": {"complete": "true"}},
		{"facts": true},
		{"facts": []},
		{"activity": null},
		{"activity": {"active": "0"}},
		{"activity": {"on_resource": null}},
		{"activity": {"started_last_hour": [0]}},
		{"clock": 0},
		{"clock": {"epoch": "0"}},
		{"clock": {"weekday": 0}},
		{"clock": {"minute_of_day": null}},
	] {
		decided(object.union(asked, patch)) == refused
	}
}

test_triage_with_facts_is_refused if {
	decided(object.union(asked, {"look": "triage"})) == refused
}

# From here on with the rules and the data as shipped.

severity(level) := {"code": "severity", "level": level, "rule": "severity"}

test_an_enrolled_low_alert_with_complete_facts_may_be_remedied_alone if {
	decided(asked) == allowed("LOW", {"reasons": [severity("LOW")]})
}

test_an_enrolled_low_alert_without_context_goes_by_merge_request if {
	decided(object.union(asked, {"facts": null})) == allowed("MEDIUM", {"initial": "LOW", "reasons": [
		{"code": "context_missing", "level": "MEDIUM", "rule": "autonomy"},
		severity("LOW"),
	]})
}

test_a_low_alert_elsewhere_goes_by_merge_request if {
	decided(object.union(asked, {"event": {"namespace": "shop"}})) == allowed("MEDIUM", {"initial": "LOW", "reasons": [
		{"code": "not_enrolled", "level": "MEDIUM", "rule": "autonomy"},
		severity("LOW"),
	]})
}

test_an_order_to_destroy_is_blocked_at_every_severity_and_look if {
	every level in ["MEDIUM", "HIGH"] {
		every look in [{"look": "triage", "facts": null}, {"look": "review", "facts": {"complete": true}}] {
			patch := {"event": {"severity": level}, "text": {"lines": [" kubectl delete pvc typedb-data "]}}
			decided(object.union(object.union(asked, patch), look)) == barred({
				"initial": level,
				"effective": "CRITICAL",
				"reasons": [
					{"code": "destructive_phrase", "level": "CRITICAL", "rule": "destructive"},
					severity(level),
				],
			})
		}
	}
}

test_a_protected_namespace_is_only_investigated if {
	patch := {"event": {"severity": "MEDIUM", "namespace": "kube-system"}}
	decided(object.union(asked, patch)) == allowed("HIGH", {"initial": "MEDIUM", "reasons": [
		{"code": "protected_namespace", "level": "HIGH", "rule": "protected_namespace"},
		severity("MEDIUM"),
	]})
}

test_triage_is_never_stricter_than_the_review if {
	every patch in [
		{},
		{"event": {"severity": "MEDIUM"}},
		{"event": {"severity": "HIGH"}},
		{"event": {"namespace": "shop"}},
		{"event": {"namespace": "kube-system"}},
		{"text": {"truncated": true}},
		{"text": {"lines": [" rm -rf / "]}},
	] {
		every facts in [null, {"complete": false}, {"complete": true}] {
			review := object.union(object.union(asked, patch), {"facts": facts})
			triage := object.union(review, {"look": "triage", "facts": null})
			lower_rank := sre_dispatch.rank[decided(triage).effective]
			lower_rank <= sre_dispatch.rank[decided(review).effective]
		}
	}
}
