# METADATA
# title: A freeze lasts from its start until just before its end, except for namespaces under maintenance.
package sre_dispatch.rules.freeze_test

import data.sre_dispatch.rules.freeze
import future.keywords.not

holidays := {"from": "2026-12-20T00:00:00Z", "until": "2027-01-04T06:00:00Z"}

migration := {"from": "2026-12-01T00:00:00Z", "until": "2026-12-02T00:00:00Z"}

upgrade := {"namespace": "shop", "from": "2026-12-22T20:00:00Z", "until": "2026-12-23T02:00:00Z"}

config := {"freezes": {"holidays": holidays}, "maintenance": {"upgrade": upgrade}}

frozen := {"ready": true, "contributions": {{"code": "freeze", "level": "HIGH"}}}

free := {"ready": true, "contributions": set()}

at(utc, event) := answer if {
	answer := freeze with input as {"event": event, "clock": {"utc": utc}} with data.config.freeze as config
}

shop := {"namespace": "shop", "namespaces": ["shop"]}

carts := {"namespace": "carts", "namespaces": ["carts"]}

test_a_freeze_holds_from_its_beginning_until_just_before_its_end if {
	every utc in ["2026-12-20T00:00:00Z", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z", "2027-01-04T05:59:59Z"] {
		at(utc, carts) == frozen
	}
	every utc in ["2026-12-19T23:59:59Z", "2027-01-04T06:00:00Z", "2025-12-25T12:00:00Z", "2036-12-25T12:00:00Z"] {
		at(utc, carts) == free
	}
}

test_maintenance_lifts_a_freeze_for_its_own_namespace if {
	every utc in ["2026-12-22T20:00:00Z", "2026-12-23T01:59:59Z"] {
		at(utc, shop) == free
		at(utc, carts) == frozen
	}
	every utc in ["2026-12-22T19:59:59Z", "2026-12-23T02:00:00Z"] {
		at(utc, shop) == frozen
	}
}

test_maintenance_does_not_lift_a_freeze_for_what_is_not_plainly_in_its_namespace if {
	every event in [
		{"namespace": "", "namespaces": ["shop"]},
		{"namespace": "", "namespaces": []},
		{"namespace": "carts", "namespaces": ["shop"]},
		{"namespace": "shop", "namespaces": ["shop", "carts"]},
		{"namespace": "shop", "namespaces": null},
		{"namespace": "shop"},
		{"namespace": ["shop"], "namespaces": [["shop"]]},
		{"namespaces": ["shop"]},
		{},
		null,
	] {
		at("2026-12-23T00:00:00Z", event) == frozen
	}
}

test_maintenance_alone_changes_nothing if {
	freeze == free with data.config.freeze as {"freezes": {}, "maintenance": {"upgrade": upgrade}}
		with input as {"event": shop, "clock": {"utc": "2026-12-23T00:00:00Z"}}
}

test_one_of_two_freezes_is_enough if {
	every utc in ["2026-12-01T12:00:00Z", "2026-12-25T12:00:00Z"] {
		freeze == frozen with data.config.freeze as {"freezes": {"a": holidays, "b": migration}, "maintenance": {}}
			with input as {"event": shop, "clock": {"utc": utc}}
	}
}

# main.rego rejects these.
test_an_absent_or_mistyped_clock_gives_no_reason if {
	every clock in [null, {}, [], {"utc": null}, {"utc": 1798000000}, {"utc": ["2026-12-25T12:00:00Z"]}] {
		freeze == free with input as {"event": carts, "clock": clock} with data.config.freeze as config
	}
	freeze == free with input as {} with data.config.freeze as config
}

test_missing_or_mistyped_windows_are_not_ready if {
	every unusable in [
		{},
		null,
		{"freezes": {}},
		{"maintenance": {}},
		{"freezes": null, "maintenance": {}},
		{"freezes": [holidays], "maintenance": {}},
		{"freezes": {"a": holidays, "b": null}, "maintenance": {}},
		{"freezes": {"a": holidays}, "maintenance": [upgrade]},
		{"freezes": {"a": holidays}, "maintenance": {"b": holidays}},
		{"freezes": {"a": holidays}, "maintenance": {"b": object.union(upgrade, {"namespace": ""})}},
		{"freezes": {"a": holidays}, "maintenance": {"b": object.union(upgrade, {"namespace": null})}},
		{"freezes": {"a": holidays}, "maintenance": {"b": object.union(upgrade, {"until": upgrade.from})}},
	] {
		freeze == {"contributions": set()} with data.config.freeze as unusable
			with input as {"event": carts, "clock": {"utc": "2026-12-25T12:00:00Z"}}
	}
}

test_a_window_of_odd_times_is_not_ready if {
	every patch in [
		{"from": null},
		{"from": 20261220},
		{"from": "2026-12-20"},
		{"from": "2026-12-20 00:00:00Z"},
		{"from": "2026-12-20T00:00:00"},
		{"from": "2026-12-20T00:00:00+01:00"},
		{"from": "2026-12-20T00:00Z"},
		{"from": "2026-12-2OT00:00:00Z"},
		{"until": null},
		{"until": "forever"},
		{"until": holidays.from},
		{"until": "2026-12-19T00:00:00Z"},
	] {
		window := object.union(holidays, patch)
		freeze == {"contributions": set()} with data.config.freeze as {"freezes": {"a": window}, "maintenance": {}}
			with input as {"event": carts, "clock": {"utc": "2026-12-25T12:00:00Z"}}
	}
}

test_nothing_is_frozen_as_shipped if {
	freeze == free with input as {"event": carts, "clock": {"utc": "2026-12-25T12:00:00Z"}}
}
