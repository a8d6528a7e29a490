# METADATA
# title: In namespaces that the cluster itself depends on, agents only investigate.
package sre_dispatch.rules.protected_namespace

import future.keywords.not

# METADATA
# title: Every group of protected namespaces is a list of strings.
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
# title: The alert is about, or comes from, a namespace that the cluster itself depends on.
# custom:
#   change: Remove the namespace from policies/config/protected_namespace/data.yaml.
contributions contains {"code": "protected_namespace", "level": "HIGH"} if {
	ready
	some namespace in _namespaces(input.event)
	is_string(namespace)
	some patterns in data.config.protected_namespace.namespaces
	some pattern in patterns
	glob.match(pattern, null, namespace)
}

# Every namespace counts: the subject's, and those of whoever tells of it.
_namespaces(event) := {event.namespace} | {namespace | namespace := event.namespaces[_]}
