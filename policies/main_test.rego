package sre_dispatch_test.main

import rego.v1

import data.sre_dispatch

revision := {"sha256": "e3b0c442"}

asking := {
	"look": "review",
	"event": {
		"alertname": "PVCUsageHigh",
		"severity": "MEDIUM",
		"cluster": "fmc",
		"namespace": "f3iai",
		"resource_type": "k8s_pvc",
		"resource_id": "typedb-data",
	},
	"text": {"lines": [" pvc typedb-data is 75 full "], "truncated": false},
	"facts": {"complete": true},
	"activity": {"active": 0, "on_resource": 0, "started_last_hour": 0},
	"clock": {"epoch": 0, "weekday": "thursday", "minute_of_day": 0},
}

blocked := {
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
	answer := sre_dispatch.decision with input as document with data.revision as revision
}

test_a_warning_on_an_enrolled_claim_is_medium if {
	decided(asking) == {
		"allowed": true,
		"initial": "MEDIUM",
		"effective": "MEDIUM",
		"mode": "merge-request",
		"reasons": [{"code": "severity", "level": "MEDIUM", "rule": "severity"}],
		"denials": [],
		"grant": data.tiers.MEDIUM,
		"policy_revision": "e3b0c442",
	}
}

test_low_needs_enrolment_and_full_context if {
	low := json.patch(asking, [{"op": "replace", "path": "/event/severity", "value": "LOW"}])
	decided(low).mode == "autonomous"
	decided(object.union(low, {"facts": null})).mode == "merge-request"
	elsewhere := json.patch(low, [{"op": "replace", "path": "/event/namespace", "value": "shop"}])
	decided(elsewhere).mode == "merge-request"
}

test_triage_is_never_above_the_review if {
	every level in ["LOW", "MEDIUM", "HIGH"] {
		review := json.patch(asking, [{"op": "replace", "path": "/event/severity", "value": level}])
		triage := object.union(review, {"look": "triage", "facts": null})
		sre_dispatch.rank[decided(triage).effective] <= sre_dispatch.rank[decided(review).effective]
	}
}

test_the_highest_level_counts if {
	both := json.patch(asking, [
		{"op": "replace", "path": "/event/namespace", "value": "kube-system"},
		{"op": "replace", "path": "/text/lines", "value": [" rm -rf / "]},
	])
	answer := decided(both)
	answer.effective == "CRITICAL"
	answer.initial == "MEDIUM"
	[answer.allowed, answer.mode, answer.grant, answer.policy_revision] == [false, "blocked", null, "e3b0c442"]
	{reason.rule | some reason in answer.reasons} == {"destructive", "protected_namespace", "severity"}
}

test_what_is_missing_leaves_the_default if {
	every path in ["/event", "/event/severity", "/event/namespace", "/text", "/text/lines"] {
		decided(json.patch(asking, [{"op": "remove", "path": path}])) == blocked
	}
	decided({}) == blocked
	decided(null) == blocked
}

test_without_a_revision_there_is_no_decision if {
	sre_dispatch.decision == blocked with input as asking with data.revision as {}
}

test_without_a_rules_config_there_is_no_decision if {
	every rule in ["autonomy", "protected_namespace", "destructive"] {
		rest := object.remove(data.config, [rule])
		sre_dispatch.decision == blocked with input as asking with data.revision as revision with data.config as rest
	}
}

test_without_a_tier_for_its_level_an_alert_is_not_allowed if {
	rest := object.remove(data.tiers, ["MEDIUM"])
	answer := sre_dispatch.decision with input as asking with data.revision as revision with data.tiers as rest
	[answer.allowed, answer.mode, answer.grant] == [false, "blocked", null]
}

test_a_denial_stops_what_the_level_would_allow if {
	answer := sre_dispatch.decision with input as asking
		with data.revision as revision
		with data.sre_dispatch.rules.autonomy.denials as {{"code": "budget", "retry": true}}
	[answer.allowed, answer.effective, answer.mode] == [false, "MEDIUM", "blocked"]
	answer.denials == [{"code": "budget", "retry": true}]
}

test_a_rule_with_an_unknown_level_is_not_ignored if {
	answer := sre_dispatch.decision with input as asking
		with data.revision as revision
		with data.sre_dispatch.rules.autonomy.contributions as {{"code": "x", "level": "SEVERE"}}
	answer == blocked
}
