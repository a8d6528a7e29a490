# METADATA
# title: During a freeze agents only investigate, except in namespaces under maintenance.
package sre_dispatch.rules.freeze

import future.keywords.not

# METADATA
# title: Every window is in UTC and begins before it ends. Every maintenance names its namespace.
ready if {
	every windows in [data.config.freeze.freezes, data.config.freeze.maintenance] {
		is_object(windows)
		every window in windows {
			_well_formed(window)
		}
	}
	every window in data.config.freeze.maintenance {
		is_string(window.namespace)
		window.namespace != ""
	}
}

# METADATA
# title: A change freeze is in force.
# custom:
#   change: End the freeze, or open maintenance for the namespace, in policies/config/freeze/data.yaml.
contributions contains {"code": "freeze", "level": "HIGH"} if {
	ready
	some window in data.config.freeze.freezes
	_open(window, input.clock.utc)
	not _maintained(input.event, input.clock.utc)
}

# Maintenance lifts the freeze only if every namespace of the alert is under maintenance: the subject's, and
# those of whoever tells of it.
_maintained(event, now) if {
	_under_maintenance(event.namespace, now)
	is_array(event.namespaces)
	every namespace in event.namespaces {
		_under_maintenance(namespace, now)
	}
}

_under_maintenance(namespace, now) if {
	some window in data.config.freeze.maintenance
	_open(window, now)
	window.namespace == namespace
}

_open(window, now) if {
	is_string(now)
	window.from <= now
	now < window.until
}

# The width is fixed, so that times compare as strings.
_well_formed(window) if {
	every moment in [window.from, window.until] {
		is_string(moment)
		glob.match("[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z", null, moment)
	}
	window.from < window.until
}
