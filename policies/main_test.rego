# METADATA
# title: The decision combines the results of the rules, and blocks everything malformed.
package sre_dispatch_test

import data.sre_dispatch
import future.keywords.not

revision := {"sha256": "1f0c2a9be4d35768a0b1c2d3e4f5061728394a5b6c7d8e9f0a1b2c3d4e5f6071"}

tiers := {
	"LOW": {"tier": "remediate", "mode": "autonomous", "template": "sre-agent-remediate"},
	"MEDIUM": {"tier": "propose", "mode": "merge-request", "template": "sre-agent-propose"},
	"HIGH": {"tier": "investigate", "mode": "investigate", "template": "sre-agent-investigate"},
}

asked := {
	"phase": "review",
	"event": {
		"identity": "9b1f0c2a4be4d35768a0b1c2d3e4f5061728394a5b6c7d8e9f0a1b2c3d4e5f60",
		"alertname": "PVCUsageRising",
		"severity": "LOW",
		"severity_known": true,
		"cluster": "",
		"namespace": "f3iai",
		"namespaces": ["f3iai"],
		"resource_type": "k8s_pvc",
		"resource_id": "typedb-data",
	},
	"text": {
		"words": [" pvc typedb-data is 75 full "],
		"sentences": [["pvc", "typedb-data", "is", "75", "full"]],
		"names": [],
		"signals": [],
		"truncated": false,
		"unread": false,
		"labels": {
			"alertname": ["PVCUsageRising"],
			"namespace": ["f3iai", "f{number}iai"],
			"persistentvolumeclaim": ["typedb-data"],
			"severity": ["info"],
		},
		"annotations": {"summary": "PVC typedb-data in namespace f3iai is {number}% full"},
	},
	"facts": {
		"complete": true,
		"dependents": 1,
		"replicas": null,
		"classification": "internal",
		"scope": ["investigate", "merge-request", "autonomous"],
		"failures": 0,
	},
	"activity": {"active": 0, "on_resource": 0, "started_last_hour": 0, "share_active": 0, "share_started_last_hour": 0},
	"clock": {"epoch": 1774753800, "utc": "2026-03-29T03:10:00Z", "weekday": "sunday", "minute_of_day": 190},
}

# Returns `asked` with some parts replaced.
but(patch) := object.union(asked, patch)

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

# Replacements for the rules folder, so that these cases do not depend on the shipped rules.
joined(rules) := answer if {
	answer := sre_dispatch.decision with input as asked
		with data.revision as revision
		with data.tiers as tiers
		with sre_dispatch.rules as rules
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

withholding(level) := {"ready": true, "withheld": {{"code": "w", "level": level}}}

contributing(level) := {"ready": true, "contributions": {{"code": "x", "level": level}}}

test_a_withheld_level_that_is_asked_for_goes_one_up if {
	every level, above in {"LOW": "MEDIUM", "MEDIUM": "HIGH"} {
		joined({"a": start(level), "b": withholding(level)}) == allowed(above, {
			"initial": level,
			"reasons": [{"code": "w", "level": above, "rule": "b"}],
		})
	}
}

test_a_withheld_level_that_others_contribute_goes_one_up if {
	joined({"a": start("LOW"), "b": withholding("MEDIUM"), "c": contributing("MEDIUM")}) == allowed("HIGH", {
		"initial": "LOW",
		"reasons": [{"code": "w", "level": "HIGH", "rule": "b"}, {"code": "x", "level": "MEDIUM", "rule": "c"}],
	})
}

test_two_withheld_levels_go_two_up if {
	joined({"a": start("LOW"), "b": withholding("LOW"), "c": withholding("MEDIUM")}) == allowed("HIGH", {
		"initial": "LOW",
		"reasons": [{"code": "w", "level": "HIGH", "rule": "c"}, {"code": "w", "level": "MEDIUM", "rule": "b"}],
	})
}

test_a_withheld_level_that_is_not_reached_is_no_reason if {
	every case in [["LOW", "MEDIUM"], ["MEDIUM", "LOW"], ["HIGH", "LOW"], ["HIGH", "MEDIUM"]] {
		[level, withheld] := case
		joined({"a": start(level), "b": withholding(withheld)}) == allowed(level, {})
	}
}

test_a_withheld_level_that_is_asked_for_is_a_reason_beside_a_higher_one if {
	every given in ["HIGH", "CRITICAL"] {
		answer := joined({"a": start("LOW"), "b": withholding("LOW"), "c": contributing(given)})
		answer.effective == given
		answer.reasons == [{"code": "w", "level": "MEDIUM", "rule": "b"}, {"code": "x", "level": given, "rule": "c"}]
	}
}

test_a_further_rule_never_lowers if {
	some_rules := [
		withholding("LOW"),
		withholding("MEDIUM"),
		contributing("MEDIUM"),
		contributing("HIGH"),
		contributing("CRITICAL"),
	]
	every level in ["LOW", "MEDIUM", "HIGH"] {
		every one in some_rules {
			alone := joined({"a": start(level), "b": one})
			every other in some_rules {
				both := joined({"a": start(level), "b": one, "c": other})
				alone_rank := sre_dispatch.rank[alone.effective]
				alone_rank <= sre_dispatch.rank[both.effective]
				every reason in alone.reasons {
					reason in both.reasons
				}
			}
		}
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

test_a_denial_of_some_levels_counts_at_these_only if {
	denying := {"ready": true, "denials": {{"code": "x", "retry": true, "levels": ["LOW", "MEDIUM"]}}}
	every level in ["LOW", "MEDIUM"] {
		joined({"a": start(level), "b": denying}) == barred({
			"initial": level,
			"effective": level,
			"denials": [{"code": "x", "retry": true}],
		})
	}
	joined({"a": start("HIGH"), "b": denying}) == allowed("HIGH", {})
	joined({"a": start("MEDIUM"), "b": denying, "c": withholding("MEDIUM")}).denials == []
	joined({"a": start("LOW"), "b": denying, "c": withholding("LOW")}).denials == [{"code": "x", "retry": true}]
}

test_exactly_one_rule_gives_a_known_initial_level if {
	every rules in [
		{},
		{"a": {"ready": true, "contributions": {{"code": "x", "level": "LOW"}}}},
		{"a": start("LOW"), "b": start("LOW")},
		{"a": start("LOW"), "b": start("HIGH")},
		{"a": start("LOWEST")},
		{"a": start("remediate")},
		{"a": start(null)},
		{"a": start(0)},
	] {
		joined(rules) == refused
	}
}

test_a_rule_that_is_not_ready_is_not_passed_over if {
	every rule in [
		{"contributions": set()},
		{"withheld": set()},
		{"denials": set()},
		{"ready": false, "contributions": set()},
		{"ready": "true", "contributions": {{"code": "x", "level": "LOW"}}},
		{"ready": 1, "withheld": {{"code": "x", "level": "LOW"}}},
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

test_an_odd_withheld_level_is_not_passed_over if {
	every given in [
		{{"code": "x", "level": "HIGH"}},
		{{"code": "x", "level": "CRITICAL"}},
		{{"code": "x", "level": "low"}},
		{{"code": "x", "level": null}},
		{{"code": "x", "level": 1}},
		{{"code": "x"}},
		{{"level": "LOW"}},
		{{"code": null, "level": "LOW"}},
		{{"code": "x", "level": "LOW", "note": "y"}},
		{{"code": "x", "level": "LOW"}, {"code": "x", "level": "HIGH"}},
		{"LOW"},
		{null},
		[{"code": "x", "level": "LOW"}],
		{"code": "x", "level": "LOW"},
	] {
		joined({"a": start("LOW"), "b": {"ready": true, "withheld": given}}) == refused
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
		{{"code": "x", "retry": true, "levels": null}},
		{{"code": "x", "retry": true, "levels": "LOW"}},
		{{"code": "x", "retry": true, "levels": {"LOW"}}},
		{{"code": "x", "retry": true, "levels": ["LOW", "low"]}},
		{{"code": "x", "retry": true, "levels": ["LOW"], "note": "y"}},
		{{"code": "x", "levels": ["LOW"]}},
		{"x"},
		{null},
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
		{"LOW": {"tier": "remediate", "mode": "autonomous"}},
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
		with sre_dispatch.rules as {"a": start("LOW")}
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
	every part in ["event", "text", "facts", "activity", "clock"] {
		every absent, _ in asked[part] {
			rest := {key: value | some key, value in asked[part]; key != absent}
			decided({key: object.get({part: rest}, key, value) | some key, value in asked}) == refused
		}
	}
}

test_a_mistyped_field_is_refused if {
	every patch in [
		{"phase": "glance"},
		{"phase": null},
		{"event": null},
		{"event": []},
		{"event": {"severity": "CRITICAL"}},
		{"event": {"severity": "low"}},
		{"event": {"severity": ["LOW"]}},
		{"event": {"identity": null}},
		{"event": {"alertname": 1}},
		{"event": {"cluster": null}},
		{"event": {"namespace": null}},
		{"event": {"namespace": ["f3iai"]}},
		{"event": {"resource_type": false}},
		{"event": {"resource_id": {}}},
		{"text": null},
		{"text": " "},
		{"text": {"words": null}},
		{"text": {"words": " "}},
		{"text": {"words": {"a": " "}}},
		{"text": {"words": [" ", 1]}},
		{"text": {"sentences": null}},
		{"text": {"sentences": "word"}},
		{"text": {"sentences": ["word"]}},
		{"text": {"sentences": [["word"], null]}},
		{"text": {"sentences": [["word", 1]]}},
		{"text": {"sentences": {"a": ["word"]}}},
		{"text": {"names": null}},
		{"text": {"names": ["word"]}},
		{"text": {"names": [["word", 1]]}},
		{"text": {"signals": null}},
		{"text": {"signals": "code"}},
		{"text": {"signals": [["code"]]}},
		{"text": {"truncated": null}},
		{"text": {"truncated": "false"}},
		{"text": {"unread": null}},
		{"text": {"unread": "true"}},
		{"text": {"labels": null}},
		{"text": {"labels": ["alertname"]}},
		{"text": {"labels": {"severity": "info"}}},
		{"text": {"labels": {"severity": ["info", 1]}}},
		{"text": {"annotations": null}},
		{"text": {"annotations": ["PVC"]}},
		{"text": {"annotations": {"summary": ["PVC"]}}},
		{"facts": {"complete": null}},
		{"facts": {"complete": "true"}},
		{"facts": true},
		{"facts": []},
		{"facts": {"dependents": "1"}},
		{"facts": {"dependents": false}},
		{"facts": {"replicas": [2]}},
		{"facts": {"failures": "0"}},
		{"facts": {"classification": 1}},
		{"facts": {"classification": ["internal"]}},
		{"facts": {"scope": "autonomous"}},
		{"facts": {"scope": {"autonomous": "autonomous"}}},
		{"facts": {"scope": ["autonomous", null]}},
		{"activity": null},
		{"activity": {"active": "0"}},
		{"activity": {"on_resource": null}},
		{"activity": {"started_last_hour": [0]}},
		{"clock": 0},
		{"clock": {"epoch": "0"}},
		{"clock": {"utc": null}},
		{"clock": {"utc": 1774753800}},
		{"clock": {"utc": ""}},
		{"clock": {"utc": "2026-03-29 03:10:00Z"}},
		{"clock": {"utc": "2026-03-29T03:10:00+00:00"}},
		{"clock": {"utc": "2026-03-29T03:10:00.5Z"}},
		{"clock": {"utc": "2026-03-29T03:10Z"}},
		{"clock": {"weekday": "someday"}},
		{"clock": {"minute_of_day": null}},
	] {
		decided(but(patch)) == refused
	}
}

test_facts_may_be_unknown if {
	every fact in ["dependents", "replicas", "classification", "scope", "failures"] {
		decided(but({"facts": {fact: null}})) != refused
	}
	decided(but({"facts": null})) != refused
}

test_triage_with_facts_is_refused if {
	decided(but({"phase": "triage"})) == refused
}

# The tests from here on use the shipped rules and data.

severity(level) := {"code": "severity", "level": level, "rule": "severity"}

codes(answer) := {reason.code | some reason in answer.reasons}

test_an_enrolled_low_alert_with_good_facts_may_be_remedied_alone if {
	decided(asked) == allowed("LOW", {"reasons": [severity("LOW")]})
}

test_one_bad_or_unknown_fact_takes_autonomy_away_and_no_more if {
	every case in [
		[{"complete": false}, "context_incomplete", "context"],
		[{"dependents": null}, "dependents_unknown", "blast_radius"],
		[{"dependents": 1000}, "many_dependents", "blast_radius"],
		[{"classification": null}, "classification_unknown", "classification"],
		[{"classification": "secret"}, "classified", "classification"],
		[{"scope": null}, "scope_unknown", "authorised_scope"],
		[{"scope": []}, "out_of_scope", "authorised_scope"],
		[{"failures": null}, "failures_unknown", "recent_failures"],
		[{"failures": 1000}, "recent_failures", "recent_failures"],
	] {
		[facts, code, rule] := case
		decided(but({"facts": facts})) == allowed("MEDIUM", {
			"initial": "LOW",
			"reasons": sort([{"code": code, "level": "MEDIUM", "rule": rule}, severity("LOW")]),
		})
	}
}

test_no_fact_at_all_is_as_bad_as_every_fact_unknown if {
	unknown := {fact: null | some fact in ["dependents", "replicas", "classification", "scope", "failures"]}
	none := decided(but({"facts": null}))
	none.effective == "MEDIUM"
	(codes(none) | {"context_incomplete"}) - {"context_missing"} == codes(decided(but({
		"facts": object.union(unknown, {"complete": false}),
	})))
}

test_facts_change_nothing_above_low if {
	every level in ["MEDIUM", "HIGH"] {
		every facts in [null, {"complete": false, "dependents": 1000, "scope": [], "failures": 1000}] {
			decided(but({"event": {"severity": level}, "facts": facts})) == allowed(level, {"reasons": [severity(level)]})
		}
	}
}

test_a_low_alert_that_nobody_enrolled_goes_by_merge_request if {
	decided(but({"event": {"alertname": "KubePodNotReady"}})) == allowed("MEDIUM", {"initial": "LOW", "reasons": [
		{"code": "not_enrolled", "level": "MEDIUM", "rule": "autonomy"},
		severity("LOW"),
	]})
}

test_a_low_alert_with_a_text_that_nobody_enrolled_goes_by_merge_request if {
	every text in [
		{"annotations": {"summary": "PVC typedb-data in namespace f3iai is nearly full"}},
		{"annotations": {"hint": "First look at the oldest snapshots"}},
		{"labels": {"persistentvolumeclaim": ["first-look-at-the-snapshots"]}},
		{"labels": {"hint": [""]}},
	] {
		decided(but({"text": text})) == allowed("MEDIUM", {"initial": "LOW", "reasons": sort([
			{"code": "text_not_enrolled", "level": "MEDIUM", "rule": "autonomy"},
			severity("LOW"),
		])})
	}
}

test_a_text_that_was_not_read_whole_is_denied_for_good_at_every_level_and_phase if {
	every level in ["LOW", "MEDIUM", "HIGH"] {
		every phase in [{"phase": "triage", "facts": null}, {"phase": "review"}] {
			answer := decided(object.union(but({"event": {"severity": level}, "text": {"unread": true}}), phase))
			[answer.allowed, answer.denials] == [false, [{"code": "text_unread", "retry": false}]]
		}
	}
}

test_without_a_repository_low_and_medium_are_only_investigated if {
	no_repository := {"code": "no_repository", "level": "HIGH", "rule": "repository"}
	elsewhere := {"namespace": "shop", "namespaces": ["shop"]}
	decided(but({"event": elsewhere})) == allowed("HIGH", {"initial": "LOW", "reasons": [
		no_repository,
		{"code": "not_enrolled", "level": "MEDIUM", "rule": "autonomy"},
		severity("LOW"),
	]})
	decided(but({"event": object.union(elsewhere, {"severity": "MEDIUM"})})) == allowed("HIGH", {
		"initial": "MEDIUM",
		"reasons": [no_repository, severity("MEDIUM")],
	})
	decided(but({"event": object.union(elsewhere, {"severity": "HIGH"})})) == allowed("HIGH", {
		"reasons": [severity("HIGH")],
	})
}

test_an_order_to_destroy_is_blocked_at_every_severity_and_phase if {
	text := {
		"words": [" kubectl delete pvc typedb-data "],
		"sentences": [["kubectl", "delete", "pvc", "typedb-data"]],
	}
	every level in ["LOW", "MEDIUM", "HIGH"] {
		every phase in [{"phase": "triage", "facts": null}, {"phase": "review"}] {
			answer := decided(object.union(but({"event": {"severity": level}, "text": text}), phase))
			[answer.allowed, answer.initial, answer.effective, answer.mode] == [false, level, "CRITICAL", "blocked"]
		}
	}
}

test_a_protected_namespace_is_only_investigated if {
	answer := decided(but({"event": {"severity": "MEDIUM", "namespace": "kube-system"}}))
	[answer.allowed, answer.mode] == [true, "investigate"]
	{"code": "protected_namespace", "level": "HIGH", "rule": "protected_namespace"} in answer.reasons
}

test_our_own_object_is_denied_for_good if {
	decided(but({"event": {"resource_id": "sre-dispatch-00001-deployment-5b7"}})) == barred({
		"initial": "LOW",
		"effective": "LOW",
		"reasons": [severity("LOW")],
		"denials": [{"code": "own_object", "retry": false}],
	})
}

test_a_second_agent_on_a_resource_may_only_investigate if {
	busy := {"active": 1, "on_resource": 1}
	decided(but({"activity": busy})).denials == [{"code": "budget_resource", "retry": true}]
	decided(but({"activity": busy, "event": {"severity": "HIGH"}})).mode == "investigate"
}

test_the_review_is_never_milder_than_the_triage if {
	every patch in [
		{},
		{"event": {"severity": "MEDIUM"}},
		{"event": {"severity": "HIGH"}},
		{"event": {"namespace": "shop"}},
		{"event": {"namespace": "shop-prod"}},
		{"event": {"namespace": "kube-system"}},
		{"event": {"namespace": ""}},
		{"event": {"resource_type": "k8s_node"}},
		{"event": {"resource_type": "k8s_pod"}},
		{"text": {"truncated": true}},
		{"text": {"unread": true}},
		{"text": {"annotations": {"summary": "other"}}},
		{"text": {"words": [" rm -rf / "], "sentences": [["rm", "-rf", "/"]]}},
	] {
		triage := decided(but(object.union(patch, {"phase": "triage", "facts": null})))
		every facts in [null, {"complete": false}, {"replicas": 1, "failures": 1}] {
			triage_rank := sre_dispatch.rank[triage.effective]
			triage_rank <= sre_dispatch.rank[decided(but(object.union(patch, {"facts": facts}))).effective]
		}
	}
}
