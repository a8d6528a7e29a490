# METADATA
# title: On kinds that hold state or carry others, and on kinds that no list names, the agent only investigates.
package sre_dispatch.rules.sensitive_kind

import future.keywords.not

# METADATA
# title: Sensitive and ordinary kinds are groups of lists of text.
ready if {
	every kinds in [data.config.sensitive_kind.sensitive, data.config.sensitive_kind.ordinary] {
		is_object(kinds)
		every group in kinds {
			is_array(group)
			every kind in group {
				is_string(kind)
			}
		}
	}
}

# METADATA
# title: The resource is of a sensitive kind.
# custom:
#   change: Move the kind from sensitive to ordinary in policies/config/sensitive_kind/data.yaml.
contributions contains {"code": "sensitive_kind", "level": "HIGH"} if {
	ready
	input.event.resource_type in data.config.sensitive_kind.sensitive[_]
}

# METADATA
# title: The resource is of a kind that no list names, or has a name that no object can have.
# custom:
#   change: List the kind in policies/config/sensitive_kind/data.yaml; if it begins with unknown_, mend the labels.
contributions contains {"code": "unknown_kind", "level": "HIGH"} if {
	ready
	not _listed(input.event.resource_type)
}

_listed(kind) if kind in data.config.sensitive_kind.sensitive[_]

_listed(kind) if kind in data.config.sensitive_kind.ordinary[_]
