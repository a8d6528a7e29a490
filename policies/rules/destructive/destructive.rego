# METADATA
# title: No agent starts for an alert whose text orders the destruction of data.
package sre_dispatch.rules.destructive

import future.keywords.not

# METADATA
# title: The list of destructive phrases is there and holds text only.
ready if {
	is_array(data.config.destructive.phrases)
	every phrase in data.config.destructive.phrases {
		is_string(phrase)
	}
}

# METADATA
# title: A line of the alert that holds a destructive phrase blocks it at every severity.
contributions contains {"code": "destructive_phrase", "level": "CRITICAL"} if {
	ready
	is_array(input.text.lines)
	some line in input.text.lines
	some phrase in data.config.destructive.phrases
	_holds(line, phrase)
}

# METADATA
# title: Text that was cut may hide an order, so the agent only investigates.
contributions contains {"code": "text_truncated", "level": "HIGH"} if input.text.truncated == true

# Whole words only: lines come with a space at both ends.
_holds(line, phrase) if {
	is_string(line)
	contains(line, concat("", [" ", phrase, " "]))
}
