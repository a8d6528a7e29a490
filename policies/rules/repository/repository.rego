# METADATA
# title: If no repository is known, no merge request is possible, so the agent only investigates.
package sre_dispatch.rules.repository

import future.keywords.not

# METADATA
# title: Every entry names a namespace and a repository. It may name a type of resource.
ready if {
	is_object(data.config.repository.repositories)
	every entry in data.config.repository.repositories {
		is_string(entry.namespace)
		is_string(entry.repository)
		entry.repository != ""
		is_string(object.get(entry, "resource_type", ""))
	}
}

# METADATA
# title: No repository is known for this namespace and this type of resource.
# custom:
#   change: Add the repository that deploys the namespace to policies/config/repository/data.yaml.
withheld contains {"code": "no_repository", "level": "MEDIUM"} if not _known(input.event)

# An entry without a type applies to every type.
_known(event) if {
	ready
	some entry in data.config.repository.repositories
	entry.namespace == event.namespace
	object.get(entry, "resource_type", event.resource_type) == event.resource_type
}
