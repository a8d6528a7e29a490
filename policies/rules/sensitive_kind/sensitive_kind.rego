# METADATA
# title: For sensitive and unlisted kinds of resource, agents only investigate.
package sre_dispatch.rules.sensitive_kind

import future.keywords.not

# METADATA
# title: Sensitive and ordinary kinds are groups of lists of strings.
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
# title: The resource's kind is sensitive.
# custom:
#   change: Move the kind from sensitive to ordinary in policies/config/sensitive_kind/data.yaml.
contributions contains {"code": "sensitive_kind", "level": "HIGH"} if {
	ready
	input.event.resource_type in data.config.sensitive_kind.sensitive[_]
}

# METADATA
# title: No list contains the resource's kind, or the resource's name is not a valid name.
# custom:
#   change: Add the kind to policies/config/sensitive_kind/data.yaml. If it begins with unknown_, fix the alert's labels.
contributions contains {"code": "unknown_kind", "level": "HIGH"} if {
	ready
	not _listed(input.event.resource_type)
}

_listed(kind) if kind in data.config.sensitive_kind.sensitive[_]

_listed(kind) if kind in data.config.sensitive_kind.ordinary[_]
