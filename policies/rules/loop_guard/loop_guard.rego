# METADATA
# title: No agent is started because of an agent, a notice of ours, or this system itself.
package sre_dispatch.rules.loop_guard

import future.keywords.not

# METADATA
# title: Our own alerts and namespaces are lists of text, and our own objects have a namespace and names.
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
# title: The alert is a notice of ours that a route brought back.
# custom:
#   change: Route the alert away from this function; what counts as ours is in policies/config/loop_guard/data.yaml.
denials contains {"code": "own_alert", "retry": false} if {
	ready
	input.event.alertname in data.config.loop_guard.alertnames[_]
}

# METADATA
# title: The alert is about, or comes from, the agents' own namespace.
# custom:
#   change: Route the alert away from this function; what counts as ours is in policies/config/loop_guard/data.yaml.
denials contains {"code": "own_namespace", "retry": false} if {
	ready
	some field in ["namespace", "namespace_label"]
	input.event[field] in data.config.loop_guard.namespaces[_]
}

# METADATA
# title: The alert is about this system itself.
# custom:
#   change: Route the alert away from this function; what counts as ours is in policies/config/loop_guard/data.yaml.
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
