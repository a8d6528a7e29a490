# METADATA
# title: A merge request needs a repository for the namespace and the type.
package sre_dispatch.rules.repository_test

import data.sre_dispatch.rules.repository
import future.keywords.not

config := {"repositories": {
	"shop": {"namespace": "shop", "repository": "shop/gitops"},
	"carts": {"namespace": "carts", "resource_type": "k8s_pvc", "repository": "carts/storage"},
	"cluster": {"namespace": "", "resource_type": "k8s_pv", "repository": "platform/storage"},
}}

known := {"ready": true, "withheld": set()}

unknown := {"ready": true, "withheld": {{"code": "no_repository", "level": "MEDIUM"}}}

found(namespace, kind) := answer if {
	answer := repository with data.config.repository as config
		with input as {"event": {"namespace": namespace, "resource_type": kind}}
}

test_an_entry_without_a_type_holds_for_every_type if {
	every kind in ["k8s_pvc", "k8s_pod", ""] {
		found("shop", kind) == known
	}
}

test_an_entry_with_a_type_holds_for_that_type_only if {
	found("carts", "k8s_pvc") == known
	found("carts", "k8s_pod") == unknown
	found("carts", "") == unknown
}

test_what_is_in_no_namespace_needs_an_entry_of_its_own if {
	found("", "k8s_pv") == known
	found("", "k8s_node") == unknown
}

test_another_namespace_has_no_repository if {
	every namespace in ["shop-2", "Shop", "*", null, 1, ["shop"]] {
		found(namespace, "k8s_pvc") == unknown
	}
}

test_an_absent_event_has_no_repository if {
	every document in [{}, {"event": null}, {"event": {}}, {"event": {"resource_type": "k8s_pvc"}}] {
		repository == unknown with input as document with data.config.repository as config
	}
}

test_an_empty_map_is_ready_and_knows_nothing if {
	repository == unknown with data.config.repository as {"repositories": {}}
		with input as {"event": {"namespace": "shop", "resource_type": "k8s_pvc"}}
}

test_a_missing_or_mistyped_map_is_not_ready_and_knows_nothing if {
	every unusable in [
		{},
		null,
		{"repositories": null},
		{"repositories": [config.repositories.shop]},
		{"repositories": object.union(config.repositories, {"b": null})},
		{"repositories": object.union(config.repositories, {"b": "shop/gitops"})},
		{"repositories": object.union(config.repositories, {"b": {"namespace": "b"}})},
		{"repositories": object.union(config.repositories, {"b": {"repository": "b/gitops"}})},
		{"repositories": object.union(config.repositories, {"b": {"namespace": "b", "repository": ""}})},
		{"repositories": object.union(config.repositories, {"b": {"namespace": null, "repository": "b/gitops"}})},
		{"repositories": object.union(config.repositories, {"shop": {"resource_type": null}})},
	] {
		repository == {"withheld": unknown.withheld} with data.config.repository as unusable
			with input as {"event": {"namespace": "shop", "resource_type": "k8s_pvc"}}
	}
}

test_the_shipped_map_knows_f3iai if {
	repository == known with input as {"event": {"namespace": "f3iai", "resource_type": "k8s_pvc"}}
}
