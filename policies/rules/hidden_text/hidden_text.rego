# METADATA
# title: An alert whose text cannot be read as it shows is only investigated.
package sre_dispatch.rules.hidden_text

import future.keywords.not

# METADATA
# title: Each signal has a level that an agent can have.
ready if {
	is_object(data.config.hidden_text.signals)
	every level in data.config.hidden_text.signals {
		level in {"LOW", "MEDIUM", "HIGH"}
	}
}

# METADATA
# title: Something in the alert's text was hidden.
# custom:
#   change: Write the alert's text in plain letters, or lower the signal's level in policies/config/hidden_text/data.yaml.
contributions contains {"code": "hidden_text", "level": level} if {
	ready
	signal := input.text.signals[_]
	level := data.config.hidden_text.signals[signal]
}

# METADATA
# title: The alert carries a sign of hiding that no one gave a level.
# custom:
#   change: Give the signal a level in policies/config/hidden_text/data.yaml.
contributions contains {"code": "unknown_signal", "level": "HIGH"} if {
	ready
	signal := input.text.signals[_]
	not data.config.hidden_text.signals[signal]
}

# METADATA
# title: The alert's text was too long to be read whole.
# custom:
#   change: Shorten the alert's annotations.
contributions contains {"code": "text_truncated", "level": "HIGH"} if input.text.truncated == true
