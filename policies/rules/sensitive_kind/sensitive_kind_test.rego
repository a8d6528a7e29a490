# METADATA
# title: A kind is sensitive, ordinary or unknown. An unknown kind counts as sensitive.
package sre_dispatch.rules.sensitive_kind_test

import data.sre_dispatch.rules.sensitive_kind
import future.keywords.not

config := {
	"sensitive": {"machines": ["k8s_node", "host"], "both": ["k8s_job"]},
	"ordinary": {"claims": ["k8s_pvc", ""], "both": ["k8s_job"]},
}

sensitive := {"ready": true, "contributions": {{"code": "sensitive_kind", "level": "HIGH"}}}

unknown := {"ready": true, "contributions": {{"code": "unknown_kind", "level": "HIGH"}}}

ordinary := {"ready": true, "contributions": set()}

found(kind) := answer if {
	answer := sensitive_kind with data.config.sensitive_kind as config
		with input as {"event": {"resource_type": kind}}
}

test_a_sensitive_kind_is_high_also_where_it_is_called_ordinary_as_well if {
	every kind in ["k8s_node", "host", "k8s_job"] {
		found(kind) == sensitive
	}
}

test_an_ordinary_kind_gives_no_reason if {
	every kind in ["k8s_pvc", ""] {
		found(kind) == ordinary
	}
}

test_any_other_kind_is_high if {
	every kind in ["unknown_k8s_pvc", "k8s_pvcs", "K8S_PVC", "k8s_", " ", null, 1, ["k8s_pvc"]] {
		found(kind) == unknown
	}
}

test_an_absent_kind_is_high if {
	every document in [{}, {"event": null}, {"event": {}}] {
		sensitive_kind == unknown with input as document with data.config.sensitive_kind as config
	}
}

test_empty_groups_are_ready_and_know_no_kind if {
	sensitive_kind == unknown with data.config.sensitive_kind as {"sensitive": {}, "ordinary": {}}
		with input as {"event": {"resource_type": "k8s_pvc"}}
}

test_missing_or_mistyped_groups_are_not_ready if {
	every unusable in [
		{},
		null,
		{"sensitive": config.sensitive},
		{"ordinary": config.ordinary},
		object.union(config, {"sensitive": null}),
		{"sensitive": ["k8s_node"], "ordinary": config.ordinary},
		object.union(config, {"ordinary": {"claims": "k8s_pvc"}}),
		object.union(config, {"ordinary": {"claims": ["k8s_pvc", null]}}),
	] {
		sensitive_kind == {"contributions": set()} with data.config.sensitive_kind as unusable
			with input as {"event": {"resource_type": "k8s_node"}}
	}
}

# One of the shipped maps contains every type that the function reports.
test_the_shipped_maps_sort_every_type if {
	every kind in [
		"",
		"instance",
		"k8s_pvc",
		"k8s_pod",
		"k8s_deployment",
		"k8s_daemonset",
		"k8s_replicaset",
		"k8s_job",
		"k8s_cronjob",
		"k8s_hpa",
		"k8s_pdb",
		"k8s_resourcequota",
	] {
		sensitive_kind == ordinary with input as {"event": {"resource_type": kind}}
	}
	every kind in ["k8s_node", "k8s_statefulset", "k8s_pv", "k8s_namespace", "ceph", "host"] {
		sensitive_kind == sensitive with input as {"event": {"resource_type": kind}}
	}
	every kind in ["unknown_k8s_pvc", "unknown_k8s_node", "unknown_"] {
		sensitive_kind == unknown with input as {"event": {"resource_type": kind}}
	}
}
