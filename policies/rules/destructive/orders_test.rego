# METADATA
# title: A verb orders to destroy what it reaches, if that holds data and the verb is meant.
package sre_dispatch.rules.destructive.orders_test

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
		"verbs": ["delete", "drop", "truncate"],
		"verbs_with_of": ["rid"],
		"strong_verbs": ["wipe"],
		"statements": ["truncate"],
		"statement_leads": ["run"],
		"gerunds": ["deleting"],
		"gerund_leads": ["by", "consider"],
		"nouns": ["deletion"],
		"noun_leads": ["perform"],
		"causes": ["ensure"],
		"carried": ["is"],
		"participles": ["deleted", "wiped"],
		"obligations": ["must", "should"],
		"needs": ["has", "ought"],
		"objects": ["volume", "table", "files"],
		"compounds": {"log": ["redo"]},
		"paths": ["/var/lib", "pgdata"],
		"path_verbs": ["delete"],
		"routes": ["of"],
		"harmless_paths": ["/tmp", "/var/log"],
		"stops": ["pod", "then", "log"],
		"settings": [".blocks."],
		"from_verbs": ["delete"],
		"locations": ["inside"],
		"determiners": ["its", "the"],
		"pronouns": ["them"],
		"harmless_heads": ["exporter", "metrics"],
		"nouns_before": ["a", "nightly"],
		"nouns_behind": ["policy", "job"],
		"aims": ["space"],
		"auxiliaries": ["will"],
	}),
	"moods": object.union(empty("moods"), {
		"vague": ["files"],
		"remedies": ["enlarge"],
		"rebuilt": {"drop": ["index"]},
	}),
	"excuses": object.union(empty("excuses"), {
		"negations": ["never", "cannot"],
		"carriers": ["run", "use"],
		"waived": ["need"],
		"attempts": ["failed", "unable"],
		"spared": ["pod"],
		"parentheses": ["never"],
		"reports": ["failed", "took"],
		"states": {"is": ["stuck"]},
	}),
}

in_text(sentences, number, before, next) := answer if {
	answer := orders.found(sentences[number], before, next) with data.config.destructive as small
		with input as {"text": {"sentences": sentences}}
}

says(words) := in_text([split(words, " ")], 0, [], [])

after(before, words) := in_text([split(before, " "), split(words, " ")], 1, split(before, " "), [])

followed(words, next) := in_text([split(words, " "), split(next, " ")], 0, [], split(next, " "))

with_orders(changed, words) := answer if {
	orders_with := object.union(small, {"orders": changed})
	answer := orders.found(split(words, " "), [], []) with data.config.destructive as orders_with
		with input as {"text": {"sentences": [split(words, " ")]}}
}

# Orders: a verb and, within its steps, something that holds data.

test_a_verb_that_reaches_data_is_critical if {
	every words in [
		"delete volume",
		"drop table",
		"please delete the volume",
		"delete the old volume",
		"delete volume now and restart",
		"delete the volume of the pod",
		"delete /var/lib/mysql",
		"delete old /srv/pgdata-1",
	] {
		says(words) == {"order"}
	}
}

test_a_verb_without_data_is_free if {
	every words in [
		"",
		"delete",
		"volume",
		"delete it",
		"delete pods",
		"deletes the volume",
		"undelete the volume",
		"delete volumes",
		"delete the volume-1",
		"delete /var/log",
		"delete /var/log/pg-data",
	] {
		says(words) == set()
	}
}

test_a_verb_that_is_a_noun_by_the_word_beside_it_is_free if {
	every words in [
		"a delete volume",
		"the nightly drop of the table",
		"delete policy volume",
		"delete policy of volume",
		"drop job of table",
	] {
		says(words) == set()
	}
}

test_a_word_further_off_makes_no_noun_of_a_verb if {
	every words in [
		"a please delete volume",
		"nightly and delete volume",
		"delete volume policy",
		"delete the policy volume",
		"policy delete volume",
		"delete a volume",
	] {
		says(words) == {"order"}
	}
}

test_an_excused_verb_is_free if {
	every words in [
		"never delete volume",
		"cannot delete volume",
		"never run delete volume",
		"cannot use delete on volume",
		"failed to delete volume",
		"we were unable to delete volume",
		"delete failed for volume",
		"delete took long volume",
	] {
		says(words) == set()
	}
}

test_what_only_resembles_an_excuse_excuses_no_verb if {
	every words in [
		"never again delete volume",
		"delete never volume",
		"run delete volume",
		"run never and delete volume",
		"never run and delete volume",
		"use run delete volume",
		"failed run delete volume",
		"failed delete volume",
		"failed to go and delete volume",
		"failed and delete volume",
		"to delete volume",
		"never to delete volume",
		"to failed delete volume",
		"delete volume failed",
		"delete the failed volume",
	] {
		says(words) == {"order"}
	}
}

test_an_excuse_for_one_verb_excuses_no_other if {
	says("never delete it but drop table") == {"order"}
	says("cannot delete volume so delete volume") == {"order"}
}

# Orders without an object.

test_a_strong_verb_orders_whatever_it_is_about if {
	every words in ["wipe bricks", "please wipe the bricks now", "wipe dm-7", "wipe pod and volume"] {
		says(words) == {"order"}
	}
}

test_a_strong_verb_is_free_where_something_harmless_or_nothing_follows if {
	every words in ["wipe", "please wipe", "wipe pod", "wipe the old exporter", "wipe a b c pod"] {
		says(words) == set()
	}
	says("wipe a b c d pod") == {"order"}
}

test_a_strong_verb_is_excused_like_any_other if {
	every words in ["never wipe bricks", "cannot wipe bricks", "a wipe bricks", "wipe policy bricks", "failed to wipe bricks"] {
		says(words) == set()
	}
}

test_a_pronoun_stands_for_what_holds_data_in_the_sentence_before if {
	every words in ["delete them", "then drop them now", "wipe them"] {
		after("detach the volume", words) == {"order"}
	}
}

test_a_pronoun_behind_anything_else_is_free if {
	after("detach the exporter", "delete them") == set()
	after("the pod of the volume", "delete them") == set()
	after("detach the volume", "never delete them") == set()
	after("detach the volume", "delete what them") == set()
	after("detach the volume", "see them") == set()
	says("delete them") == set()
}

test_what_need_not_be_done_is_no_order if {
	every words in ["never need to delete volume", "cannot need to drop table"] {
		says(words) == set()
	}
	every words in ["you need to delete volume", "never dare to delete volume", "never need and delete volume"] {
		says(words) == {"order"}
	}
}

# Orders in other forms of the verb.

test_a_gerund_behind_its_lead_that_reaches_data_is_critical if {
	every words in [
		"by deleting volume",
		"free space by deleting the old volume",
		"consider deleting /var/lib/mysql",
		"by deleting a b volume",
	] {
		says(words) == {"order"}
	}
}

test_a_gerund_without_its_lead_or_without_data_is_free if {
	every words in [
		"deleting volume",
		"job is deleting the volume",
		"by now deleting volume",
		"deleting by volume",
		"by deleting it",
		"by deleting",
		"by deleting the old big volume",
		"by deleting pod volume",
		"volume by deleting",
		"by volume",
	] {
		says(words) == set()
	}
}

test_the_lead_of_a_gerund_leads_no_verb_and_the_words_of_a_verb_excuse_no_gerund if {
	says("by deleting policy volume") == {"order"}
	says("by deleting failed volume") == {"order"}
	says("a by deleting volume") == {"order"}
}

test_a_noun_behind_its_lead_and_before_of_is_an_order if {
	every words in ["perform deletion of volume", "run perform the deletion of the volume"] {
		says(words) == {"order"}
	}
	every words in [
		"deletion of volume",
		"perform deletion volume",
		"it perform deletion of volume",
		"it perform the deletion of volume",
		"perform a deletion of volume",
		"the deletion of volume",
		"perform deletion of x",
	] {
		says(words) == set()
	}
}

test_data_that_must_be_destroyed_is_critical if {
	every words in [
		"volume must be deleted",
		"the volume of the pod must be wiped now",
		"the volume should be deleted",
		"table has to be deleted",
		"the volume ought to be wiped now",
		"the table now has to be deleted",
		"/var/lib/mysql must be deleted",
		"volume exporter must be deleted",
	] {
		says(words) == {"order"}
	}
}

test_a_participle_that_orders_nothing_is_free if {
	every words in [
		"deleted",
		"volume deleted",
		"volume was deleted",
		"volume be deleted",
		"volume will be deleted",
		"volume must deleted",
		"volume must not be deleted",
		"volume must be finally deleted",
		"volume must get deleted",
		"volume to be deleted",
		"volume waits to be deleted",
		"volume failed to be deleted",
		"volume has be deleted",
		"volume has must be",
		"volume has now to be deleted",
		"volume has to be finally deleted",
		"volume has to get deleted",
		"volume has to deleted",
		"volume has and be deleted",
		"volume to has be deleted",
		"volume be must deleted",
		"volume must be",
		"volume must be delete",
	] {
		says(words) == set()
	}
}

test_a_participle_without_data_before_it_is_free if {
	every words in [
		"must be deleted",
		"pod must be deleted",
		"volumes must be deleted",
		"it has to be deleted",
		"must be deleted volume",
		"has to be deleted from the volume",
		"pod must be deleted from the volume",
	] {
		says(words) == set()
	}
}

test_a_participle_is_not_the_data_before_itself if {
	every words, expected in {"it must be volume": set(), "volume must be volume": {"order"}} {
		with_orders({"participles": ["volume"]}, words) == expected
	}
}

# Orders in special forms.

test_of_makes_a_noun_of_a_verb_at_the_start_of_a_sentence if {
	says("drop of the table") == set()
	says("perform drop of the table") == {"order"}
	says("rid of the table") == {"order"}
	says("get rid of the table") == {"order"}
}

test_a_state_behind_the_object_makes_a_noun_of_the_verb if {
	says("delete volume is stuck") == set()
	says("delete volume is 9") == set()
	every words in ["delete the volume is stuck", "delete volume is full", "delete volume stuck is"] {
		says(words) == {"order"}
	}
}

test_of_makes_a_noun_of_a_verb_behind_a_tool if {
	tools := object.union(small, {"tools": {"storage": {"names": ["zfs"]}}})
	every words, expected in {"zfs drop of the table": set(), "zfs drop the table": {"order"}, "zfs now drop of the table": {"order"}} {
		expected == orders.found(split(words, " "), [], []) with data.config.destructive as tools
	}
}

test_what_a_sentence_is_to_bring_about_is_an_advice if {
	says("ensure the volume is deleted") == {"advice"}
	says("the volume is deleted") == set()
}

test_a_statement_needs_no_object if {
	every words in ["truncate orders", "now run truncate orders", "truncate a b c d pod", "truncate orders exporter"] {
		says(words) == {"order"}
	}
	every words in ["truncate", "now truncate orders", "run truncate", "truncate the old pod", "run drop orders", "never truncate orders"] {
		says(words) == set()
	}
}

test_delete_from_needs_no_object if {
	says("delete from orders") == {"order"}
	followed("now delete", "from orders") == {"order"}
	every words in ["drop orders from x", "now drop from x", "cannot delete from orders", "delete now from orders"] {
		says(words) == set()
	}
	followed("delete now", "from orders") == set()
	followed("delete", "orders from") == set()
}

test_delete_all_is_an_order_at_the_end_of_a_sentence if {
	says("delete all") == {"order"}
	says("please delete all") == {"order"}
	every words in ["delete all pods", "all delete", "wipe all pod", "by deleting all"] {
		says(words) == set()
	}
}

test_a_verb_is_excused_by_the_sentence_before_it if {
	after("never", "delete the volume") == set()
	after("never run", "delete the volume") == set()
	after("never", "use delete volume") == set()
	after("cannot", "delete the volume") == {"order"}
	after("never mind", "delete the volume") == {"order"}
	after("never", "so delete the volume") == {"order"}
	after("never", "run run run delete volume") == {"order"}
	after("never cannot", "delete the volume") == set()
}

test_a_negated_form_in_ing_is_free if {
	every words in ["never by deleting volume", "never run space by deleting volume", "cannot use by deleting volume"] {
		says(words) == set()
	}
	every words in ["never x by deleting volume", "space by deleting volume"] {
		says(words) == {"order"}
	}
}

test_a_form_in_ing_that_will_come_is_a_report if {
	says("it will consider deleting volume") == set()
	says("will it consider deleting volume") == {"order"}
}

test_the_mood_decides_between_order_and_advice if {
	moods := object.union(small.moods, {"alternatives": ["or"], "modals": ["should"], "software": ["gc"], "people": ["you"]})
	every words, expected in {
		"delete volume": {"order"},
		"delete files": {"order"},
		"or delete volume": {"order"},
		"or delete files": {"advice"},
		"the ilm should delete volume": {"advice"},
		"the ilm should delete files": {"advice"},
		"gc should delete volume": {"advice"},
		"gc should delete files": set(),
		"you should delete files": {"order"},
		"delete volume or delete files": {"order", "advice"},
	} {
		changed := object.union({part: lists | some part, lists in small; part != "moods"}, {"moods": moods})
		expected == orders.found(split(words, " "), [], []) with data.config.destructive as object.union(changed, {"orders": {"determiners": ["the"]}})
	}
}

test_words_that_are_no_texts_are_no_orders_and_raise_no_error if {
	every sentence in [["delete", 1], [null, "delete", null], ["delete", ["volume"]], [1, "must", "be", "deleted"], [["delete"], "volume"]] {
		in_text([sentence], 0, [], []) == set()
	}
	in_text([["delete", 1, "volume"]], 0, [null, 1], [["or"]]) == {"order"}
}
