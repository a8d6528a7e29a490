# METADATA
# title: No agent starts for an alert whose text orders to destroy data.
package sre_dispatch.rules.destructive

import data.sre_dispatch.rules.destructive.clarity
import data.sre_dispatch.rules.destructive.commands
import data.sre_dispatch.rules.destructive.excuses
import data.sre_dispatch.rules.destructive.moods
import data.sre_dispatch.rules.destructive.objects
import data.sre_dispatch.rules.destructive.orders
import data.sre_dispatch.text
import future.keywords.not

# METADATA
# title: The phrases, the commands and the lists for orders exist.
ready if {
	is_object(data.config.destructive.phrases)
	commands.ready
	excuses.ready
	moods.ready
	clarity.ready
	objects.ready
	orders.ready
}

# METADATA
# title: The text contains a phrase that destroys data.
# custom:
#   change: Remove the phrase from the alert's text. If it is harmless in your organisation, remove it from policies/config/destructive/data.yaml.
contributions contains {"code": "destructive_phrase", "level": "CRITICAL"} if {
	ready
	text.holds_phrase(data.config.destructive.phrases)
}

# METADATA
# title: A sentence contains a command that destroys data.
# custom:
#   change: Remove the command from the alert's text. If it is harmless in your organisation, remove it from policies/config/destructive/data.yaml.
contributions contains {"code": "destructive_command", "level": "CRITICAL"} if {
	ready
	sentence := input.text.sentences[_]
	is_array(sentence)
	commands.destroys(sentence)
}

# METADATA
# title: A sentence orders to destroy something that holds data.
# custom:
#   change: Describe only the problem in the alert's text. Put instructions for the agent into the alert's prompt.
contributions contains {"code": "destructive_order", "level": "CRITICAL"} if "order" in _forces

# METADATA
# title: A sentence offers to destroy data, and names none of it.
# custom:
#   change: Describe only the problem in the alert's text. Put advice for the agent into the alert's prompt.
contributions contains {"code": "destructive_advice", "level": "HIGH"} if "advice" in _forces

# METADATA
# title: The words of a name order to destroy data. It may be the harmless name of a workload.
# custom:
#   change: Rename the object, or remove the words from policies/config/destructive/data.yaml.
contributions contains {"code": "destructive_name", "level": "HIGH"} if {
	ready
	name := input.text.names[_]
	is_array(name)
	"order" in orders.found(name, [], [])
}

# What the sentences do. The sentences beside a sentence tell what it is about.
_forces := {force |
	ready
	is_array(input.text.sentences)
	sentence := input.text.sentences[place]
	is_array(sentence)
	some force in orders.found(sentence, _sentence(place - 1), _sentence(place + 1))
}

_sentence(place) := sentence if {
	sentence := input.text.sentences[place]
	is_array(sentence)
} else := []
