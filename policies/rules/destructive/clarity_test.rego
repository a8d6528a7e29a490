# METADATA
# title: An object is named, unless it is one of many things, can be built again or is needless.
package sre_dispatch.rules.destructive.clarity_test

import data.sre_dispatch.rules.destructive.orders
import future.keywords.not

# These tests use the shipped words. "files" is vague, and "the volume" is named.

does(words) := after("", words)

after(before, words) := answer if {
	sentence := split(words, " ")
	answer := orders.found(sentence, split(before, " "), []) with input as {"text": {"sentences": [sentence]}}
}

all_do(lists, expected) if {
	every words in lists {
		does(words) == expected
	}
}

test_only_some_objects_are_vague if {
	all_do(["or delete files", "or delete old snapshots", "or delete data"], {"advice"})
	all_do(["or delete volume", "or delete pvc", "or delete database", "or delete everything"], {"order"})
}

test_a_definite_object_is_named_unless_it_is_called_old_or_needless if {
	all_do(["or delete the files", "or delete these snapshots", "or delete its data"], {"order"})
	all_do(["or delete the old files", "or delete its unneeded snapshots", "or delete some files"], {"advice"})
}

test_the_whole_is_named if {
	all_do(["or delete all files", "or delete every old files", "or delete all of the old files"], {"order"})
}

test_the_words_before_an_object_count_where_the_verb_is_behind_it if {
	all_do(["old files should be deleted", "the expired files should be deleted"], {"advice"})
	all_do(["all files should be deleted", "the files should be deleted", "orders_2024 files should be deleted"], {"order"})
}

test_a_name_beside_an_object_names_it if {
	all_do(
		[
			"or delete files x-1",
			"or delete orders_2024 data",
			"or delete data orders.v2",
			"or delete snapshots snap1",
		],
		{"order"},
	)
	all_do(
		[
			"or delete files 7d",
			"or delete 30 files",
			"or delete non-critical files",
			"or delete files older than x-1",
		],
		{"advice"},
	)
}

test_what_can_be_built_again_is_an_advice if {
	all_do(["drop index orders_idx", "please drop the index", "consider dropping the index"], {"advice"})
	all_do(["delete index orders_idx", "drop the volume"], {"order"})
	after("see the indexes", "drop them") == set()
	after("see the volumes", "drop them") == {"order"}
	after("see the indexes", "delete them") == {"order"}
}

test_needless_things_of_some_kinds_are_an_advice if {
	all_do(["delete unused files", "drop unneeded indexes", "delete the unused files"], {"advice"})
	all_do(["delete unused volumes", "delete old files", "delete unused orders_2024 files", "unused delete files", "delete all unused files"], {"order"})
}

test_what_was_drained_before_is_an_advice if {
	after("once the osd has drained", "destroy the osd") == {"advice"}
	after("once the node has drained", "destroy the osd") == {"order"}
	after("once the osd is down", "destroy the osd") == {"order"}
}
