# METADATA
# title: Tells what a sentence names that holds data, and what of it a verb reaches.
package sre_dispatch.rules.destructive.objects

import data.sre_dispatch.rules.destructive.excuses
import data.sre_dispatch.text
import future.keywords.not

# METADATA
# title: The lists for objects exist.
ready if {
	every name in _needed {
		is_array(_lists[name])
	}
	every step in _lists.steps {
		is_number(step)
	}
	every name in ["paths", "harmless_paths", "settings"] {
		every part in _lists[name] {
			is_string(part)
		}
	}
	is_object(_lists.compounds)
}

# METADATA
# title: The positions of what holds data and of what ends the search for it.
description(sentence) := {
	"objects": {place | sentence[place]; _holds_data(sentence, place)},
	"stops": ({place | word := sentence[place]; stops[word]; not _compound(sentence, place)} | remedies),
	"remedies": remedies,
	"locations": {place | word := sentence[place]; word in _lists.locations},
} if {
	remedies := {place | sentence[place] == "or"; sentence[place + 1] in data.config.destructive.moods.remedies}
}

# METADATA
# title: The positions of what the verb destroys.
# scope: document
reached(role, sentence, about, verb) := {target |
	count(about.objects) > 0
	barrier := min({stop | some stop in about.stops; stop > verb} | {1000})
	some step in _lists.steps
	target := verb + step
	target in about.objects
	_reaches(sentence, barrier, target)
	not _located(sentence, about, verb, target)
} if role != "participle"

# "the volume must be deleted"
reached("participle", sentence, _, verb) := {target |
	some target, _ in sentence
	target < verb
	holds(sentence, target)
}

# "delete files on the volume"
_located(sentence, about, verb, target) if {
	count(about.locations) > 0
	not _paths[sentence[target]]
	some step in [1, 2, 3]
	place := target - step
	place in about.locations
	some other in about.objects
	other > verb
	other < place
}

_reaches(_, barrier, target) if target <= barrier

# "delete the pod and the volume"
_reaches(sentence, barrier, target) if {
	sentence[barrier + 1] == "and"
	target == barrier + 2
}

_reaches(sentence, barrier, target) if {
	sentence[barrier + 1] == "and"
	sentence[barrier + 2] in _lists.determiners
	target == barrier + 3
}

_holds_data(sentence, place) if {
	holds(sentence, place)
	not _heads[sentence[place + 1]]
}

# METADATA
# title: The word at this position is something that holds data.
# scope: document
holds(sentence, place) if _objects[sentence[place]]

holds(sentence, place) if _paths[sentence[place]]

holds(sentence, place) if _compound(sentence, place)

# "DELETE /orders"
holds(sentence, place) if {
	_absolute[sentence[place]]
	sentence[place - 1] in _lists.path_verbs
	not sentence[place - 2] in _lists.routes
	not excuses.number(sentence[place + 1])
}

# "write-ahead log"
_compound(sentence, place) if sentence[place - 1] in _lists.compounds[sentence[place]]

# The lists are read once and indexed by word, not read for each word of a text.

_lists := data.config.destructive.orders

_set(words) := {word | word := words[_]}

_objects := _set(_lists.objects)

# METADATA
# title: Words that end the search for an object.
stops := _set(_lists.stops) | text.containing(_lists.settings)

_heads := _set(_lists.harmless_heads)

# METADATA
# title: Words that make what a verb destroys harmless.
harmless := stops | _heads

# The words of the text that are paths

_paths := text.containing(_lists.paths)

_absolute := {word |
	some word in text.vocabulary
	startswith(word, "/")
	every path in _lists.harmless_paths {
		not contains(word, path)
	}
}

_needed := [
	"steps",
	"objects",
	"paths",
	"path_verbs",
	"routes",
	"locations",
	"harmless_paths",
	"stops",
	"settings",
	"determiners",
	"harmless_heads",
]
