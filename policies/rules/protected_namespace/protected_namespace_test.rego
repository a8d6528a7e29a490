# METADATA
# title: Protected namespaces are found by exact name and by literal prefix.
package sre_dispatch.rules.protected_namespace_test

import data.sre_dispatch.rules.protected_namespace
import future.keywords.not

config := {"namespaces": ["kube-system", "monitoring"], "prefixes": ["openshift-", "team*"]}

protected := {"code": "protected_namespace", "level": "HIGH"}

test_a_listed_name_or_prefix_is_high if {
	every namespace in ["kube-system", "monitoring", "openshift-", "openshift-etcd", "team*a"] {
		protected_namespace == {"ready": true, "contributions": {protected}} with data.config.protected_namespace as config
			with input as {"event": {"namespace": namespace}}
	}
}

test_a_subject_outside_of_namespaces_is_protected_by_its_label if {
	every namespace in ["kube-system", "openshift-etcd"] {
		protected_namespace == {"ready": true, "contributions": {protected}} with data.config.protected_namespace as config
			with input as {"event": {"namespace": "", "namespace_label": namespace}}
	}
}

test_a_name_that_only_resembles_one_is_free if {
	every namespace in [
		"f3iai",
		"",
		"kube-system-2",
		"my-kube-system",
		"Kube-System",
		"openshift",
		"my-openshift-etcd",
		"team-a",
	] {
		protected_namespace == {"ready": true, "contributions": set()} with data.config.protected_namespace as config
			with input as {"event": {"namespace": namespace}}
	}
}

test_an_absent_or_mistyped_namespace_gives_no_reason if {
	every document in [
		{},
		{"event": null},
		{"event": {}},
		{"event": {"namespace": null}},
		{"event": {"namespace": 1}},
		{"event": {"namespace": ["kube-system"]}},
	] {
		protected_namespace == {"ready": true, "contributions": set()} with input as document
			with data.config.protected_namespace as config
	}
}

test_empty_lists_are_ready_and_protect_nothing if {
	protected_namespace == {"ready": true, "contributions": set()} with input as {"event": {"namespace": "kube-system"}}
		with data.config.protected_namespace as {"namespaces": [], "prefixes": []}
}

test_missing_or_mistyped_lists_are_not_ready if {
	every unusable in [
		{},
		null,
		{"namespaces": ["kube-system"]},
		{"prefixes": ["kube-"]},
		{"namespaces": ["kube-system"], "prefixes": null},
		{"namespaces": ["kube-system"], "prefixes": "kube-"},
		{"namespaces": ["kube-system"], "prefixes": [1]},
		{"namespaces": "kube-system", "prefixes": []},
		{"namespaces": ["kube-system", null], "prefixes": []},
	] {
		protected_namespace == {"contributions": set()} with data.config.protected_namespace as unusable
			with input as {"event": {"namespace": "kube-system"}}
	}
	protected_namespace == {"contributions": set()} with data.config as {}
		with input as {"event": {"namespace": "kube-system"}}
}

test_the_shipped_lists_protect_the_cluster_and_leave_workloads_free if {
	every namespace in ["kube-system", "knative-serving", "rook-ceph", "monitoring", "sre-agents", "openshift-etcd"] {
		protected_namespace.contributions == {protected} with input as {"event": {"namespace": namespace}}
	}
	every namespace in ["f3iai", "default", "shop"] {
		protected_namespace.contributions == set() with input as {"event": {"namespace": namespace}}
	}
}
