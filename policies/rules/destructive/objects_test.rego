# METADATA
# title: A verb reaches what holds data a few words on, if nothing else ends the search.
package sre_dispatch.rules.destructive.objects_test

import data.sre_dispatch.rules.destructive.orders
import future.keywords.not

shipped := data.config.destructive

# The lists that these tests leave empty
empty(part) := {name: nothing(value) | some name, value in shipped[part]}

nothing(value) := [] if is_array(value)

nothing(value) := {} if is_object(value)

small := {
	"tools": {},
	"tool_verbs": [],
	"value_flags": [],
	"commands": {},
	"orders": object.union(empty("orders"), {
		"steps": [1, 2, 3],
		"verbs": ["delete", "drop"],
		"strong_verbs": ["wipe"],
		"gerunds": ["deleting"],
		"gerund_leads": ["consider"],
		"participles": ["deleted"],
		"obligations": ["must"],
		"objects": ["volume", "table"],
		"compounds": {"log": ["redo"]},
		"paths": ["/var/lib", "pgdata"],
		"path_verbs": ["delete"],
		"routes": ["of"],
		"harmless_paths": ["/tmp", "/var/log"],
		"stops": ["pod", "then", "log"],
		"settings": [".blocks."],
		"locations": ["inside"],
		"determiners": ["its", "the"],
		"harmless_heads": ["exporter", "metrics"],
	}),
	"moods": object.union(empty("moods"), {
		"remedies": ["enlarge"],
		"rebuilt": {"drop": ["index"]},
	}),
	"excuses": empty("excuses"),
}

says(words) := with_orders({}, words)

with_orders(changed, words) := answer if {
	orders_with := object.union(small, {"orders": changed})
	answer := orders.found(split(words, " "), [], []) with data.config.destructive as orders_with
		with input as {"text": {"sentences": [split(words, " ")]}}
}

reaching(words) := with_orders({"steps": [1, 2, 3, 4, 5]}, words)

test_data_before_the_verb_is_not_its_object if {
	says("volume delete") == set()
	says("the volume will delete") == set()
	says("the volume drop delete") == set()
}

test_data_is_reached_up_to_the_last_step_and_no_further if {
	says("delete volume") == {"order"}
	says("delete one volume") == {"order"}
	says("delete one two volume") == {"order"}
	says("delete one two three volume") == set()
}

test_data_is_reached_at_the_steps_that_are_listed_only if {
	every words, expected in {
		"delete volume": set(),
		"delete the volume": {"order"},
		"delete the old volume": set(),
		"delete all of the volume": {"order"},
		"delete all then of volume": set(),
		"delete all of then volume": set(),
	} {
		with_orders({"steps": [2, 4]}, words) == expected
	}
}

test_what_stands_nearer_may_end_the_search if {
	every words in [
		"delete pod volume",
		"delete the pod volume",
		"delete pod of volume",
		"delete it then volume",
		"drop then table",
	] {
		says(words) == set()
	}
}

test_what_stands_behind_the_data_ends_nothing if {
	every words in [
		"delete volume pod",
		"delete volume then pod",
		"delete the volume then",
		"pod delete the volume",
	] {
		says(words) == {"order"}
	}
}

test_data_that_would_end_the_search_is_found_itself if {
	every words in ["delete volume", "delete the volume", "delete the old volume"] {
		with_orders({"stops": ["volume", "then"]}, words) == {"order"}
	}
}

test_what_ends_a_search_is_harmless_to_a_strong_verb if {
	every words in ["wipe pod", "wipe the old exporter"] {
		says(words) == set()
	}
	says("wipe bricks") == {"order"}
}

test_data_that_is_only_the_first_half_of_something_harmless_is_free if {
	every words in [
		"delete volume exporter",
		"delete the volume metrics",
		"delete the old volume exporter",
		"delete /var/lib/mysql metrics",
		"consider deleting the table metrics",
	] {
		says(words) == set()
	}
}

test_a_harmless_half_excuses_no_other_data if {
	every words in [
		"delete volume exporter volume",
		"delete the volume table metrics",
		"delete the volume old exporter",
		"delete exporter volume",
		"exporter delete volume",
	] {
		says(words) == {"order"}
	}
}

test_and_leads_on_behind_a_stop if {
	every words in ["delete pod and volume", "delete the pod and volume", "delete pod and its volume"] {
		reaching(words) == {"order"}
	}
}

test_and_leads_on_to_nothing_but_the_next_object if {
	every words in ["delete pod and expand volume", "delete pod or its volume", "delete pod and its own volume"] {
		reaching(words) == set()
	}
}

test_a_compound_holds_data_where_its_last_word_does_not if {
	says("delete the redo log") == {"order"}
	says("delete redo log now") == {"order"}
	says("delete the log") == set()
	says("delete redo") == set()
	says("delete log redo") == set()
	says("delete old redo log") == {"order"}
	says("delete log volume") == set()
	says("redo log must be deleted") == {"order"}
}

test_an_absolute_path_behind_some_verbs_is_data if {
	every words in ["delete /orders", "now delete /v1/orders", "delete /orders then see"] {
		says(words) == {"order"}
	}
	every words in [
		"drop /orders",
		"delete orders",
		"delete v1/orders",
		"delete now /orders",
		"delete /tmp/x",
		"errors of delete /orders",
		"delete /orders 5",
		"delete /orders metrics",
	] {
		says(words) == set()
	}
}

test_a_setting_ends_the_search if {
	says("delete index.blocks.read on table") == set()
	says("delete index.block.read table") == {"order"}
}

test_another_object_inside_the_place_of_the_first_is_only_a_place if {
	says("drop index inside table") == {"order"}
	with_orders({"objects": ["index", "table"]}, "drop index inside table") == {"advice"}
	with_orders({"objects": ["index", "table"]}, "drop index of table") == {"advice", "order"}
	with_orders({"objects": ["index", "table"]}, "drop inside table index") == {"advice", "order"}
	with_orders({"objects": ["index", "table"]}, "drop index inside pgdata") == {"advice", "order"}
	with_orders({"objects": ["index", "table"], "steps": [1, 2, 3, 4, 5, 6]}, "drop index inside x x x table") == {"advice", "order"}
	says("drop it inside table") == {"order"}
}

test_a_remedy_behind_or_ends_the_search if {
	reaching("drop it or enlarge table") == set()
	reaching("drop it or old table") == {"order"}
}
