# METADATA
# title: The decision log contains decisions, but no text of an alert.
# description: |
#   The mask keeps only listed fields with a known format. So a new field of the input is not logged.
package system.log

# METADATA
# title: Replaces the input with the parts that may be logged.
mask contains {"op": "upsert", "path": "/input", "value": _kept}

# METADATA
# title: Drops an event that is not masked, or that contains a field not known to be harmless.
# description: One such field is `error`, because its message quotes the arguments of a built-in function.
# scope: document
default drop := true

drop := false if {
	mask == {{"op": "upsert", "path": "/input", "value": _kept}}
	object.keys(input) - _harmless == set()
}

_harmless := {
	"bundles",
	"decision_id",
	"input",
	"labels",
	"metrics",
	"path",
	"req_id",
	"requested_by",
	"result",
	"timestamp",
}

_kept := object.union({"phase": _phase}, {part: fields |
	some part, names in _fields
	fields := {name: value |
		some name in names
		value := input.input[part][name]
		_says_nothing(value)
	}
})

default _phase := null

_phase := input.input.phase if _says_nothing(input.input.phase)

_fields := {
	"event": ["identity", "severity"],
	"text": ["truncated"],
	"facts": ["complete", "dependents", "replicas", "failures"],
	"activity": ["active", "on_resource", "started_last_hour", "share_active", "share_started_last_hour"],
	"clock": ["epoch", "utc", "weekday", "minute_of_day"],
}

_words := {"triage", "review", "LOW", "MEDIUM", "HIGH"} | _days

_days := {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

_says_nothing(value) if is_number(value)

_says_nothing(value) if is_boolean(value)

_says_nothing(value) if is_null(value)

_says_nothing(value) if value in _words

_says_nothing(value) if regex.match(`^([0-9a-f]{64}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$`, value)
