# METADATA
# title: LOW is available from the start of a day's hours until just before their end.
package sre_dispatch.rules.business_hours_test

import data.sre_dispatch.rules.business_hours
import future.keywords.not

always := [{"from": "00:00", "until": "24:00"}]

config := {"hours": {
	"monday": [{"from": "08:30", "until": "12:00"}, {"from": "13:00", "until": "17:00"}],
	"tuesday": always,
	"wednesday": always,
	"thursday": always,
	"friday": always,
	"saturday": [],
	"sunday": [{"from": "22:00", "until": "24:00"}],
}}

within := {"ready": true, "withheld": set()}

outside := {"ready": true, "withheld": {{"code": "outside_hours", "level": "LOW"}}}

at(weekday, moment) := answer if {
	answer := business_hours with data.config.business_hours as config
		with input as {"clock": {"weekday": weekday, "utc": concat("", ["2026-03-29T", moment, "Z"])}}
}

test_hours_hold_from_their_beginning_until_just_before_their_end if {
	every moment in ["08:30:00", "11:59:59", "13:00:00", "16:59:59"] {
		at("monday", moment) == within
	}
	every moment in ["00:00:00", "08:29:59", "12:00:00", "12:59:59", "17:00:00", "23:59:59"] {
		at("monday", moment) == outside
	}
}

test_a_whole_day_has_no_gap if {
	every moment in ["00:00:00", "03:10:00", "12:00:00", "23:59:59"] {
		at("tuesday", moment) == within
		at("saturday", moment) == outside
	}
	at("sunday", "21:59:59") == outside
	at("sunday", "23:59:59") == within
}

test_an_absent_or_mistyped_clock_is_outside if {
	every clock in [
		null,
		{},
		{"weekday": "tuesday"},
		{"weekday": "tuesday", "utc": null},
		{"weekday": "tuesday", "utc": 1774753800},
		{"weekday": "tuesday", "utc": "03:10:00Z"},
		{"weekday": "tuesday", "utc": "2026T03T29"},
		{"weekday": "Tuesday", "utc": "2026-03-31T03:10:00Z"},
		{"weekday": null, "utc": "2026-03-31T03:10:00Z"},
		{"utc": "2026-03-31T03:10:00Z"},
	] {
		business_hours == outside with input as {"clock": clock} with data.config.business_hours as config
	}
	business_hours == outside with input as {} with data.config.business_hours as config
}

test_missing_or_mistyped_hours_are_not_ready if {
	every unusable in [
		{},
		null,
		{"hours": null},
		{"hours": []},
		{"hours": {"tuesday": always}},
		{"hours": object.union(config.hours, {"monday": null})},
		{"hours": object.union(config.hours, {"monday": {"from": "08:30", "until": "17:00"}})},
		{"hours": object.union(config.hours, {"monday": [null]})},
		{"hours": object.union(config.hours, {"monday": ["08:30"]})},
		{"hours": object.union(config.hours, {"monday": [{"from": "08:30"}]})},
		{"hours": object.union(config.hours, {"monday": [{"from": 510, "until": 1020}]})},
		{"hours": object.union(config.hours, {"monday": [{"from": "8:30", "until": "17:00"}]})},
		{"hours": object.union(config.hours, {"monday": [{"from": "17:00", "until": "08:30"}]})},
		{"hours": object.union(config.hours, {"monday": [{"from": "08:30", "until": "08:30"}]})},
		{"hours": object.union(config.hours, {"monday": [{"from": "08:30:00", "until": "17:00:00"}]})},
	] {
		business_hours == {"withheld": outside.withheld} with data.config.business_hours as unusable
			with input as {"clock": {"weekday": "tuesday", "utc": "2026-03-31T03:10:00Z"}}
	}
}

test_the_shipped_hours_are_all_hours if {
	every weekday in ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] {
		every utc in ["2026-03-29T00:00:00Z", "2026-03-29T23:59:59Z"] {
			business_hours == within with input as {"clock": {"weekday": weekday, "utc": utc}}
		}
	}
}
