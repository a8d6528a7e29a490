# METADATA
# title: The rule matches the subject's and the label's namespace, by name and by pattern.
package sre_dispatch.rules.protected_namespace_test

import data.sre_dispatch.rules.protected_namespace
import future.keywords.not

config := {"namespaces": {"cluster": ["kube-system", "openshift-*"], "shared": ["monitoring", "*-system"]}}

protected := {"ready": true, "contributions": {{"code": "protected_namespace", "level": "HIGH"}}}

free := {"ready": true, "contributions": set()}

found(event) := answer if {
	answer := protected_namespace with input as {"event": event} with data.config.protected_namespace as config
}

test_a_listed_name_or_pattern_is_high if {
	every namespace in ["kube-system", "monitoring", "openshift-", "openshift-etcd", "openshift-a-b", "istio-system"] {
		found({"namespace": namespace}) == protected
	}
}

test_the_namespace_of_whoever_tells_protects_too if {
	every namespace in ["kube-system", "openshift-etcd"] {
		found({"namespace": "", "namespaces": [namespace]}) == protected
		found({"namespace": "shop", "namespaces": ["shop", "web", namespace]}) == protected
	}
}

test_a_name_that_only_resembles_one_is_free if {
	every namespace in [
		"f3iai",
		"",
		"monitoring-2",
		"my-monitoring",
		"Monitoring",
		"openshift",
		"my-openshift-etcd",
		"istio-systems",
		"system",
	] {
		found({"namespace": namespace, "namespaces": [namespace]}) == free
	}
}

test_an_absent_or_mistyped_namespace_gives_no_reason if {
	every document in [
		{},
		{"event": null},
		{"event": {}},
		{"event": {"namespace": null}},
		{"event": {"namespace": 1}},
		{"event": {"namespace": ["kube-system"], "namespaces": {"a": ["kube-system"]}}},
	] {
		protected_namespace == free with input as document with data.config.protected_namespace as config
	}
}

test_empty_groups_are_ready_and_protect_nothing if {
	every namespaces in [{}, {"cluster": []}] {
		protected_namespace == free with data.config.protected_namespace as {"namespaces": namespaces}
			with input as {"event": {"namespace": "kube-system"}}
	}
}

test_missing_or_mistyped_groups_are_not_ready if {
	every unusable in [
		{},
		null,
		{"namespaces": null},
		{"namespaces": ["kube-system"]},
		{"namespaces": {"cluster": ["kube-system"], "shared": null}},
		{"namespaces": {"cluster": ["kube-system"], "shared": "monitoring"}},
		{"namespaces": {"cluster": ["kube-system"], "shared": {"a": "monitoring"}}},
		{"namespaces": {"cluster": ["kube-system", 1]}},
	] {
		protected_namespace == {"contributions": set()} with data.config.protected_namespace as unusable
			with input as {"event": {"namespace": "kube-system"}}
	}
	protected_namespace == {"contributions": set()} with data.config as {}
		with input as {"event": {"namespace": "kube-system"}}
}

test_the_shipped_groups_protect_the_cluster_and_leave_workloads_free if {
	every namespace in [
		"kube-system",
		"kube-node-lease",
		"knative-serving",
		"rook-ceph",
		"cert-manager",
		"monitoring",
		"sre-agents",
		"openshift-etcd",
		"istio-system",
	] {
		protected_namespace == protected with input as {"event": {"namespace": namespace}}
	}
	every namespace in ["f3iai", "default", "shop", "kubecost", "monitoring-demo"] {
		protected_namespace == free with input as {"event": {"namespace": namespace}}
	}
}
