# METADATA
# title: LOW needs a known, small number of dependents and a spare replica. Cluster-scoped resources are HIGH.
package sre_dispatch.rules.blast_radius_test

import data.sre_dispatch.rules.blast_radius
import future.keywords.not

config := {"max_dependents": 2, "min_replicas": 2, "replicated_kinds": ["k8s_deployment"]}

withheld(code) := {"code": code, "level": "LOW"}

document(kind, facts) := {"phase": "review", "event": {"namespace": "shop", "resource_type": kind}, "facts": facts}

found(asked) := answer if {
	answer := blast_radius with input as asked with data.config.blast_radius as config
}

given(levels) := {"ready": true, "contributions": set(), "withheld": levels}

test_few_dependents_and_a_spare_replica_keep_low if {
	every dependents in [0, 1, 2] {
		every replicas in [2, 3, 100] {
			found(document("k8s_deployment", {"dependents": dependents, "replicas": replicas})) == given(set())
		}
	}
}

test_many_dependents_withhold_low if {
	every dependents in [3, 4, 1000] {
		found(document("k8s_pvc", {"dependents": dependents})) == given({withheld("many_dependents")})
	}
}

test_unknown_dependents_withhold_low if {
	every facts in [{"dependents": null}, {"dependents": "1"}, {"dependents": [1]}, {}, [], "1", null] {
		found(document("k8s_pvc", facts)) == given({withheld("dependents_unknown")})
	}
}

test_too_few_replicas_withhold_low if {
	every replicas in [0, 1] {
		found(document("k8s_deployment", {"dependents": 0, "replicas": replicas})) == given({withheld("last_replica")})
	}
}

test_unknown_replicas_withhold_low if {
	every facts in [{"replicas": null}, {"replicas": "2"}, {"replicas": {}}, {}] {
		asked := document("k8s_deployment", object.union({"dependents": 0}, facts))
		found(asked) == given({withheld("replicas_unknown")})
	}
	found(document("k8s_deployment", null)) == given({withheld("dependents_unknown"), withheld("replicas_unknown")})
}

test_replicas_do_not_count_for_what_has_none if {
	every replicas in [null, 0, 1, "1"] {
		found(document("k8s_pvc", {"dependents": 0, "replicas": replicas})) == given(set())
	}
}

test_triage_does_not_ask_for_facts if {
	every phase in ["triage", null] {
		found(object.union(document("k8s_deployment", null), {"phase": phase})) == given(set())
	}
}

test_what_is_in_no_namespace_is_high_at_both_looks if {
	every phase in ["triage", "review"] {
		every id in ["worker-1", ""] {
			found({"phase": phase, "event": {"namespace": "", "resource_id": id}}).contributions == {{
				"code": "cluster_scoped",
				"level": "HIGH",
			}}
		}
	}
}

test_an_absent_or_mistyped_event_gives_no_reason if {
	every event in [null, {}, [], {"namespace": null}, {"namespace": 0}, {"namespace": [""]}] {
		found({"phase": "triage", "event": event}) == given(set())
	}
	found({}) == given(set())
}

test_missing_or_mistyped_limits_are_not_ready if {
	every unusable in [
		{},
		null,
		object.union(config, {"max_dependents": null}),
		object.union(config, {"max_dependents": "2"}),
		object.union(config, {"min_replicas": "2"}),
		object.union(config, {"replicated_kinds": "k8s_deployment"}),
		object.union(config, {"replicated_kinds": ["k8s_deployment", null]}),
		object.union(config, {"replicated_kinds": {"a": "k8s_deployment"}}),
	] {
		not blast_radius.ready with data.config.blast_radius as unusable
	}
	every absent, _ in config {
		not blast_radius.ready with data.config.blast_radius as {key: value | some key, value in config; key != absent}
	}
}

test_the_shipped_limits_let_an_agent_grow_a_claim_of_one_workload if {
	blast_radius == given(set()) with input as document("k8s_pvc", {"dependents": 1, "replicas": null})
	blast_radius == given(set()) with input as document("k8s_deployment", {"dependents": 1, "replicas": 2})
	blast_radius == given({withheld("last_replica")}) with input as document("k8s_pod", {"dependents": 1, "replicas": 1})
}
