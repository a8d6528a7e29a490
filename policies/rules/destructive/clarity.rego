# METADATA
# title: Tells how clearly a sentence names the data that it orders to destroy.
package sre_dispatch.rules.destructive.clarity

import future.keywords.not

# METADATA
# title: The lists for the clarity of an object exist.
ready if {
	every name in _needed {
		is_array(_lists[name])
	}
	every mark in _lists.name_marks {
		is_string(mark)
	}
	is_object(_lists.rebuilt)
}

# METADATA
# title: How clearly the sentence names the object.
# description: A firm verb destroys a vague object like a named one.
of_object(mood, sentence, about, verb, target) := "spare" if {
	_spare(sentence, about, verb, target)
} else := "vague" if {
	mood != "firm"
	_vague(sentence, verb, target)
} else := "named"

# "drop index"
_spare(sentence, _, verb, target) if sentence[target] in _lists.rebuilt[sentence[verb]]

# "delete unneeded files"
_spare(sentence, _, verb, target) if {
	sentence[target] in _lists.dispensable
	sentence[target - 1] in _lists.needless
	_vague(sentence, verb, target)
}

# "once the OSD has drained, destroy the OSD"
_spare(sentence, about, _, target) if {
	about.drained[sentence[target]]
}

_vague(sentence, verb, target) if {
	sentence[target] in _lists.vague
	between := _beside(sentence, verb, target)
	count(between & _whole) == 0
	not _definite(between)
	every word in between | {word | some step in {0, 1}; word := sentence[target + step]} {
		not _name(word)
	}
}

# The words of the sentence that describe the object.

_beside(sentence, verb, target) := {word |
	some step in data.config.destructive.orders.steps
	verb + step < target
	word := sentence[verb + step]
} if {
	verb < target
}

_beside(sentence, verb, target) := {word | some step in {1, 2, 3}; word := sentence[target - step]} if verb > target

_definite(words) if {
	count(words & _definites) > 0
	count(words & _qualifiers) == 0
}

_name(word) if {
	is_string(word)
	word >= ":"
	contains(word, _lists.name_marks[_])
	not word in _lists.plain
}

# The lists are read once and indexed by word, not read for each word of a text.

_lists := data.config.destructive.moods

_whole := _set(_lists.whole)

_definites := _set(_lists.definite)

_qualifiers := _set(_lists.qualifiers) | _set(_lists.needless)

_set(words) := {word | word := words[_]}

_needed := [
	"vague",
	"definite",
	"qualifiers",
	"whole",
	"name_marks",
	"plain",
	"dispensable",
	"needless",
	"drained",
]
