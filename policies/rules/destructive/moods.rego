# METADATA
# title: Tells how firmly a sentence orders to destroy data.
package sre_dispatch.rules.destructive.moods

import data.sre_dispatch.rules.destructive.objects
import future.keywords.not

# METADATA
# title: The lists for moods exist.
ready if {
	every name in _needed {
		is_array(_lists[name])
	}
}

# METADATA
# title: How firmly the verb is meant.
mood(role, sentence, about, verb) := "routine" if {
	_routine(role, sentence, about, verb)
} else := "duty" if {
	_duty(role, sentence, about, verb)
} else := "report" if {
	_reports(role, sentence, about, verb)
} else := "offered" if {
	_offered(role, sentence, about, verb)
} else := "firm"

# "the job that should delete"
_routine(role, sentence, about, verb) if {
	role != "participle"
	some modal in [verb - 2, verb - 1, verb]
	_modal(sentence, modal, verb)
	_software_subject(sentence, about, modal)
}

# "should be deleted automatically"
_routine("participle", sentence, _, verb) if sentence[verb + 1] in _lists.automatic

# "must be deleted by the job"
_routine("participle", sentence, about, verb) if {
	some step in [1, 2, 3, 4, 5, 6]
	sentence[verb + step] == "by"
	some other in [1, 2]
	place := (verb + step) + other
	place in about.software
}

_software_subject(sentence, about, modal) if {
	subject := _subject(sentence, modal)
	subject in about.software
	not sentence[subject - 1] == "this"
}

_software_subject(sentence, about, modal) if {
	relative := _subject(sentence, modal)
	sentence[relative] in _lists.relatives
	some step in [1, 2, 3]
	subject := relative - step
	subject in about.software
}

# "the ILM should delete"
_duty(role, sentence, about, verb) if {
	role != "participle"
	some modal in [verb - 2, verb - 1, verb]
	_modal(sentence, modal, verb)
	not _first(about.people, modal)
	_determined(sentence, _subject(sentence, modal))
}

# "if you delete"
_duty(_, sentence, _, verb) if {
	people[sentence[verb - 1]]
	sentence[verb - 2] in _lists.questions
}

_duty("participle", sentence, _, verb) if caused(sentence, verb)

# METADATA
# title: The sentence begins with a word such as "ensure", and the participle tells what is to come of it.
# scope: document
caused(sentence, verb) if {
	_causes(sentence)
	sentence[verb - 1] in data.config.destructive.orders.carried
}

# "have the volume deleted"
caused(sentence, verb) if {
	_causes(sentence)
	objects.holds(sentence, verb - 1)
}

_causes(sentence) if sentence[0] in data.config.destructive.orders.causes

_causes(sentence) if {
	people[sentence[0]]
	sentence[1] in data.config.destructive.orders.causes
}

# "the ILM", "the nightly ILM"
_determined(sentence, subject) if {
	some step in [1, 2]
	sentence[subject - step] in data.config.destructive.orders.determiners
}

# "compaction frees space by deleting"
_reports("gerund", sentence, about, _) if {
	some subject in about.software
	subject in {0, 1}
	_ends_in_s(sentence[subject + 1])
}

# "cleanup should run and delete"
_reports(_, sentence, about, verb) if {
	sentence[verb - 1] == "and"
	some subject in about.software
	sentence[subject + 1] in _lists.modals
	not _first(about.people, verb)
}

# "the brokers delete"
_reports(_, sentence, about, verb) if {
	subject := verb - 1
	subject in about.software
	_ends_in_s(sentence[subject])
	_opens(sentence, subject)
}

_ends_in_s(word) if {
	is_string(word)
	endswith(word, "s")
}

_opens(_, subject) if subject < 1

_opens(sentence, subject) if {
	subject == 1
	not sentence[0] in data.config.destructive.orders.locations
	not sentence[0] in _lists.conjunctions
}

_first(places, place) if min(places) < place

# "should delete"
_modal(sentence, modal, verb) if {
	modal == verb - 1
	sentence[modal] in _lists.modals
}

# "should automatically delete"
_modal(sentence, modal, verb) if {
	modal == verb - 2
	sentence[modal] in _lists.modals
	sentence[verb - 1] in _lists.adverbs
}

# "is supposed to delete"
_modal(sentence, modal, verb) if {
	modal == verb - 2
	sentence[verb - 1] == "to"
	sentence[modal] in _lists.duties
}

# "jobs that delete"
_modal(sentence, modal, verb) if {
	modal == verb
	sentence[verb - 1] in _lists.relatives
}

# The position of the subject. It stands before "should", or before "is supposed to".
_subject(sentence, modal) := modal - 1 if {
	sentence[modal - 1]
	not sentence[modal - 1] in _lists.copulas
}

_subject(sentence, modal) := modal - 2 if {
	sentence[modal - 1] in _lists.copulas
	sentence[modal - 2]
}

# "or delete"
_offered(role, sentence, _, verb) if {
	role != "participle"
	some step in [1, 2, 3, 4]
	sentence[verb - step] in _lists.alternatives
	every nearer in [1, 2, 3] {
		_filled(sentence, verb, nearer, step)
	}
}

# "alternatively, delete", "if possible, delete"
_offered(_, sentence, about, verb) if {
	count(about.before) in {1, 2}
	some word in about.before
	word in _offers
	every other in about.before {
		_may_offer(other)
	}
	every step in [1, 2, 3, 4] {
		_filled(sentence, verb, step, verb + 1)
	}
}

# "delete files or enlarge it"
_offered(_, _, about, verb) if {
	some place in about.remedies
	place > verb
}

_offered(_, _, about, _) if {
	about.after[0] == "or"
	about.after[1] in _lists.remedies
}

# "consider deleting"
_offered(_, sentence, _, verb) if sentence[verb - 1] in _lists.suggestions

# "consider archiving and deleting"
_offered("gerund", sentence, _, verb) if {
	some place, word in sentence
	place < verb
	word in _lists.suggestions
}

# "you might need to delete"
_offered(_, sentence, _, verb) if {
	some step in [2, 3, 4]
	sentence[verb - step] in _lists.maybes
}

# "delete if possible"
_offered(_, sentence, _, verb) if {
	some place, word in sentence
	word == "if"
	place > verb
	sentence[place + 1] in _lists.conditions
}

# "files that should be deleted"
_offered("participle", sentence, _, verb) if sentence[verb - 2] in {"should", "to"}

# "ILM should delete"
_offered(role, sentence, about, verb) if {
	role != "participle"
	some modal in [verb - 2, verb - 1, verb]
	_modal(sentence, modal, verb)
	not _first(about.people, modal)
	subject := _subject(sentence, modal)
	not sentence[subject] in _lists.conjunctions
}

# "possible to delete"
_offered(_, sentence, _, verb) if {
	sentence[verb - 1] == "to"
	sentence[verb - 2] in _lists.suggestions
}

_may_offer(word) if word in _offers

_may_offer(word) if word in _lists.fillers

_filled(_, _, nearer, step) if nearer >= step

_filled(sentence, verb, nearer, _) if sentence[verb - nearer] in _lists.fillers

# The lists are read once and indexed by word, not read for each word of a text.

_lists := data.config.destructive.moods

# METADATA
# title: Words for people and agents. Their duties are orders.
people := _set(_lists.people)

# METADATA
# title: Words for software. Its duties are no orders.
software := _set(_lists.software)

_offers := _set(_lists.alternatives) | {"possible"}

_set(words) := {word | word := words[_]}

_needed := [
	"alternatives",
	"fillers",
	"remedies",
	"suggestions",
	"maybes",
	"conditions",
	"modals",
	"duties",
	"adverbs",
	"copulas",
	"relatives",
	"software",
	"people",
	"conjunctions",
	"questions",
	"automatic",
]
