# METADATA
# title: Finds phrases and commands in the prepared text of an alert.
package sre_dispatch.text

import future.keywords.not

# All texts are joined, so that each phrase needs only one search. No word contains a bar, so no phrase spans
# two texts.
_joined := concat("|", [line | some line in input.text.words; is_string(line)]) if is_array(input.text.words)

# METADATA
# title: The distinct words of the sentences.
vocabulary := {word | word := input.text.sentences[_][_]; is_string(word)}

_spelled := concat(" ", vocabulary)

# METADATA
# title: The distinct words that contain one of the parts.
# description: Most texts contain no part at all, so the parts are first searched in all words together.
containing(parts) := {word | some part in found; some word in vocabulary; contains(word, part)} if {
	found := {part | part := parts[_]; is_string(part); contains(_spelled, part)}
}

# METADATA
# title: A text contains one of the phrases, as whole words.
holds_phrase(groups) if {
	some group in groups
	phrase := group.words[_]
	is_string(phrase)
	contains(_joined, concat("", [" ", phrase, " "]))
}

# METADATA
# title: A sentence contains a command and, for one of its forms, a word of each list.
holds_command(sentences, commands) if {
	sentence := sentences[_]
	word := sentence[_]
	form := commands[word][_]
	every words in form {
		words[_] in sentence
	}
}
