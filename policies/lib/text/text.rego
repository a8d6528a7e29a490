# METADATA
# title: Finds phrases and commands in the prepared text of an alert.
package sre_dispatch.text

import future.keywords.not

# All texts in one, so that a phrase is looked for once. A bar is part of no word, so none spans two texts.
_joined := concat("|", [line | some line in input.text.words; is_string(line)]) if is_array(input.text.words)

# METADATA
# title: Some text holds one of the phrases, as whole words.
holds_phrase(groups) if {
	some group in groups
	phrase := group.words[_]
	is_string(phrase)
	contains(_joined, concat("", [" ", phrase, " "]))
}

# METADATA
# title: One of the sentences holds a command and, for one of its forms, a word of each list.
holds_command(sentences, commands) if {
	sentence := sentences[_]
	word := sentence[_]
	form := commands[word][_]
	every words in form {
		words[_] in sentence
	}
}
