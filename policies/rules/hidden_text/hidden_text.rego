# METADATA
# title: If an alert's text hides something from a reader, the agent only investigates.
package sre_dispatch.rules.hidden_text

import future.keywords.not

# METADATA
# title: Each signal has the level LOW, MEDIUM or HIGH.
ready if {
	is_object(data.config.hidden_text.signals)
	every level in data.config.hidden_text.signals {
		level in {"LOW", "MEDIUM", "HIGH"}
	}
}

# METADATA
# title: The alert's text hides something.
# custom:
#   change: Write the alert's text in plain characters, or lower the signal's level in policies/config/hidden_text/data.yaml.
contributions contains {"code": "hidden_text", "level": level} if {
	ready
	signal := input.text.signals[_]
	level := data.config.hidden_text.signals[signal]
}

# METADATA
# title: The alert's text has a signal, and the configuration sets no level for this signal.
# custom:
#   change: Set a level for the signal in policies/config/hidden_text/data.yaml.
contributions contains {"code": "unknown_signal", "level": "HIGH"} if {
	ready
	signal := input.text.signals[_]
	not data.config.hidden_text.signals[signal]
}

# METADATA
# title: The alert or its notification was too long. Neither the rules nor an agent see the part that was cut.
# custom:
#   change: Shorten the alert's annotations.
contributions contains {"code": "text_truncated", "level": "HIGH"} if input.text.truncated == true

# METADATA
# title: The alert's text has more words than the rules can check, and an agent would see all of them.
# custom:
#   change: Read the alert yourself. Then shorten its annotations, and remove text that is encoded or repeated.
denials contains {"code": "text_unread", "retry": false} if input.text.unread == true
