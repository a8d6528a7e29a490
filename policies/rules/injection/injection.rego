# METADATA
# title: An alert that tries to steer the agent is only investigated.
package sre_dispatch.rules.injection

import data.sre_dispatch.text
import future.keywords.not

# METADATA
# title: Phrases and signs are there; their words are held to their schema when the bundle is made.
ready if {
	is_object(data.config.injection.phrases)
	is_object(data.config.injection.signs)
}

# METADATA
# title: A text speaks to the agent instead of about the problem.
# custom:
#   change: Take the sentence out of the alert's text, or its words out of policies/config/injection/data.yaml.
contributions contains {"code": "steering_text", "level": "HIGH"} if {
	ready
	text.holds_phrase(data.config.injection.phrases)
}

# METADATA
# title: A text speaks to the agent instead of about the problem.
# custom:
#   change: Take the sentence out of the alert's text, or its words out of policies/config/injection/data.yaml.
contributions contains {"code": "steering_text", "level": "HIGH"} if {
	ready
	text.holds_command(input.text.sentences, _signs)
}

# METADATA
# title: A name, taken apart, speaks to the agent.
# custom:
#   change: Rename what bears the name, or take its words out of policies/config/injection/data.yaml.
contributions contains {"code": "steering_name", "level": "HIGH"} if {
	ready
	text.holds_command(input.text.names, _signs)
}

# Read once for all words of a text.
_signs := data.config.injection.signs
