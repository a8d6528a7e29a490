# METADATA
# title: How far an agent may go on one alert is the highest level that any rule asks for.
# description: |
#   Every folder below rules/ is found by itself; none is named here. A rule may give
#   `initial` (one level; one rule only), `contributions` (a set of {code, level}) and
#   `denials` (a set of {code, retry}), and must give `ready`: true once the data that it
#   needs is there and of the right type. Nothing lowers a level.
package sre_dispatch

import future.keywords.not

_levels := ["LOW", "MEDIUM", "HIGH", "CRITICAL"]

# METADATA
# title: The levels in their order; the highest wins.
rank := {level: place | some place, level in _levels}

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
# title: The decision on one alert, blocked if the input, a rule or the data is not as it must be.
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

_initial := level if {
	[level] := [given | given := data.sre_dispatch.rules[_].initial]
	level in _levels
}

_effective := _highest({_initial} | {reason.level | some reason in _reasons})

_highest(levels) := _levels[max({rank[level] | some level in levels})]

_reasons contains {"code": given.code, "level": given.level, "rule": name} if {
	some given in data.sre_dispatch.rules[name].contributions
}

_denials contains given if {
	some given in data.sre_dispatch.rules[_].denials
}

default _grant := null

_grant := data.tiers[_effective] if count(_denials) == 0

default _allowed := false

_allowed if is_object(_grant)

default _mode := "blocked"

_mode := _grant.mode if _allowed

# What is not as it must be blocks the alert. It never counts as "this rule has nothing to say".

_rules_known if {
	is_string(_initial)
	every name in _names {
		data.sre_dispatch.rules[name].ready == true
	}
	every givens in [found | found := data.sre_dispatch.rules[_].contributions] {
		is_set(givens)
		every given in givens {
			_contribution_known(given)
		}
	}
	every givens in [found | found := data.sre_dispatch.rules[_].denials] {
		is_set(givens)
		every given in givens {
			_denial_known(given)
		}
	}
}

_names contains name if is_string(data.sre_dispatch.rules[name].initial)

_names contains name if is_set(data.sre_dispatch.rules[name].contributions)

_names contains name if is_set(data.sre_dispatch.rules[name].denials)

_contribution_known(given) if {
	given == {"code": given.code, "level": given.level}
	is_string(given.code)
	given.level in _levels
}

_denial_known(given) if {
	given == {"code": given.code, "retry": given.retry}
	is_string(given.code)
	is_boolean(given.retry)
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
	["event", "alertname"],
	["event", "cluster"],
	["event", "namespace"],
	["event", "namespace_label"],
	["event", "resource_type"],
	["event", "resource_id"],
	["clock", "weekday"],
]

_numbers := [
	["activity", "active"],
	["activity", "on_resource"],
	["activity", "started_last_hour"],
	["clock", "epoch"],
	["clock", "minute_of_day"],
]

_input_known if {
	is_object(input)
	input.look in {"triage", "review"}
	input.event.severity in {"LOW", "MEDIUM", "HIGH"}
	every path in _strings {
		is_string(object.get(input, path, null))
	}
	every path in _numbers {
		is_number(object.get(input, path, null))
	}
	is_boolean(input.text.truncated)
	is_array(input.text.lines)
	every line in input.text.lines {
		is_string(line)
	}
	count(_facts) == 1
}

_facts contains "none" if is_null(input.facts)

_facts contains "some" if {
	input.look == "review"
	is_boolean(input.facts.complete)
}
