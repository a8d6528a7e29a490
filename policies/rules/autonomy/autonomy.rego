# METADATA
# title: An agent acts alone only on what the operator enrolled, and only with complete context.
package sre_dispatch.rules.autonomy

import data.sre_dispatch.rules.severity
import future.keywords.not

# METADATA
# title: The list of enrolled alerts is there and each entry names alert, kind and namespace.
ready if {
	is_array(data.config.autonomy.enrolled)
	every entry in data.config.autonomy.enrolled {
		is_string(entry.alertname)
		is_string(entry.resource_type)
		is_string(entry.namespace)
	}
}

# METADATA
# title: What is not enrolled goes by merge request.
contributions contains {"code": "not_enrolled", "level": "MEDIUM"} if {
	severity.initial == "LOW"
	not _enrolled(input.event)
}

# METADATA
# title: Without complete context the agent goes by merge request.
contributions contains {"code": "context_missing", "level": "MEDIUM"} if {
	severity.initial == "LOW"
	input.look == "review"
	not input.facts.complete == true
}

_enrolled(event) if {
	is_array(data.config.autonomy.enrolled)
	some entry in data.config.autonomy.enrolled
	entry.alertname == event.alertname
	entry.resource_type == event.resource_type
	entry.namespace == event.namespace
}
