# METADATA
# title: In namespaces that the cluster itself lives on, the agent only investigates.
package sre_dispatch.rules.protected_namespace

import future.keywords.not

# METADATA
# title: The lists of protected names and prefixes are there and hold text only.
ready if {
	is_array(data.config.protected_namespace.namespaces)
	is_array(data.config.protected_namespace.prefixes)
	every name in data.config.protected_namespace.namespaces {
		is_string(name)
	}
	every prefix in data.config.protected_namespace.prefixes {
		is_string(prefix)
	}
}

# METADATA
# title: A namespace on the list raises the alert to HIGH.
contributions contains {"code": "protected_namespace", "level": "HIGH"} if {
	ready
	some namespace in _namespaces(input.event)
	namespace in data.config.protected_namespace.namespaces
}

# METADATA
# title: A namespace that begins with a prefix on the list raises the alert to HIGH.
contributions contains {"code": "protected_namespace", "level": "HIGH"} if {
	ready
	some namespace in _namespaces(input.event)
	some prefix in data.config.protected_namespace.prefixes
	_begins(namespace, prefix)
}

# The subject's and the label's: a node or a volume is in none, and its alert still comes from somewhere.
_namespaces(event) := {namespace |
	some field in ["namespace", "namespace_label"]
	namespace := event[field]
}

# A namespace holds no slash, so the slash marks its start; `startswith` is not in capabilities.json.
_begins(text, prefix) if {
	is_string(text)
	contains(concat("", ["/", text]), concat("", ["/", prefix]))
}
