# METADATA
# title: No agent is started because of an agent, or because of a notice of ours.
package sre_dispatch.rules.loop_guard

# METADATA
# title: The lists of our own alerts and namespaces are there and hold text only.
ready if {
	is_array(data.config.loop_guard.alertnames)
	is_array(data.config.loop_guard.namespaces)
	every name in data.config.loop_guard.alertnames {
		is_string(name)
	}
	every name in data.config.loop_guard.namespaces {
		is_string(name)
	}
}

# METADATA
# title: A notice of ours that a route brought back is denied for good.
denials contains {"code": "own_alert", "retry": false} if {
	ready
	input.event.alertname in data.config.loop_guard.alertnames
}

# METADATA
# title: An alert about the agents' own namespace is denied for good.
denials contains {"code": "own_namespace", "retry": false} if {
	ready
	some field in ["namespace", "namespace_label"]
	input.event[field] in data.config.loop_guard.namespaces
}
