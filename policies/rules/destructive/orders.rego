# METADATA
# title: Finds orders in plain language to destroy data, and advice to do so.
package sre_dispatch.rules.destructive.orders

import data.sre_dispatch.rules.destructive.clarity
import data.sre_dispatch.rules.destructive.excuses
import data.sre_dispatch.rules.destructive.moods
import data.sre_dispatch.rules.destructive.objects
import future.keywords.not

# METADATA
# title: The lists for orders exist.
ready if {
	every name in _needed {
		is_array(_lists[name])
	}
}

# METADATA
# title: What the verbs of a sentence do. The answer contains "order" and "advice".
# description: The sentences before and after it are lists too. They are empty at the ends of the text.
found(sentence, before, after) := {force |
	verbs := {place: role | word := sentence[place]; role := _roles[word]}
	count(verbs) > 0
	about := _description(sentence, before, after)
	some verb, role in verbs
	_meant(role, sentence, about, verb)
	some force in _does(role, sentence, about, verb, objects.reached(role, sentence, about, verb))
}

_does(role, sentence, about, verb, targets) := {force |
	mood := moods.mood(role, sentence, about, verb)
	some target in targets
	force := _forces[clarity.of_object(mood, sentence, about, verb, target)][mood]
} if {
	count(targets) > 0
}

_does(role, sentence, about, verb, targets) := {"order"} if {
	count(targets) == 0
	_needs_no_object(role, sentence, about, verb)
}

# What a verb does to an object, by how clearly the object is named and how firmly the verb is meant. Without an
# entry it does nothing.
_forces := {
	"named": {"firm": "order", "offered": "order", "report": "order", "duty": "advice", "routine": "advice"},
	"vague": {"firm": "order", "offered": "advice", "duty": "advice"},
	"spare": {"firm": "advice", "offered": "advice", "duty": "advice"},
}

# The positions that count for all verbs of the sentence. They are searched once.
_description(sentence, before, after) := object.union(object.union(excuses.description(sentence), objects.description(sentence)), {
	"people": {place | word := sentence[place]; moods.people[word]},
	"software": {place | word := sentence[place]; moods.software[word]},
	"drained": {word | _moods.drained[_] in before; word := before[_]},
	"interrupted": _interrupts(before),
	"before": before,
	"after": after,
})

# The verb is no noun, no report and no warning.

_meant(role, sentence, about, verb) if {
	role in {"verb", "strong verb", "verb with of"}
	not _nouns_before[sentence[verb - 1]]
	not _noun(role, about, sentence, verb)
	not _subject_of_state(sentence, about, verb)
	not excuses.excused(sentence, about, verb)
	not _interrupted(sentence, about, verb)
}

# "by deleting"
_meant("gerund", sentence, about, verb) if {
	sentence[verb - 1] in _lists.gerund_leads
	not sentence[verb - 2] in _lists.auxiliaries
	not excuses.turned(sentence, about, verb, _aims)
}

# "must be deleted"
_meant("participle", sentence, _, verb) if {
	sentence[verb - 1] == "be"
	_obliged(sentence, verb)
}

# "ensure that the volume is deleted"
_meant("participle", sentence, _, verb) if moods.caused(sentence, verb)

# "perform a deletion of the volume"
_meant("noun", sentence, _, verb) if {
	sentence[verb + 1] == "of"
	_performed(sentence, verb)
}

_performed(sentence, verb) if {
	sentence[verb - 1] in _lists.noun_leads
	_leads(sentence, verb - 1)
}

_performed(sentence, verb) if {
	sentence[verb - 1] in _lists.determiners
	sentence[verb - 2] in _lists.noun_leads
	_leads(sentence, verb - 2)
}

_noun(_, _, sentence, verb) if _nouns_behind[sentence[verb + 1]]

_noun(role, about, sentence, verb) if {
	sentence[verb + 1] == "of"
	role != "verb with of"
	_begins(about, verb)
}

# "purge of the queue"
_begins(_, verb) if verb < 1

# "zfs destroy of the snapshot"
_begins(about, verb) if {
	tool := verb - 1
	tool in about.tools
}

# "purge queue is above 1000"
_subject_of_state(sentence, about, verb) if {
	target := verb + 1
	target in about.objects
	excuses.states(sentence, verb + 2)
}

# "do not, under any circumstances, delete", "never, ever delete"
_interrupted(sentence, about, verb) if {
	about.interrupted
	every place in [0, 1, 2] {
		_carried_up_to(sentence, place, verb)
	}
}

_interrupts(before) if {
	some word in before
	word in _excuses.parentheses
	every other in before {
		_may_interrupt(other)
	}
} else := false

_carried_up_to(_, place, verb) if place >= verb

_carried_up_to(sentence, place, verb) if {
	verb < 3
	excuses.carriers[sentence[place]]
}

_may_interrupt(word) if excuses.carriers[word]

_may_interrupt(word) if word in _excuses.negations

_obliged(sentence, verb) if sentence[verb - 2] in _lists.obligations

_obliged(sentence, verb) if {
	sentence[verb - 2] == "to"
	sentence[verb - 3] in _lists.needs
}

_next(sentence, _, place) := sentence[place + 1]

# A sentence ends with the line.
_next(sentence, about, place) := about.after[0] if count(sentence) == place + 1

# "wipe the bricks"
_needs_no_object("strong verb", sentence, _, verb) if {
	sentence[verb + 1]
	every step in [1, 2, 3, 4] {
		not objects.harmless[sentence[verb + step]]
	}
}

# "TRUNCATE orders"
_needs_no_object("verb", sentence, _, verb) if {
	sentence[verb] in _lists.statements
	_leads(sentence, verb)
	sentence[verb + 1]
	every step in [1, 2, 3, 4] {
		not objects.stops[sentence[verb + step]]
	}
}

# "Detach the volumes, delete them"
_needs_no_object(role, sentence, about, verb) if {
	role != "gerund"
	sentence[verb + 1] in _lists.pronouns
	some place, word in about.before
	objects.holds(about.before, place)
	not word in _moods.rebuilt[sentence[verb]]
	every other in about.before {
		not other in _excuses.spared
	}
}

# "DELETE FROM orders"
_needs_no_object("verb", sentence, about, verb) if {
	sentence[verb] in _lists.from_verbs
	_next(sentence, about, verb) == "from"
}

# "DELETE _all"
_needs_no_object("verb", sentence, _, verb) if {
	sentence[verb + 1] == "all"
	not sentence[verb + 2]
}

_leads(_, verb) if verb < 1

_leads(sentence, verb) if sentence[verb - 1] in _lists.statement_leads

# The lists are read once and indexed by word, not read for each word of a text.

_lists := data.config.destructive.orders

_excuses := data.config.destructive.excuses

_moods := data.config.destructive.moods

_roles := object.union(
	object.union(_as("participle", _lists.participles), _as("gerund", _lists.gerunds)),
	object.union(
		object.union(_as("verb", _lists.verbs), _as("verb with of", _lists.verbs_with_of)),
		object.union(_as("strong verb", _lists.strong_verbs), _as("noun", _lists.nouns)),
	),
)

_as(role, words) := {word: role | word := words[_]}

_set(words) := {word | word := words[_]}

_nouns_before := _set(_lists.nouns_before)

_nouns_behind := _set(_lists.nouns_behind)

_aims := excuses.carriers | (_set(_lists.aims) | _set(_lists.gerund_leads))

_needed := [
	"verbs",
	"verbs_with_of",
	"strong_verbs",
	"statements",
	"statement_leads",
	"gerunds",
	"gerund_leads",
	"nouns",
	"noun_leads",
	"participles",
	"obligations",
	"needs",
	"causes",
	"carried",
	"from_verbs",
	"pronouns",
	"nouns_before",
	"nouns_behind",
	"aims",
	"auxiliaries",
]
