# METADATA
# title: Finds commands that destroy data.
package sre_dispatch.rules.destructive.commands

import data.sre_dispatch.rules.destructive.excuses
import data.sre_dispatch.text
import future.keywords.not

# METADATA
# title: The tools, the verbs and the other commands exist.
# description: The schema checks the words when the bundle is built. Checking a thousand words for each alert would take most of a decision's time.
ready if {
	is_object(data.config.destructive.tools)
	is_object(_commands)
	every name in ["tool_verbs", "tool_breaks", "value_flags"] {
		is_array(data.config.destructive[name])
	}
	every name in ["starts", "ends"] {
		is_array(_calls[name])
		every part in _calls[name] {
			is_string(part)
		}
	}
}

# METADATA
# title: The sentence contains a command that destroys data.
# scope: document
destroys(sentence) if {
	words := {place | word := sentence[place]; _known[word]}
	count(words) > 0
	about := excuses.description(sentence)
	_destroys(sentence, about, words)
}

# "db.orders.drop()"
destroys(sentence) if {
	count(_called) > 0
	some place, word in sentence
	_called[word]
	not excuses.excused(sentence, excuses.description(sentence), place)
}

# A tool and one of the verbs, whatever the object is
_destroys(sentence, about, _) if {
	verbs := {place | word := sentence[place]; _acting[word]}
	count(verbs) > 0
	breaks := {place | word := sentence[place]; _breaks[word]; not excuses.flag(sentence[place - 1])}
	conjunctions := {place | word := sentence[place]; word in data.config.destructive.moods.conjunctions}
	some verb in verbs
	tool := max({before | some before in about.tools; before < verb})
	count({place | some place in breaks; place > tool; place < verb}) == 0
	some group, names in _names
	names[sentence[tool]]
	_destroying(sentence[verb], group)
	not excuses.excused(sentence, about, verb)
	not excuses.excused(sentence, about, tool)
	not _noun(sentence, tool, verb)
	not _another(sentence, conjunctions, tool, verb)
	not _spares(sentence, group, verb)
}

# A command with a form
_destroys(sentence, about, words) if {
	commands := {command | some place in words; command := sentence[place]; _commands[command]}
	count(commands) > 0
	earnest := {place | sentence[place]; not excuses.excused(sentence, about, place)}
	some command in commands
	form := _commands[command][_]
	_commanded(sentence, earnest, command, form)
}

_destroying(word, _) if _verbs[word]

# "delete-volume"
_destroying(word, group) if word in _joined[_tools[group].joined[_]]

# "velero will delete"
_noun(sentence, tool, verb) if {
	verb - 1 > tool
	sentence[verb - 1] in _orders.nouns_before
	not excuses.flag(sentence[verb - 2])
}

# "velero backups to delete", but not "use velero to delete"
_noun(sentence, tool, verb) if {
	verb - 2 > tool
	sentence[verb - 1] == "to"
}

# "the restic prune of the repository"
_noun(sentence, _, verb) if sentence[verb + 1] == "of"

# "restart velero and delete the pod"
_another(sentence, conjunctions, tool, verb) if {
	some place in conjunctions
	place > tool
	place < verb
	some step in [1, 2, 3, 4]
	sentence[verb + step] in _orders.stops
}

# "kubectl delete -n shop the failed pod", but not "kubectl delete pod,pvc"
_spares(sentence, group, verb) if {
	spared := _tools[group].spared
	some step in [1, 2, 3, 4, 5]
	_kind(sentence[verb + step]) in spared
	every nearer in [1, 2, 3, 4] {
		_passed(sentence, verb + nearer, verb + step)
	}
	not _kind(sentence[(verb + step) + 1]) in _holders
	not _joined_by(sentence, verb + step, spared)
}

# "docker image prune"
_spares(sentence, group, verb) if sentence[verb - 1] in _tools[group].spared_before

# "kubectl delete pod cart-0 pvc/cart-0"
_joined_by(sentence, place, _) if {
	some step in [1, 2, 3, 4]
	_kind_of(sentence[place + step]) in _holders
}

# "kubectl delete pod/cart-0 kafka/orders"
_joined_by(sentence, place, spared) if {
	_kind_of(sentence[place])
	kind := _kind_of(sentence[place + 1])
	not kind in spared
}

# The kind, if the word has a name behind it
_kind_of(word) := kind if {
	contains(word, "/")
	kind := _kind(word)
	kind != ""
}

_passed(_, place, target) if place >= target

_passed(sentence, place, _) if excuses.flag(sentence[place])

_passed(sentence, place, _) if sentence[place - 1] in data.config.destructive.value_flags

_passed(sentence, place, _) if sentence[place] in _excuses.attributes

# "pod/cart-0"
_kind(word) := split(word, "/")[0] if is_string(word)

# A form without lists: the command alone is enough.
_commanded(sentence, earnest, command, []) if {
	some place in earnest
	sentence[place] == command
}

_commanded(sentence, earnest, command, form) if {
	starts := {place | some place in earnest; sentence[place] == command; not sentence[place + 1] in _excuses.spared}
	count(starts) > 0
	found := [{place | some place in earnest; sentence[place] in words} | words := form[_]]
	some action in found[0]
	action > min(starts)
	every places in found {
		some other in places
		not _spared(sentence, action, other)
	}
}

# "kubectl delete pod x to free the volume"
_spared(sentence, action, other) if {
	sentence[action + 1] in _excuses.spared
	other > action + 2
}

# "kubectl delete pods --all", but not "kubectl delete pod,pvc"
_spared(sentence, action, other) if {
	sentence[action + 1] in _excuses.spared
	other > action
	not sentence[other] in _holders
}

# The lists are read once and indexed by word, not read for each word of a text.

_commands := data.config.destructive.commands

_tools := data.config.destructive.tools

_calls := data.config.destructive.calls

_orders := data.config.destructive.orders

_excuses := data.config.destructive.excuses

# The names of the tools, by group
_names := {group: {name | name := about.names[_]} | about := _tools[group]}

_known := object.union({name: true | name := _names[_][_]}, _commands) if is_object(_commands)

# The distinct words of the text that begin or end with a verb, by the separator
_joined := {separator: {word | some word in text.containing([separator]); _joins(word, separator)} | some separator in _separators}

_separators := {separator | separator := _tools[_].joined[_]}

_joins(word, separator) if {
	parts := split(word, separator)
	_verbs[parts[_]]
	not _breaks[parts[0]]
}

# The distinct words of the text that call a method which destroys
_called := {word |
	some word in text.containing(_calls.starts)
	start := _calls.starts[_]
	is_string(start)
	startswith(word, start)
	end := _calls.ends[_]
	is_string(end)
	endswith(word, end)
}

_acting := _verbs | {word | some word in _joined[_]}

_verbs := {word | word := data.config.destructive.tool_verbs[_]}

_breaks := {word | word := data.config.destructive.tool_breaks[_]}

# The words for things that hold data, with the kinds of Kubernetes
_holders := {word | word := _orders.objects[_]} | {word | word := _commands.kubectl[_][_][_]; not excuses.flag(word)}
