# METADATA
# title: An agent acts alone only on what a person enrolled.
package sre_dispatch.rules.autonomy

import future.keywords.not

# METADATA
# title: Every enrolment names alert, type, namespace and cluster, and only the cluster may be empty.
ready if {
	is_object(data.config.autonomy.enrolled)
	every entry in data.config.autonomy.enrolled {
		is_string(entry.cluster)
		every field in ["alertname", "resource_type", "namespace"] {
			is_string(entry[field])
			entry[field] != ""
		}
	}
}

# METADATA
# title: Nobody enrolled this alert for this type of resource, in this namespace of this cluster.
# custom:
#   change: Enrol alertname, resource_type, namespace and cluster together in policies/config/autonomy/data.yaml.
withheld contains {"code": "not_enrolled", "level": "LOW"} if not _enrolled(input.event)

# Equal in all four: a wildcard enrols nothing.
_enrolled(event) if {
	ready
	some entry in data.config.autonomy.enrolled
	every field in ["alertname", "resource_type", "namespace", "cluster"] {
		entry[field] == event[field]
	}
}
