# METADATA
# title: The rule denies only what is ours, and without a retry.
package sre_dispatch.rules.loop_guard_test

import data.sre_dispatch.rules.loop_guard
import future.keywords.not

config := {
	"alertnames": {"notices": ["NeedsPerson"], "more": ["NeedsTwoPersons"]},
	"namespaces": {"agents": ["sre-agents"]},
	"objects": {"function": {"namespace": "f3iai", "names": ["sre-dispatch", "sre-dispatch-*"]}},
}

own_alert := {"code": "own_alert", "retry": false}

own_namespace := {"code": "own_namespace", "retry": false}

own_object := {"code": "own_object", "retry": false}

given(denials) := {"ready": true, "denials": denials}

found(event) := answer if {
	answer := loop_guard with input as {"event": event} with data.config.loop_guard as config
}

test_a_notice_of_ours_is_denied if {
	every name in ["NeedsPerson", "NeedsTwoPersons"] {
		found({"alertname": name, "namespace": "", "namespaces": []}) == given({own_alert})
	}
}

test_the_agents_namespace_is_denied_as_the_subjects_and_as_the_tellers if {
	every namespace in ["sre-agents", "", "shop"] {
		found({"namespace": namespace, "namespaces": [namespace, "sre-agents"]}) == given({own_namespace})
		found({"namespace": "sre-agents", "namespaces": [namespace]}) == given({own_namespace})
	}
}

test_an_object_of_ours_is_denied_in_its_namespace_only if {
	every id in ["sre-dispatch", "sre-dispatch-", "sre-dispatch-00001-deployment-5b7"] {
		found({"namespace": "f3iai", "resource_id": id}) == given({own_object})
		found({"namespace": "shop", "resource_id": id}) == given(set())
		found({"namespace": "", "namespaces": ["f3iai"], "resource_id": id}) == given(set())
	}
	every id in ["sre-dispatcher", "my-sre-dispatch", "Sre-dispatch", "typedb-data", "", null, 1, ["sre-dispatch"]] {
		found({"namespace": "f3iai", "resource_id": id}) == given(set())
	}
}

test_all_that_is_ours_is_said if {
	own_in_own := object.union(config, {"objects": {"agents": {"namespace": "sre-agents", "names": ["*"]}}})
	loop_guard == given({own_alert, own_namespace, own_object}) with data.config.loop_guard as own_in_own
		with input as {"event": {"alertname": "NeedsPerson", "namespace": "sre-agents", "resource_id": "sre-1"}}
}

test_anything_else_is_not_denied if {
	every event in [
		{"alertname": "KubeJobFailed", "namespace": "shop", "namespaces": ["shop"], "resource_id": "x"},
		{"alertname": "needsperson", "namespace": "sre-agents-2", "namespaces": []},
		{"alertname": ["NeedsPerson"], "namespace": null, "namespaces": 1},
		{},
		null,
	] {
		found(event) == given(set())
	}
	loop_guard == given(set()) with input as {} with data.config.loop_guard as config
}

test_missing_or_mistyped_data_is_not_ready if {
	every unusable in [
		{},
		null,
		object.union(config, {"alertnames": null}),
		object.union(config, {"alertnames": {"notices": "NeedsPerson"}}),
		object.union(config, {"namespaces": {"agents": [1]}}),
		object.union(config, {"objects": []}),
		object.union(config, {"objects": {"function": null}}),
		object.union(config, {"objects": {"function": {"namespace": null}}}),
		object.union(config, {"objects": {"function": {"names": "sre-dispatch"}}}),
		object.union(config, {"objects": {"function": {"names": ["sre-dispatch", null]}}}),
	] {
		loop_guard == {"denials": set()} with data.config.loop_guard as unusable
			with input as {"event": {"alertname": "NeedsPerson", "namespace": "sre-agents", "resource_id": "x"}}
	}
	every absent, _ in config {
		not loop_guard.ready with data.config.loop_guard as {key: value | some key, value in config; key != absent}
	}
}

test_the_shipped_data_names_what_we_ship if {
	every name in ["SREDispatchNeedsPerson", "SREDispatchDeliveriesFailing", "SREDispatchUnwatched"] {
		loop_guard == given({own_alert}) with input as {"event": {"alertname": name}}
	}
	loop_guard == given({own_namespace}) with input as {"event": {"namespace": "sre-agents"}}
	loop_guard == given({own_object}) with input as {"event": {"namespace": "f3iai", "resource_id": "sre-dispatch"}}
	loop_guard == given(set()) with input as {"event": {"namespace": "f3iai", "resource_id": "typedb-data"}}
}
