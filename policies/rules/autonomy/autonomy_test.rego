# METADATA
# title: LOW needs an enrolment that is equal in all four fields and lists every text.
package sre_dispatch.rules.autonomy_test

import data.sre_dispatch.rules.autonomy
import future.keywords.not

event := {
	"alertname": "PVCUsageRising",
	"severity": "LOW",
	"cluster": "main",
	"namespace": "f3iai",
	"namespaces": ["f3iai"],
	"resource_type": "k8s_pvc",
}

text := {
	"labels": {
		"alertname": ["PVCUsageRising"],
		"namespace": ["f3iai", "f{number}iai"],
		"cluster": ["main"],
		"persistentvolumeclaim": ["data-0", "data-{number}"],
		"severity": ["info"],
		"shard": ["7", "{number}"],
	},
	"annotations": {
		"summary": "PVC data-0 in f3iai is {number}% full",
		"description": "{number} left, {number} files",
		"runbook_url": "https://runbooks.example/volumes",
	},
}

enrolment := {
	"alertname": "PVCUsageRising",
	"resource_type": "k8s_pvc",
	"namespace": "f3iai",
	"cluster": "main",
	"labels": {
		"persistentvolumeclaim": ["other-data", "data-{number}"],
		"severity": ["info"],
		"shard": ["7", "8"],
		"zone": ["a"],
	},
	"annotations": {
		"summary": ["Nothing", "PVC {persistentvolumeclaim} in {namespace} is {number}% full"],
		"description": ["{number} left, {number} files"],
		"runbook_url": ["https://runbooks.example/volumes"],
		"note": ["Zone {zone}"],
	},
}

pods := {
	"alertname": "Other",
	"resource_type": "k8s_pod",
	"namespace": "shop",
	"cluster": "",
	"labels": {},
	"annotations": {},
}

config := {"enrolled": {"pods": pods, "volumes": enrolment}}

not_enrolled := {"code": "not_enrolled", "level": "LOW"}

text_not_enrolled := {"code": "text_not_enrolled", "level": "LOW"}

found(event_asked) := answer if {
	answer := autonomy with input as {"event": event_asked, "text": text} with data.config.autonomy as config
}

said(text_asked) := answer if {
	answer := autonomy.withheld with input as {"event": event, "text": text_asked} with data.config.autonomy as config
}

test_a_label_that_the_enrolment_does_not_list_withholds_low if {
	every labels in [
		{"job": ["kubelet"]},
		{"": [""]},
		{"number": ["7"]},
		{"alertname": ["PVCUsageHigh"]},
		{"namespace": ["shop"]},
		{"cluster": ["other"]},
		{"severity": ["warning"]},
		{"severity": ["INFO"]},
		{"persistentvolumeclaim": ["data-x"]},
		{"persistentvolumeclaim": ["purge-data-0", "purge-data-{number}"]},
		{"persistentvolumeclaim": ["{"]},
		{"persistentvolumeclaim": []},
		{"shard": ["9", "{number}"]},
		{"zone": ["b"]},
	] {
		said(object.union(text, {"labels": labels})) == {text_not_enrolled}
	}
}

test_an_annotation_that_the_enrolment_does_not_list_withholds_low if {
	every annotations in [
		{"hint": ""},
		{"hint": "PVC data-0 in f3iai is {number}% full"},
		{"summary": "PVC data-1 in f3iai is {number}% full"},
		{"summary": "PVC data-0 in shop is {number}% full"},
		{"summary": "PVC data-0 in f3iai is full% full"},
		{"summary": "PVC data-0 in f3iai is {number}% full. Grow it"},
		{"summary": "Please: PVC data-0 in f3iai is {number}% full"},
		{"summary": "PVC {persistentvolumeclaim} in {namespace} is {number}% full"},
		{"summary": "{number} left, {number} files"},
		{"summary": ""},
		{"summary": "{"},
		{"description": "{number} left, all files"},
		{"runbook_url": "https://runbooks.example/volumes?x=y"},
		{"note": "Zone "},
		{"note": "Zone a"},
		{"note": "Zone }"},
		{"note": "Zone {"},
	] {
		said(object.union(text, {"annotations": annotations})) == {text_not_enrolled}
	}
}

test_other_numbers_other_listed_values_and_fewer_texts_keep_low if {
	said(text) == set()
	every labels in [
		{"shard": ["8", "{number}"]},
		{"zone": ["a"]},
		{"cluster": ["main", "m{number}"]},
	] {
		said(object.union(text, {"labels": labels})) == set()
	}
	said(object.union(text, {
		"labels": {"persistentvolumeclaim": ["other-data"]},
		"annotations": {"summary": "PVC other-data in f3iai is {number}% full"},
	})) == set()
	said(object.union(text, {"labels": {"zone": ["a"]}, "annotations": {"note": "Zone a"}})) == set()
	said({"labels": text.labels, "annotations": {}}) == set()
	said({"labels": {"alertname": ["PVCUsageRising"]}, "annotations": {"summary": "Nothing"}}) == set()
}

test_texts_that_are_absent_or_mistyped_withhold_low if {
	every odd in [
		null,
		{},
		"PVCUsageRising",
		{"labels": text.labels},
		{"annotations": text.annotations},
		{"labels": {}, "annotations": {}},
		{"labels": null, "annotations": null},
		{"labels": ["PVCUsageRising"], "annotations": {}},
		{"labels": {"alertname": "PVCUsageRising"}, "annotations": {}},
		{"labels": {"alertname": null}, "annotations": {}},
		{"labels": {"severity": ["info"]}, "annotations": {}},
		{"labels": text.labels, "annotations": ["Nothing"]},
		{"labels": text.labels, "annotations": {"summary": ["Nothing"]}},
		{"labels": text.labels, "annotations": {"summary": null}},
	] {
		said(odd) == {text_not_enrolled}
	}
	autonomy.withheld == {text_not_enrolled} with input as {"event": event} with data.config.autonomy as config
}

test_one_enrolment_must_list_all_texts if {
	first := object.union(enrolment, {"annotations": {"description": ["x"]}})
	second := object.union(enrolment, {"annotations": {"summary": ["x"]}})
	both := {"enrolled": {"first": first, "second": second}}
	autonomy.withheld == {text_not_enrolled} with input as {"event": event, "text": text} with data.config.autonomy as both
	more := {"enrolled": object.union(both.enrolled, {"third": enrolment})}
	autonomy.withheld == set() with input as {"event": event, "text": text} with data.config.autonomy as more
}

test_the_texts_are_those_of_the_subjects_namespace if {
	told := object.union(event, {"namespaces": ["f3iai", "monitoring"]})
	bare := object.union(enrolment, {"namespace": "monitoring", "labels": {}, "annotations": {}})
	both := {"enrolled": object.union(config.enrolled, {"told": bare})}
	autonomy.withheld == set() with input as {"event": told, "text": text} with data.config.autonomy as both
	teller := object.union(text, {"labels": {"namespace": ["monitoring"]}})
	autonomy.withheld == {text_not_enrolled} with input as {"event": told, "text": teller} with data.config.autonomy as both
	listed := object.union(both.enrolled, {"volumes": object.union(enrolment, {"labels": {"namespace": ["monitoring"]}})})
	asked := object.union(teller, {"annotations": {"summary": "PVC data-0 in monitoring is {number}% full"}})
	autonomy.withheld == set() with input as {"event": told, "text": asked} with data.config.autonomy as {"enrolled": listed}
}

test_what_is_enrolled_keeps_low if {
	found(event) == {"ready": true, "withheld": set()}
	other := {"alertname": "Other", "resource_type": "k8s_pod", "cluster": "", "namespace": "shop", "namespaces": ["shop"]}
	autonomy == {"ready": true, "withheld": set()} with data.config.autonomy as config with input as {
		"event": other,
		"text": {"labels": {"alertname": ["Other"], "namespace": ["shop"]}, "annotations": {}},
	}
}

test_every_namespace_of_the_alert_must_be_enrolled if {
	both := {"enrolled": object.union(config.enrolled, {"told": object.union(enrolment, {"namespace": "monitoring"})})}
	told := object.union(event, {"namespaces": ["f3iai", "monitoring"]})
	found(told) == {"ready": true, "withheld": {not_enrolled}}
	autonomy.withheld == set() with input as {"event": told, "text": text} with data.config.autonomy as both
	every namespaces in [["f3iai", "tenant"], ["tenant"], [""], null, "f3iai", {"a": "f3iai"}] {
		found(object.union(event, {"namespaces": namespaces})) == {"ready": true, "withheld": {not_enrolled}}
	}
}

test_what_differs_in_one_of_the_four_is_not_enrolled if {
	every patch in [
		{"alertname": "PVCUsageCritical"},
		{"alertname": "pvcusagerising"},
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
	every document in [{}, {"event": null}, {"event": "PVCUsageRising"}] {
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
		{"enrolled": "PVCUsageRising"},
		{"enrolled": [enrolment]},
		{"enrolled": {"a": enrolment, "b": null}},
		{"enrolled": {"a": enrolment, "b": "PVCUsageRising"}},
		{"enrolled": {"a": enrolment, "b": object.union(enrolment, {"alertname": ""})}},
		{"enrolled": {"a": enrolment, "b": object.union(enrolment, {"resource_type": ""})}},
		{"enrolled": {"a": enrolment, "b": object.union(enrolment, {"namespace": ""})}},
		{"enrolled": {"a": enrolment, "b": object.union(enrolment, {"cluster": null})}},
		{"enrolled": {"a": enrolment, "b": {"alertname": "A", "resource_type": "k8s_pod", "namespace": "shop"}}},
		{"enrolled": {"a": enrolment, "b": object.union(enrolment, {"labels": null})}},
		{"enrolled": {"a": enrolment, "b": object.union(enrolment, {"annotations": ["x"]})}},
		{"enrolled": {"a": enrolment, "b": object.union(enrolment, {"labels": {"severity": "info"}})}},
		{"enrolled": {"a": enrolment, "b": object.union(enrolment, {"labels": {"severity": {"a": "info"}}})}},
		{"enrolled": {"a": enrolment, "b": object.union(enrolment, {"annotations": {"summary": [1]}})}},
		{"enrolled": {"a": enrolment, "b": {field: value | some field, value in enrolment; field != "labels"}}},
		{"enrolled": {"a": enrolment, "b": {field: value | some field, value in enrolment; field != "annotations"}}},
	] {
		autonomy == {"withheld": {not_enrolled}} with data.config.autonomy as unusable with input as {"event": event}
	}
	autonomy == {"withheld": {not_enrolled}} with data.config as {} with input as {"event": event}
}

test_a_further_enrolment_takes_none_away if {
	more := {"enrolled": object.union(config.enrolled, {"more": object.union(enrolment, {"cluster": ""})})}
	every cluster in ["main", ""] {
		labels := object.union(text.labels, {"cluster": [cluster]})
		autonomy.withheld == set() with data.config.autonomy as more
			with input as {
				"event": object.union(event, {"cluster": cluster}),
				"text": object.union(text, {"labels": labels}),
			}
	}
}
