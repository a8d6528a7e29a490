# METADATA
# title: Finds the words of a sentence that only report on a deletion or warn of it.
package sre_dispatch.rules.destructive.excuses

import future.keywords.not

# METADATA
# title: All lists for excuses exist.
ready if {
	every name in _needed {
		is_array(_lists[name])
	}
	every name in ["pairs", "states", "bans"] {
		is_object(_lists[name])
		every words in _lists[name] {
			is_array(words)
		}
	}
	is_array(data.config.destructive.value_flags)
}

# METADATA
# title: What a sentence contains that can excuse its words, by position.
description(sentence) := object.union(marks, {"warned": {tool | some tool in marks.tools; turned(sentence, marks, tool, carriers); not _supposed(marks, tool)}}) if {
	marks := {
		"tools": {place | word := sentence[place]; _tools[word]; not sentence[place - 1] in data.config.destructive.value_flags},
		"turns": {place | word := sentence[place]; _turning[word]; _turns(sentence, place)},
		"suppositions": {place | word := sentence[place]; word in _lists.suppositions},
		"clauses": {place | word := sentence[place]; _clauses[word]},
		"bans": {place | word := sentence[place]; _banning[word]; _bans(sentence, place)},
	}
}

# METADATA
# title: The word at this position is a report or is warned of.
# scope: document
excused(sentence, _, place) if {
	_reports[sentence[place + 1]]
	not _describes(sentence, place + 1)
}

# "delete operations are slow"
excused(sentence, _, place) if {
	_report_nouns[sentence[place + 1]]
	sentence[place + 2] in _lists.finite
}

# "prune has not run"
excused(sentence, _, place) if states(sentence, place + 1)

# "cannot delete", "never run kubectl delete"
excused(sentence, about, place) if turned(sentence, about, place, carriers)

# "never run kubectl -n shop delete"
excused(_, about, place) if {
	count(about.warned) > 0
	tool := max({before | some before in about.tools; before < place})
	tool in about.warned
	every clause in about.clauses {
		_outside(clause, tool, place)
	}
}

# "kubectl delete pvc is forbidden"
excused(_, about, place) if {
	some ban in about.bans
	distance := ban - place
	distance in {2, 3, 4, 5, 6}
}

# METADATA
# title: A word before this position turns it into a report, and only the given words stand between them.
# scope: document
turned(_, about, place, _) if {
	before := place - 1
	before in about.turns
}

turned(sentence, about, place, between) if {
	_may_stand_between(sentence, place - 1, between)
	turn := max({before | some before in about.turns; before < place})
	place - turn < 9
	not _supposed(about, turn)
	count({step |
		some step in [2, 3, 4, 5, 6, 7]
		place - step > turn
		not _may_stand_between(sentence, place - step, between)
	}) == 0
}

# METADATA
# title: The words from this position tell a state, such as "has not", "is stuck" and "is 9".
# scope: document
states(sentence, place) if sentence[place + 1] in _lists.states[sentence[place]]

states(sentence, place) if {
	_lists.states[sentence[place]]
	number(sentence[place + 1])
}

# METADATA
# title: The word begins with a digit.
number(word) if {
	word >= "0"
	word < ":"
}

# METADATA
# title: The word is a flag of a command.
flag(word) if {
	word >= "-"
	word < "."
}

_may_stand_between(sentence, place, between) if between[sentence[place]]

_may_stand_between(sentence, place, _) if data.config.destructive.commands[sentence[place]]

_may_stand_between(sentence, place, _) if flag(sentence[place])

# "delete failed volumes"
_describes(sentence, place) if {
	sentence[place] in _lists.attributes
	sentence[place + 1]
	not _goes_on[sentence[place + 1]]
	not number(sentence[place + 1])
}

_supposed(about, place) if min(about.suppositions) < place

_outside(clause, tool, _) if clause < tool

_outside(clause, _, place) if clause > place

_turns(sentence, place) if {
	_negations[sentence[place]]
	not sentence[place - 1] in _lists.doubts
}

# "instead of"
_turns(sentence, place) if sentence[place - 1] in _lists.pairs[sentence[place]]

# "failed to"
_turns(sentence, place) if {
	sentence[place] == "to"
	sentence[place - 1] in _lists.attempts
	not _insisted(sentence, place - 1)
}

# "no need to", "nobody is allowed to"
_turns(sentence, place) if {
	sentence[place] == "to"
	sentence[place - 1] in _lists.waived
	some step in [2, 3]
	_negations[sentence[place - step]]
}

# "do not fail to"
_insisted(sentence, place) if {
	sentence[place] in _lists.failures
	_negations[sentence[place - 1]]
}

# "is forbidden"
_bans(sentence, place) if sentence[place] in _lists.bans[sentence[place - 1]]

# "must never be run"
_bans(sentence, place) if {
	sentence[place] == "be"
	sentence[place - 1] in {"never", "not"}
	sentence[place + 1] in _lists.uses
}

# The lists are read once and indexed by word, not read for each word of a text.

_lists := data.config.destructive.excuses

_negations := {word | word := _lists.negations[_]}

_turning := object.union({word: true | some word in (_negations | {"to"})}, _lists.pairs) if is_object(_lists.pairs)

_clauses := {word | word := _lists.clauses[_]}

_reports := {word | word := _lists.reports[_]}

_report_nouns := {word | word := _lists.report_nouns[_]}

_goes_on := ({word | word := _lists.finite[_]} | {word | word := _lists.adverbials[_]}) | (_clauses | {word | word := _lists.suppositions[_]})

_banning := {word | word := _lists.bans[_][_]} | {"be"}

_tools := {name | name := data.config.destructive.tools[_].names[_]}

# METADATA
# title: The words that can stand between a negation and what it negates.
carriers := ({word | word := _lists.carriers[_]} | _tools) | _verbs

# "do not wipe or delete"
_verbs := {word | word := data.config.destructive.tool_verbs[_]} | {word | word := data.config.destructive.orders.verbs[_]}

_needed := [
	"negations",
	"suppositions",
	"doubts",
	"carriers",
	"clauses",
	"waived",
	"attempts",
	"failures",
	"spared",
	"attributes",
	"parentheses",
	"reports",
	"report_nouns",
	"finite",
	"adverbials",
	"uses",
]
