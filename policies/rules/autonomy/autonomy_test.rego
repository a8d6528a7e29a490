# METADATA
# title: Autonomy is confirmed only by exact enrolment and complete context.
package sre_dispatch.rules.autonomy_test

import data.sre_dispatch.rules.autonomy
import future.keywords.not

event := {
	"alertname": "PVCUsageHigh",
	"severity": "LOW",
	"namespace": "f3iai",
	"resource_type": "k8s_pvc",
}

config := {"enrolled": [
	{"alertname": "Other", "resource_type": "k8s_pod", "namespace": "shop"},
	{"alertname": "PVCUsageHigh", "resource_type": "k8s_pvc", "namespace": "f3iai", "owner": "storage"},
]}

not_enrolled := {"code": "not_enrolled", "level": "MEDIUM"}

context_missing := {"code": "context_missing", "level": "MEDIUM"}

review(patch, facts) := {"look": "review", "event": object.union(event, patch), "facts": facts}

test_an_enrolled_low_alert_with_complete_facts_stays_low if {
	autonomy.contributions == set() with input as review({}, {"complete": true})
		with data.config.autonomy as config
}

test_an_enrolled_low_alert_without_complete_facts_is_medium if {
	every facts in [null, {}, {"complete": false}, {"complete": "true"}, {"complete": 1}, [], "complete"] {
		autonomy.contributions == {context_missing} with input as review({}, facts)
			with data.config.autonomy as config
	}
	autonomy.contributions == {context_missing} with input as {"look": "review", "event": event}
		with data.config.autonomy as config
}

test_triage_does_not_ask_for_facts if {
	autonomy.contributions == set() with input as {"look": "triage", "event": event, "facts": null}
		with data.config.autonomy as config
}

test_a_low_alert_that_differs_from_its_enrolment_is_medium if {
	every patch in [
		{"alertname": "PVCUsageCritical"},
		{"alertname": "pvcusagehigh"},
		{"alertname": "*"},
		{"alertname": null},
		{"resource_type": "k8s_pod"},
		{"resource_type": ["k8s_pvc"]},
		{"namespace": "f3iai-test"},
		{"namespace": "shop"},
		{"namespace": ""},
		{"namespace": 1},
	] {
		autonomy.contributions == {not_enrolled} with input as review(patch, {"complete": true})
			with data.config.autonomy as config
	}
}

test_a_low_alert_without_a_name_kind_or_namespace_is_medium if {
	every absent in ["alertname", "resource_type", "namespace"] {
		autonomy.contributions == {not_enrolled, context_missing} with input as {
			"look": "review",
			"event": {field: value | some field, value in event; field != absent},
		}
			with data.config.autonomy as config
	}
}

test_a_wildcard_in_the_list_enrols_nothing if {
	every enrolled in [
		{"alertname": "*", "resource_type": "*", "namespace": "*"},
		{"alertname": "PVCUsageHigh", "resource_type": "k8s_pvc", "namespace": "f3*"},
		{"alertname": "", "resource_type": "", "namespace": ""},
	] {
		autonomy.contributions == {not_enrolled} with input as review({}, {"complete": true})
			with data.config.autonomy as {"enrolled": [enrolled]}
	}
}

test_other_levels_are_left_to_other_rules if {
	every severity in ["MEDIUM", "HIGH", "low", null] {
		autonomy.contributions == set() with input as review({"severity": severity}, null)
			with data.config.autonomy as config
	}
}

test_an_empty_input_gives_no_reason if {
	autonomy.contributions == set() with input as {} with data.config.autonomy as config
}

test_an_empty_list_is_ready_and_enrols_nothing if {
	autonomy == {"ready": true, "contributions": {not_enrolled}} with data.config.autonomy as {"enrolled": []}
		with input as review({}, {"complete": true})
}

test_a_missing_or_mistyped_list_is_not_ready_and_enrols_nothing if {
	every unusable in [
		{},
		null,
		{"enrolled": null},
		{"enrolled": "PVCUsageHigh"},
		{"enrolled": [null]},
		{"enrolled": ["PVCUsageHigh"]},
		{"enrolled": [{"alertname": "PVCUsageHigh", "resource_type": "k8s_pvc"}]},
		{"enrolled": [{"alertname": "PVCUsageHigh", "resource_type": "k8s_pvc", "namespace": null}]},
	] {
		autonomy == {"contributions": {not_enrolled}} with data.config.autonomy as unusable
			with input as review({}, {"complete": true})
	}
	autonomy == {"contributions": {not_enrolled}} with data.config as {}
		with input as review({}, {"complete": true})
}
