# METADATA
# title: If an alert's text tries to steer the agent, the agent only investigates.
package sre_dispatch.rules.injection

import data.sre_dispatch.text
import future.keywords.not

# METADATA
# title: The phrases and the signs exist. The schema checks the words when the bundle is built.
ready if {
	is_object(data.config.injection.phrases)
	is_object(data.config.injection.signs)
}

# METADATA
# title: The text addresses the agent instead of describing the problem.
# custom:
#   change: Remove the sentence from the alert's text, or its words from policies/config/injection/data.yaml.
contributions contains {"code": "steering_text", "level": "HIGH"} if {
	ready
	text.holds_phrase(data.config.injection.phrases)
}

# METADATA
# title: The text addresses the agent instead of describing the problem.
# custom:
#   change: Remove the sentence from the alert's text, or its words from policies/config/injection/data.yaml.
contributions contains {"code": "steering_text", "level": "HIGH"} if {
	ready
	text.holds_command(input.text.sentences, _signs)
}

# METADATA
# title: The words of a name address the agent.
# custom:
#   change: Rename the object, or remove the words from policies/config/injection/data.yaml.
contributions contains {"code": "steering_name", "level": "HIGH"} if {
	ready
	text.holds_command(input.text.names, _signs)
}

# The lists are read once, not for each word of a text.
_signs := data.config.injection.signs
