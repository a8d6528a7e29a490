# METADATA
# title: LOW needs an enrolment that is equal in all four fields.
package sre_dispatch.rules.autonomy_test

import data.sre_dispatch.rules.autonomy
import future.keywords.not

event := {
	"alertname": "PVCUsageHigh",
	"severity": "LOW",
	"cluster": "main",
	"namespace": "f3iai",
	"namespaces": ["f3iai"],
	"resource_type": "k8s_pvc",
}

enrolment := {"alertname": "PVCUsageHigh", "resource_type": "k8s_pvc", "namespace": "f3iai", "cluster": "main"}

config := {"enrolled": {
	"pods": {"alertname": "Other", "resource_type": "k8s_pod", "namespace": "shop", "cluster": ""},
	"volumes": enrolment,
}}

not_enrolled := {"code": "not_enrolled", "level": "LOW"}

found(event_asked) := answer if {
	answer := autonomy with input as {"event": event_asked} with data.config.autonomy as config
}

test_what_is_enrolled_keeps_low if {
	found(event) == {"ready": true, "withheld": set()}
	other := {"alertname": "Other", "resource_type": "k8s_pod", "cluster": "", "namespace": "shop", "namespaces": ["shop"]}
	found(other) == {"ready": true, "withheld": set()}
}

test_every_namespace_of_the_alert_must_be_enrolled if {
	both := {"enrolled": object.union(config.enrolled, {"told": object.union(enrolment, {"namespace": "monitoring"})})}
	told := object.union(event, {"namespaces": ["f3iai", "monitoring"]})
	found(told) == {"ready": true, "withheld": {not_enrolled}}
	autonomy.withheld == set() with input as {"event": told} with data.config.autonomy as both
	every namespaces in [["f3iai", "tenant"], ["tenant"], [""], null, "f3iai", {"a": "f3iai"}] {
		found(object.union(event, {"namespaces": namespaces})) == {"ready": true, "withheld": {not_enrolled}}
	}
}

test_what_differs_in_one_of_the_four_is_not_enrolled if {
	every patch in [
		{"alertname": "PVCUsageCritical"},
		{"alertname": "pvcusagehigh"},
		{"alertname": "Other"},
		{"alertname": "*"},
		{"alertname": null},
		{"resource_type": "k8s_pod"},
		{"resource_type": "unknown_k8s_pvc"},
		{"resource_type": ["k8s_pvc"]},
		{"namespace": "f3iai-test"},
		{"namespace": "shop"},
		{"namespace": ""},
		{"namespace": 1},
		{"cluster": "other"},
		{"cluster": ""},
		{"cluster": null},
	] {
		found(object.union(event, patch)) == {"ready": true, "withheld": {not_enrolled}}
	}
}

test_what_is_absent_is_not_enrolled if {
	every absent in ["alertname", "resource_type", "namespace", "namespaces", "cluster"] {
		found({field: value | some field, value in event; field != absent}).withheld == {not_enrolled}
	}
	every document in [{}, {"event": null}, {"event": "PVCUsageHigh"}] {
		autonomy.withheld == {not_enrolled} with input as document with data.config.autonomy as config
	}
}

test_a_wildcard_enrols_nothing if {
	every field in ["alertname", "resource_type", "namespace", "cluster"] {
		every wildcard in ["*", "?", ".*"] {
			config_with_wildcard := {"enrolled": {"any": object.union(enrolment, {field: wildcard})}}
			autonomy.withheld == {not_enrolled} with data.config.autonomy as config_with_wildcard
				with input as {"event": event}
		}
	}
}

test_an_empty_map_is_ready_and_enrols_nothing if {
	autonomy == {"ready": true, "withheld": {not_enrolled}} with data.config.autonomy as {"enrolled": {}}
		with input as {"event": event}
}

test_a_missing_or_mistyped_map_is_not_ready_and_enrols_nothing if {
	every unusable in [
		{},
		null,
		{"enrolled": null},
		{"enrolled": "PVCUsageHigh"},
		{"enrolled": [enrolment]},
		{"enrolled": {"a": enrolment, "b": null}},
		{"enrolled": {"a": enrolment, "b": "PVCUsageHigh"}},
		{"enrolled": {"a": enrolment, "b": object.union(enrolment, {"alertname": ""})}},
		{"enrolled": {"a": enrolment, "b": object.union(enrolment, {"resource_type": ""})}},
		{"enrolled": {"a": enrolment, "b": object.union(enrolment, {"namespace": ""})}},
		{"enrolled": {"a": enrolment, "b": object.union(enrolment, {"cluster": null})}},
		{"enrolled": {"a": enrolment, "b": {"alertname": "A", "resource_type": "k8s_pod", "namespace": "shop"}}},
	] {
		autonomy == {"withheld": {not_enrolled}} with data.config.autonomy as unusable with input as {"event": event}
	}
	autonomy == {"withheld": {not_enrolled}} with data.config as {} with input as {"event": event}
}

test_a_further_enrolment_takes_none_away if {
	more := {"enrolled": object.union(config.enrolled, {"more": object.union(enrolment, {"cluster": ""})})}
	every cluster in ["main", ""] {
		autonomy.withheld == set() with data.config.autonomy as more
			with input as {"event": object.union(event, {"cluster": cluster})}
	}
}
