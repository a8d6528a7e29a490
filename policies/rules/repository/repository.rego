# METADATA
# title: Where no repository is known, no merge request can be opened, and the agent only investigates.
package sre_dispatch.rules.repository

import future.keywords.not

# METADATA
# title: Every entry names a namespace and a repository, and may name a type of resource.
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
#   change: Name the repository that the namespace is deployed from in policies/config/repository/data.yaml.
withheld contains {"code": "no_repository", "level": "MEDIUM"} if not _known(input.event)

# An entry without a type holds for every type.
_known(event) if {
	ready
	some entry in data.config.repository.repositories
	entry.namespace == event.namespace
	object.get(entry, "resource_type", event.resource_type) == event.resource_type
}
