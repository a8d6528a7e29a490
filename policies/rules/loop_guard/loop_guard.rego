# METADATA
# title: No agent starts for our own notices, or for alerts about agents or about sre-dispatch itself.
package sre_dispatch.rules.loop_guard

import future.keywords.not

# METADATA
# title: Our alerts and namespaces are lists of strings. Our objects have a namespace and names.
ready if {
	every groups in [data.config.loop_guard.alertnames, data.config.loop_guard.namespaces] {
		is_object(groups)
		every names in groups {
			_only_strings(names)
		}
	}
	is_object(data.config.loop_guard.objects)
	every own in data.config.loop_guard.objects {
		is_string(own.namespace)
		_only_strings(own.names)
	}
}

# METADATA
# title: The alert is one of sre-dispatch's own alerts, and a route sent it to this function.
# custom:
#   change: Route the alert away from this function. policies/config/loop_guard/data.yaml lists what belongs to sre-dispatch.
denials contains {"code": "own_alert", "retry": false} if {
	ready
	input.event.alertname in data.config.loop_guard.alertnames[_]
}

# METADATA
# title: The alert is about, or comes from, the agents' namespace.
# custom:
#   change: Route the alert away from this function. policies/config/loop_guard/data.yaml lists what belongs to sre-dispatch.
denials contains {"code": "own_namespace", "retry": false} if {
	ready
	some namespace in ({input.event.namespace} | {name | name := input.event.namespaces[_]})
	namespace in data.config.loop_guard.namespaces[_]
}

# METADATA
# title: The alert is about sre-dispatch itself.
# custom:
#   change: Route the alert away from this function. policies/config/loop_guard/data.yaml lists what belongs to sre-dispatch.
denials contains {"code": "own_object", "retry": false} if {
	ready
	is_string(input.event.resource_id)
	some own in data.config.loop_guard.objects
	own.namespace == input.event.namespace
	some pattern in own.names
	glob.match(pattern, null, input.event.resource_id)
}

_only_strings(values) if {
	is_array(values)
	every value in values {
		is_string(value)
	}
}
