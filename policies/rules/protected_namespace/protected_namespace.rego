# METADATA
# title: In namespaces that the cluster itself lives on, the agent only investigates.
package sre_dispatch.rules.protected_namespace

import future.keywords.not

# METADATA
# title: Every group of protected namespaces is a list of text.
ready if {
	is_object(data.config.protected_namespace.namespaces)
	every patterns in data.config.protected_namespace.namespaces {
		is_array(patterns)
		every pattern in patterns {
			is_string(pattern)
		}
	}
}

# METADATA
# title: The alert is about, or comes from, a namespace that the cluster itself lives on.
# custom:
#   change: Take the namespace out of policies/config/protected_namespace/data.yaml.
contributions contains {"code": "protected_namespace", "level": "HIGH"} if {
	ready
	some namespace in _namespaces(input.event)
	is_string(namespace)
	some patterns in data.config.protected_namespace.namespaces
	some pattern in patterns
	glob.match(pattern, null, namespace)
}

# The subject's and the label's: a node or a volume is in none, and its alert still comes from somewhere.
_namespaces(event) := {namespace |
	some field in ["namespace", "namespace_label"]
	namespace := event[field]
}
