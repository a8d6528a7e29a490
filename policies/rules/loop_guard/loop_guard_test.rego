# METADATA
# title: Only what is ours is denied, and for good.
package sre_dispatch.rules.loop_guard_test

import data.sre_dispatch.rules.loop_guard

config := {"alertnames": ["SREDispatchNeedsPerson"], "namespaces": ["sre-agents"]}

own_alert := {"code": "own_alert", "retry": false}

own_namespace := {"code": "own_namespace", "retry": false}

found(event) := answer if {
	answer := loop_guard.denials with input as {"event": event} with data.config.loop_guard as config
}

test_a_notice_of_ours_is_denied if {
	found({"alertname": "SREDispatchNeedsPerson", "namespace": "", "namespace_label": ""}) == {own_alert}
}

test_the_agents_namespace_is_denied_as_the_subjects_and_as_the_labels if {
	found({"alertname": "KubeJobFailed", "namespace": "sre-agents", "namespace_label": "sre-agents"}) == {own_namespace}
	found({"alertname": "KubeNodeNotReady", "namespace": "", "namespace_label": "sre-agents"}) == {own_namespace}
}

test_anything_else_is_not_denied if {
	every event in [
		{"alertname": "KubeJobFailed", "namespace": "shop", "namespace_label": "shop"},
		{"alertname": "sredispatchneedsperson", "namespace": "sre-agents-2", "namespace_label": ""},
		{},
	] {
		found(event) == set()
	}
}

test_missing_or_mistyped_lists_are_not_ready if {
	every unusable in [{}, {"alertnames": []}, {"namespaces": []}, {"alertnames": [1], "namespaces": []}, null] {
		not loop_guard.ready with data.config.loop_guard as unusable
	}
	loop_guard.ready with data.config.loop_guard as config
}
