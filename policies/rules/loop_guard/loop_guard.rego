# METADATA
# title: No agent starts for an agent, for a notice of ours, or for this system itself.
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
# title: The alert is one of our own, and a route sent it to this function.
# custom:
#   change: Route the alert away from this function. policies/config/loop_guard/data.yaml lists what belongs to it.
denials contains {"code": "own_alert", "retry": false} if {
	ready
	input.event.alertname in data.config.loop_guard.alertnames[_]
}

# METADATA
# title: The alert is about, or comes from, the agents' namespace.
# custom:
#   change: Route the alert away from this function. policies/config/loop_guard/data.yaml lists what belongs to it.
denials contains {"code": "own_namespace", "retry": false} if {
	ready
	some field in ["namespace", "namespace_label"]
	input.event[field] in data.config.loop_guard.namespaces[_]
}

# METADATA
# title: The alert is about this system itself.
# custom:
#   change: Route the alert away from this function. policies/config/loop_guard/data.yaml lists what belongs to it.
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
