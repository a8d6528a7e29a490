# METADATA
# title: An agent acts alone only on alerts that a person enrolled, text by text.
package sre_dispatch.rules.autonomy

import future.keywords.not

# METADATA
# title: Every enrolment names alert, type, namespace, cluster, labels and annotations. Only the cluster may be empty.
ready if {
	is_object(data.config.autonomy.enrolled)
	every entry in data.config.autonomy.enrolled {
		is_string(entry.cluster)
		every field in ["alertname", "resource_type", "namespace"] {
			is_string(entry[field])
			entry[field] != ""
		}
		every texts in [entry.labels, entry.annotations] {
			is_object(texts)
			every patterns in texts {
				_are_patterns(patterns)
			}
		}
	}
}

_are_patterns(patterns) if {
	is_array(patterns)
	every pattern in patterns {
		is_string(pattern)
	}
}

# METADATA
# title: Nobody enrolled this alert for this type of resource in this cluster and in every namespace of its labels.
# custom:
#   change: Enrol alertname, resource_type, namespace and cluster together in policies/config/autonomy/data.yaml.
withheld contains {"code": "not_enrolled", "level": "LOW"} if not _enrolled(input.event)

# METADATA
# title: A label or an annotation of the alert has a text that its enrolment does not list.
# custom:
#   change: Read the alert's texts. If this alert always has such texts, add them to the enrolment, as `sre-dispatch enrolment` prints them.
withheld contains {"code": "text_not_enrolled", "level": "LOW"} if {
	_enrolled(input.event)
	not _texts_enrolled(input.event, input.text)
}

# Whoever tells of a resource may choose its namespace. So the teller's namespaces must be enrolled too.
_enrolled(event) if {
	ready
	count(_entries(event.namespace, event)) > 0
	is_array(event.namespaces)
	every namespace in event.namespaces {
		count(_entries(namespace, event)) > 0
	}
}

# All four must be equal. There are no wildcards.
_entries(namespace, event) := {entry |
	some entry in data.config.autonomy.enrolled
	entry.namespace == namespace
	every field in ["alertname", "resource_type", "cluster"] {
		entry[field] == event[field]
	}
}

# One enrolment must list all texts of the alert. `labels` has the readings of each value.
_texts_enrolled(event, text) if {
	some entry in _entries(event.namespace, event)
	entry.alertname in text.labels.alertname
	every name, readings in text.labels {
		some value in _values(entry)[name]
		value in readings
	}
	is_object(text.annotations)
	every name, said in text.annotations {
		some pattern in entry.annotations[name]
		said == _filled(pattern, text.labels)
	}
}

# Three labels need no line of their own, because the enrolment names their values already.
_values(entry) := object.union(
	{"alertname": [entry.alertname], "namespace": [entry.namespace], "cluster": [entry.cluster]},
	entry.labels,
)

# The pattern with the alert's labels in its gaps. Numbers stay {number}, as in the prepared texts. A pattern with a
# gap for a label that the alert lacks fits no text.
_filled(pattern, labels) := concat("", parts) if {
	pieces := split(pattern, "{")
	parts := [part |
		some place, piece in pieces
		part := _part(place, piece, labels)
	]
	count(parts) == count(pieces)
}

_part(0, piece, _) := piece

_part(place, piece, labels) := concat("", [_gap(name, labels), rest]) if {
	place > 0
	[name, rest] := split(piece, "}")
}

_gap("number", _) := "{number}"

_gap(name, labels) := labels[name][0] if name != "number"
