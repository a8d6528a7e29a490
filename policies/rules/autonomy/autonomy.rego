# METADATA
# title: An agent acts alone only on alerts that a person enrolled.
package sre_dispatch.rules.autonomy

import future.keywords.not

# METADATA
# title: Every enrolment names alert, type, namespace and cluster. Only the cluster may be empty.
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
# title: Nobody enrolled this alert for this type of resource in this cluster and in every namespace of its labels.
# custom:
#   change: Enrol alertname, resource_type, namespace and cluster together in policies/config/autonomy/data.yaml.
withheld contains {"code": "not_enrolled", "level": "LOW"} if not _enrolled(input.event)

# Whoever tells of a resource may choose its namespace. So the teller's namespaces must be enrolled too.
_enrolled(event) if {
	ready
	_enrolled_in(event.namespace, event)
	is_array(event.namespaces)
	every namespace in event.namespaces {
		_enrolled_in(namespace, event)
	}
}

# All four must be equal. There are no wildcards.
_enrolled_in(namespace, event) if {
	some entry in data.config.autonomy.enrolled
	entry.namespace == namespace
	every field in ["alertname", "resource_type", "cluster"] {
		entry[field] == event[field]
	}
}
