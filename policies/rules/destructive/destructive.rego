# METADATA
# title: No agent starts for an alert whose text orders to destroy data.
package sre_dispatch.rules.destructive

import data.sre_dispatch.text
import future.keywords.not

# METADATA
# title: The phrases, the commands and the lists for orders exist.
# description: The schema checks the words when the bundle is built. Checking a thousand words for each alert would take most of a decision's time.
ready if {
	is_object(data.config.destructive.phrases)
	is_object(_commands)
	every name in _needed {
		is_array(_lists[name])
	}
	every step in _lists.steps {
		is_number(step)
	}
	every path in _lists.paths {
		is_string(path)
	}
	every name in ["negations", "running", "attempts", "reports", "spared", "waived"] {
		is_array(_excuses[name])
	}
}

# METADATA
# title: The text contains a phrase that destroys data.
# custom:
#   change: Remove the phrase from the alert's text. If it is harmless in your organisation, remove it from policies/config/destructive/data.yaml.
contributions contains {"code": "destructive_phrase", "level": "CRITICAL"} if {
	ready
	text.holds_phrase(data.config.destructive.phrases)
}

# METADATA
# title: A sentence contains a command that destroys data.
# custom:
#   change: Remove the command from the alert's text. If it is harmless in your organisation, remove it from policies/config/destructive/data.yaml.
contributions contains {"code": "destructive_command", "level": "CRITICAL"} if {
	ready
	sentence := input.text.sentences[_]
	is_array(sentence)
	commands := {word | word := sentence[_]; _commands[word]}
	count(commands) > 0
	earnest := _in_earnest(sentence)
	some command in commands
	form := _commands[command][_]
	_commanded(sentence, earnest, command, form)
}

# METADATA
# title: A sentence orders to destroy something that holds data.
# custom:
#   change: Describe only the problem in the alert's text. Put instructions for the agent into the alert's prompt.
contributions contains {"code": "destructive_order", "level": "CRITICAL"} if {
	ready
	sentence := input.text.sentences[_]
	_orders(sentence)
}

# METADATA
# title: A sentence orders to destroy what the previous sentence names.
# custom:
#   change: Describe only the problem in the alert's text. Put instructions for the agent into the alert's prompt.
contributions contains {"code": "destructive_order", "level": "CRITICAL"} if {
	ready
	is_array(input.text.sentences)
	sentence := input.text.sentences[place]
	_orders_that(sentence, input.text.sentences[place - 1])
}

# METADATA
# title: The words of a name order to destroy data. It may be the harmless name of a workload.
# custom:
#   change: Rename the object, or remove the words from policies/config/destructive/data.yaml.
contributions contains {"code": "destructive_name", "level": "HIGH"} if {
	ready
	name := input.text.names[_]
	_orders(name)
}

_orders(sentence) if {
	is_array(sentence)
	word := sentence[place]
	_ordered(_roles[word], sentence, place)
}

# "delete the volume"
_ordered(role, sentence, place) if {
	role in {"verb", "strong verb"}
	_imperative(sentence, place)
	_reaches_data(sentence, place)
}

# "wipe the bricks"
_ordered("strong verb", sentence, place) if {
	_imperative(sentence, place)
	sentence[place + 1]
	every step in [1, 2, 3, 4] {
		not sentence[place + step] in _harmless
	}
}

# "by deleting the volume"
_ordered("gerund", sentence, place) if {
	sentence[place - 1] in _lists.gerund_leads
	_reaches_data(sentence, place)
}

# "the volume must be deleted"
_ordered("participle", sentence, place) if {
	sentence[place - 1] == "be"
	_obliged(sentence, place)
	some before, noun in sentence
	before < place
	_holds_data(noun)
}

_imperative(sentence, place) if {
	not _excused(sentence, place)
	not sentence[place - 1] in _lists.nouns_before
	not sentence[place + 1] in _lists.nouns_behind
}

_obliged(sentence, place) if sentence[place - 2] in _lists.obligations

_obliged(sentence, place) if {
	sentence[place - 2] == "to"
	sentence[place - 3] in _lists.needs
}

# "Detach the volumes, delete them"
_orders_that(sentence, before) if {
	is_array(sentence)
	is_array(before)
	word := sentence[place]
	_roles[word] in {"verb", "strong verb"}
	_imperative(sentence, place)
	sentence[place + 1] in _lists.pronouns
	some noun in before
	_holds_data(noun)
	every other in before {
		not other in _excuses.spared
	}
}

# The positions of words without an excuse.
_in_earnest(sentence) := {place | sentence[place]; not _excused(sentence, place)}

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
	not sentence[other] in _objects
}

_reaches_data(sentence, place) if {
	some step in _lists.steps
	_holds_data(sentence[place + step])
	not sentence[(place + step) + 1] in _lists.harmless_heads
	every nearer in _lists.steps {
		_goes_on(sentence, place, nearer, step)
	}
}

_goes_on(_, _, nearer, step) if nearer >= step

_goes_on(sentence, place, nearer, _) if not sentence[place + nearer] in _lists.stops

# "delete the pod and the volume"
_goes_on(sentence, place, nearer, step) if {
	sentence[(place + nearer) + 1] == "and"
	step == nearer + 2
}

_goes_on(sentence, place, nearer, step) if {
	sentence[(place + nearer) + 1] == "and"
	sentence[(place + nearer) + 2] in _lists.determiners
	step == nearer + 3
}

_holds_data(word) if word in _objects

_holds_data(word) if {
	is_string(word)
	some path in _lists.paths
	contains(word, path)
}

# "cannot delete"
_excused(sentence, place) if sentence[place - 1] in _excuses.negations

# "never run delete"
_excused(sentence, place) if {
	sentence[place - 1] in _excuses.running
	sentence[place - 2] in _excuses.negations
}

# "no need to delete"
_excused(sentence, place) if {
	sentence[place - 1] == "to"
	sentence[place - 2] in _excuses.waived
	sentence[place - 3] in _excuses.negations
}

# "failed to delete"
_excused(sentence, place) if {
	sentence[place - 1] == "to"
	sentence[place - 2] in _excuses.attempts
}

# "delete failed"
_excused(sentence, place) if sentence[place + 1] in _excuses.reports

# The lists are read once and indexed by word, not read for each word of a text.

_commands := data.config.destructive.commands

_lists := data.config.destructive.orders

_excuses := data.config.destructive.excuses

_roles := object.union(
	object.union(_as("participle", _lists.participles), _as("gerund", _lists.gerunds)),
	object.union(_as("verb", _lists.verbs), _as("strong verb", _lists.strong_verbs)),
)

_as(role, words) := {word: role | word := words[_]}

_harmless := {word | word := _lists.stops[_]} | {word | word := _lists.harmless_heads[_]}

_objects := {word | word := _lists.objects[_]}

_needed := [
	"steps",
	"verbs",
	"strong_verbs",
	"gerunds",
	"gerund_leads",
	"participles",
	"obligations",
	"needs",
	"objects",
	"paths",
	"stops",
	"determiners",
	"pronouns",
	"harmless_heads",
	"nouns_before",
	"nouns_behind",
]
