# METADATA
# title: Decides on one alert. The highest level that any rule requires wins.
# description: |
#   This package finds the rules in the folders of rules/ by itself and names none of them. A rule
#   must define `ready`, which is true if its data exists and has the right type. A rule may define
#     initial        one level to start from; exactly one rule does
#     contributions  a set of {code, level}: the decision is at least that level
#     withheld       a set of {code, level}: the level, LOW or MEDIUM, is not available, and
#                    a decision that would be that level goes one level up
#     denials        a set of {code, retry}: no Job starts. {code, retry, levels} denies only at
#                    these levels
#   No rule can lower a level.
package sre_dispatch

import future.keywords.not

_levels := ["LOW", "MEDIUM", "HIGH", "CRITICAL"]

# METADATA
# title: The levels in ascending order.
rank := {level: place | some place, level in _levels}

# Only these two can be withheld, because no tier is above HIGH.
_above := {"LOW": "MEDIUM", "MEDIUM": "HIGH"}

default decision := {
	"allowed": false,
	"initial": "CRITICAL",
	"effective": "CRITICAL",
	"mode": "blocked",
	"reasons": [],
	"denials": [],
	"grant": null,
	"policy_revision": "",
}

# METADATA
# title: The decision on one alert. It is blocked if the input, a rule or the data is malformed.
# scope: document
# entrypoint: true
decision := {
	"allowed": _allowed,
	"initial": _initial,
	"effective": _effective,
	"mode": _mode,
	"reasons": sort(_reasons),
	"denials": sort(_denials),
	"grant": _grant,
	"policy_revision": data.revision.sha256,
} if {
	_input_known
	_rules_known
	_data_known
}

# The results of all rules, by rule. They are collected once, because evaluating the rules takes most of the
# time.

_ready := {name | data.sre_dispatch.rules[name].ready == true}

_initials := {name: given | given := data.sre_dispatch.rules[name].initial}

_contributions := {name: given | given := data.sre_dispatch.rules[name].contributions}

_withheld := {name: given | given := data.sre_dispatch.rules[name].withheld}

_barred := {name: given | given := data.sre_dispatch.rules[name].denials}

_initial := level if {
	[level] := [given | some given in _initials]
	level in _levels
}

_effective := _highest({_initial} | {reason.level | some reason in _reasons})

_highest(levels) := _levels[max({rank[level] | some level in levels})]

_reasons := (_contributed | _stepped_from_low) | _stepped_from_medium

_contributed contains {"code": given.code, "level": given.level, "rule": name} if {
	some given in _contributions[name]
}

# A withheld level applies twice: to the initial level, and to the level after the contributions.
_asked := {_initial, _highest({_initial} | {reason.level | some reason in _contributed})}

_reached := _asked | {reason.level | some reason in _stepped_from_low}

_stepped_from_low contains _step(name, given) if {
	"LOW" in _asked
	some given in _withheld[name]
	given.level == "LOW"
}

_stepped_from_medium contains _step(name, given) if {
	"MEDIUM" in _reached
	some given in _withheld[name]
	given.level == "MEDIUM"
}

_step(name, given) := {"code": given.code, "level": _above[given.level], "rule": name}

_denials contains {"code": given.code, "retry": given.retry} if {
	some given in _barred[_]
	not given.levels
}

_denials contains {"code": given.code, "retry": given.retry} if {
	some given in _barred[_]
	_effective in given.levels
}

default _grant := null

_grant := data.tiers[_effective] if count(_denials) == 0

default _allowed := false

_allowed if is_object(_grant)

default _mode := "blocked"

_mode := _grant.mode if _allowed

# Malformed results, data or input block the alert. They never count as a rule without a result.

_rules_known if {
	is_string(_initial)
	every names in [_initials, _contributions, _withheld, _barred] {
		every name, _ in names {
			name in _ready
		}
	}
	every givens in _contributions {
		is_set(givens)
		every given in givens {
			_contribution_known(given)
		}
	}
	every givens in _withheld {
		is_set(givens)
		every given in givens {
			_withheld_known(given)
		}
	}
	every givens in _barred {
		is_set(givens)
		every given in givens {
			_denial_known(given)
		}
	}
}

_contribution_known(given) if {
	given == {"code": given.code, "level": given.level}
	is_string(given.code)
	given.level in _levels
}

_withheld_known(given) if {
	given == {"code": given.code, "level": given.level}
	is_string(given.code)
	_above[given.level]
}

_denial_known(given) if {
	is_object(given)
	levels := object.get(given, "levels", [])
	object.union(given, {"levels": levels}) == {"code": given.code, "retry": given.retry, "levels": levels}
	is_string(given.code)
	is_boolean(given.retry)
	is_array(levels)
	every level in levels {
		level in _levels
	}
}

_data_known if {
	is_string(data.revision.sha256)
	data.revision.sha256 != ""
	is_object(data.tiers)
	not data.tiers.CRITICAL
	every row in data.tiers {
		every field in ["tier", "mode", "template"] {
			is_string(row[field])
		}
	}
}

_strings := [
	["event", "identity"],
	["event", "alertname"],
	["event", "cluster"],
	["event", "namespace"],
	["event", "resource_type"],
	["event", "resource_id"],
]

_numbers := [
	["activity", "active"],
	["activity", "on_resource"],
	["activity", "started_last_hour"],
	["activity", "share_active"],
	["activity", "share_started_last_hour"],
	["clock", "epoch"],
	["clock", "minute_of_day"],
]

# The width is fixed, so that times compare as strings.
_utc := "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z"

_input_known if {
	is_object(input)
	input.phase in {"triage", "review"}
	input.event.severity in {"LOW", "MEDIUM", "HIGH"}
	is_boolean(input.event.severity_known)
	every path in _strings {
		is_string(object.get(input, path, null))
	}
	every path in _numbers {
		is_number(object.get(input, path, null))
	}
	input.clock.weekday in {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
	is_string(input.clock.utc)
	glob.match(_utc, null, input.clock.utc)
	_only_strings(input.event.namespaces)
	_text_known(input.text)
	_facts_known(input.phase, input.facts)
}

_text_known(text) if {
	is_boolean(text.truncated)
	is_boolean(text.unread)
	_only_strings(text.words)
	_only_strings(text.signals)
	every list in [text.sentences, text.names] {
		is_array(list)
		every words in list {
			_only_strings(words)
		}
	}
	is_object(text.labels)
	every readings in text.labels {
		_only_strings(readings)
	}
	is_object(text.annotations)
	every said in text.annotations {
		is_string(said)
	}
}

_facts_known(_, facts) if is_null(facts)

_facts_known("review", facts) if {
	is_boolean(facts.complete)
	_number_or_null(facts.dependents)
	_number_or_null(facts.replicas)
	_number_or_null(facts.failures)
	_string_or_null(facts.classification)
	_strings_or_null(facts.scope)
}

_only_strings(value) if {
	is_array(value)
	every item in value {
		is_string(item)
	}
}

_number_or_null(value) if is_null(value)

_number_or_null(value) if is_number(value)

_string_or_null(value) if is_null(value)

_string_or_null(value) if is_string(value)

_strings_or_null(value) if is_null(value)

_strings_or_null(value) if _only_strings(value)
