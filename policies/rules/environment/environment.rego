# METADATA
# title: Alerts in an environment's namespaces have at least the environment's level.
package sre_dispatch.rules.environment

import future.keywords.not

# METADATA
# title: Every environment is a list of namespaces with the level MEDIUM or HIGH.
ready if {
	is_object(data.config.environment.environments)
	every environment in data.config.environment.environments {
		environment.level in {"MEDIUM", "HIGH"}
		is_array(environment.namespaces)
		every pattern in environment.namespaces {
			is_string(pattern)
		}
	}
}

# METADATA
# title: The resource's environment requires at least this level.
# custom:
#   change: Change the environment's namespaces or its level in policies/config/environment/data.yaml.
contributions contains {"code": "environment", "level": environment.level} if {
	ready
	some namespace in _namespaces(input.event)
	is_string(namespace)
	namespace != ""
	some environment in data.config.environment.environments
	some pattern in environment.namespaces
	glob.match(pattern, null, namespace)
}

# Every namespace counts: the subject's, and those of whoever tells of it.
_namespaces(event) := {event.namespace} | {namespace | namespace := event.namespaces[_]}
