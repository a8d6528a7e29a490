# METADATA
# title: An agent acts alone only on data of a class that allows it.
package sre_dispatch.rules.classification

import future.keywords.not

# METADATA
# title: Every group of classes is a list of strings.
ready if {
	is_object(data.config.classification.autonomous)
	every classes in data.config.classification.autonomous {
		is_array(classes)
		every class in classes {
			is_string(class)
		}
	}
}

# METADATA
# title: The source of context does not report how the resource's data is classified.
# custom:
#   change: Classify the resource where the source of context reads it.
withheld contains {"code": "classification_unknown", "level": "LOW"} if {
	input.phase == "review"
	not _classified(input.facts.classification)
}

# METADATA
# title: The class of the resource's data does not allow an agent to act alone.
# custom:
#   change: Add the class to policies/config/classification/data.yaml.
withheld contains {"code": "classified", "level": "LOW"} if {
	ready
	input.phase == "review"
	is_string(input.facts.classification)
	not _autonomous(input.facts.classification)
}

_classified(class) if is_string(class)

_autonomous(class) if class in data.config.classification.autonomous[_]
