# METADATA
# title: The decision log has an alert's identity and severity. An event that is not masked is not printed.
package system.log_test

import data.system.log

asked := {
	"phase": "review",
	"event": {
		"identity": "1f0c2a9be4d35768a0b1c2d3e4f5061728394a5b6c7d8e9f0a1b2c3d4e5f6071",
		"alertname": "PVCUsageHigh",
		"severity": "LOW",
		"severity_known": true,
		"cluster": "main",
		"namespace": "f3iai",
		"namespaces": ["f3iai"],
		"resource_type": "k8s_pvc",
		"resource_id": "typedb-data",
	},
	"text": {
		"words": [" pvc typedb-data is 75 full "],
		"sentences": [["pvc", "typedb-data"]],
		"signals": ["escape"],
		"truncated": false,
	},
	"facts": {
		"complete": true,
		"dependents": 3,
		"replicas": null,
		"classification": "internal",
		"scope": ["investigate"],
		"failures": 0,
	},
	"activity": {"active": 0, "on_resource": 0, "started_last_hour": 0, "share_active": 0, "share_started_last_hour": 0},
	"clock": {"epoch": 1774753800, "utc": "2026-03-29T03:10:00Z", "weekday": "sunday", "minute_of_day": 190},
}

printed := {
	"phase": "review",
	"event": {
		"identity": "1f0c2a9be4d35768a0b1c2d3e4f5061728394a5b6c7d8e9f0a1b2c3d4e5f6071",
		"severity": "LOW",
	},
	"text": {"truncated": false},
	"facts": {"complete": true, "dependents": 3, "replicas": null, "failures": 0},
	"activity": {"active": 0, "on_resource": 0, "started_last_hour": 0, "share_active": 0, "share_started_last_hour": 0},
	"clock": {"epoch": 1774753800, "utc": "2026-03-29T03:10:00Z", "weekday": "sunday", "minute_of_day": 190},
}

empty := {"phase": null, "event": {}, "text": {}, "facts": {}, "activity": {}, "clock": {}}

logged := {
	"decision_id": "6f6b1a44-6b1e-4c39-8a5f-5d0c1b0a9e11",
	"bundles": {"policy": {"revision": "1f0c"}},
	"labels": {"version": "1.22.2"},
	"path": "sre_dispatch/decision",
	"input": asked,
	"result": {"allowed": true},
	"requested_by": "10.0.0.1:4242",
	"timestamp": "2026-03-29T03:10:00Z",
	"metrics": {},
	"req_id": 1,
}

becomes(document, expected) if {
	event := object.union(object.remove(logged, ["input"]), {"input": document})
	log.mask == {{"op": "upsert", "path": "/input", "value": expected}} with input as event
	log.drop == false with input as event
}

test_what_is_known_to_say_nothing_of_the_alert_is_printed if becomes(asked, printed)

test_a_triage_has_no_facts if {
	becomes(
		object.union(asked, {"phase": "triage", "facts": null}),
		object.union(object.remove(printed, ["facts"]), {"phase": "triage", "facts": {}}),
	)
}

test_text_in_the_place_of_anything_is_left_out if {
	every text in ["canary", "Low", "", "2026-03-29T03:10:00Z canary", "canary\n2026-03-29T03:10:00Z", ["LOW"], {"a": "b"}] {
		every document in [
			text,
			{"phase": text, "event": text, "text": text, "facts": text, "activity": text, "clock": text},
			{
				"phase": text,
				"event": {"identity": text, "severity": text},
				"text": {"truncated": text},
				"facts": {"complete": text, "dependents": text, "replicas": text, "failures": text},
				"activity": {"active": text, "on_resource": text, "started_last_hour": text, "share_active": text, "share_started_last_hour": text},
				"clock": {"epoch": text, "utc": text, "weekday": text, "minute_of_day": text},
			},
			{"canary": text, "event": {"canary": text}},
		] {
			becomes(document, empty)
		}
	}
}

test_an_event_with_a_part_that_no_mask_reaches_is_not_printed if {
	every part in ["custom", "error", "intermediate_results", "mapped_result", "nd_builtin_cache", "query", "new"] {
		log.drop with input as object.union(logged, {part: "canary"})
	}
}

test_an_event_whose_mask_is_another_is_not_printed if {
	every other in [set(), {"/input/text"}, {{"op": "upsert", "path": "/input", "value": asked}}] {
		log.drop with input as logged with log.mask as other
	}
}
