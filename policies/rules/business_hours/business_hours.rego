# METADATA
# title: An agent acts alone only during hours that the operator set.
package sre_dispatch.rules.business_hours

import future.keywords.not

# METADATA
# title: Every weekday has a list of hours. Each entry begins before it ends.
ready if {
	every weekday in ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] {
		is_array(data.config.business_hours.hours[weekday])
		every hours in data.config.business_hours.hours[weekday] {
			_well_formed(hours)
		}
	}
}

# METADATA
# title: The current time is outside the hours in which an agent may act alone.
# custom:
#   change: Wait, or widen the hours of that day in policies/config/business_hours/data.yaml.
withheld contains {"code": "outside_hours", "level": "LOW"} if not _within_hours(input.clock)

# The time of day is the part after the T, for example 03:10:00Z. As a string it compares with 03:10.
_within_hours(clock) if {
	ready
	is_string(clock.utc)
	[_, moment] := split(clock.utc, "T")
	some hours in data.config.business_hours.hours[clock.weekday]
	hours.from <= moment
	moment < hours.until
}

_well_formed(hours) if {
	every moment in [hours.from, hours.until] {
		is_string(moment)
		glob.match("[0-2][0-9]:[0-5][0-9]", null, moment)
	}
	hours.from < hours.until
}
