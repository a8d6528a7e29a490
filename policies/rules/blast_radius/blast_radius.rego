# METADATA
# title: An agent acts alone only if few workloads depend on the resource.
package sre_dispatch.rules.blast_radius

import future.keywords.not

# METADATA
# title: The limits are numbers, and the replicated kinds are a list of strings.
ready if {
	is_number(data.config.blast_radius.max_dependents)
	is_number(data.config.blast_radius.min_replicas)
	is_array(data.config.blast_radius.replicated_kinds)
	every kind in data.config.blast_radius.replicated_kinds {
		is_string(kind)
	}
}

# METADATA
# title: The resource is in no namespace, so it belongs to the whole cluster.
# custom:
#   change: If the resource is in a namespace, add the label namespace to the alert.
contributions contains {"code": "cluster_scoped", "level": "HIGH"} if input.event.namespace == ""

# METADATA
# title: The source of context does not report how many workloads depend on the resource.
# custom:
#   change: Make the source of context report how many workloads depend on the resource.
withheld contains {"code": "dependents_unknown", "level": "LOW"} if {
	input.phase == "review"
	not _counted(input.facts.dependents)
}

# METADATA
# title: More than max_dependents workloads depend on the resource.
# custom:
#   change: Raise max_dependents in policies/config/blast_radius/data.yaml.
withheld contains {"code": "many_dependents", "level": "LOW"} if {
	ready
	input.phase == "review"
	is_number(input.facts.dependents)
	input.facts.dependents > data.config.blast_radius.max_dependents
}

# METADATA
# title: The source of context does not report how many replicas of the workload are available.
# custom:
#   change: Make the source of context report how many replicas are available.
withheld contains {"code": "replicas_unknown", "level": "LOW"} if {
	ready
	input.phase == "review"
	input.event.resource_type in data.config.blast_radius.replicated_kinds
	not _counted(input.facts.replicas)
}

# METADATA
# title: Fewer than min_replicas replicas of the workload are available.
# custom:
#   change: Run more replicas of the workload, or lower min_replicas in policies/config/blast_radius/data.yaml.
withheld contains {"code": "last_replica", "level": "LOW"} if {
	ready
	input.phase == "review"
	input.event.resource_type in data.config.blast_radius.replicated_kinds
	is_number(input.facts.replicas)
	input.facts.replicas < data.config.blast_radius.min_replicas
}

_counted(fact) if is_number(fact)
