# METADATA
# title: The rule finds orders to destroy data in phrases, commands and sentences. Reports and warnings pass.
package sre_dispatch.rules.destructive_test

import data.sre_dispatch.rules.destructive
import future.keywords.not

config := {
	"phrases": {
		"files": {"words": ["rm -rf", "wipe it"]},
		"sql": {"words": ["drop table"]},
	},
	"commands": {
		"kubectl": [[["delete", "drop"], ["pvc", "ns"]], [["drain"], ["--force"], ["now"]]],
		"flushall": [[]],
		"wipefs": [[["-a"]], []],
		"noop": [],
	},
	"orders": {
		"steps": [1, 2, 3],
		"verbs": ["delete", "drop"],
		"strong_verbs": ["wipe"],
		"gerunds": ["deleting"],
		"gerund_leads": ["by", "consider"],
		"participles": ["deleted", "wiped"],
		"obligations": ["must", "should"],
		"needs": ["has", "ought"],
		"objects": ["volume", "table"],
		"paths": ["/var/lib", "pgdata"],
		"stops": ["pod", "then"],
		"determiners": ["its", "the"],
		"pronouns": ["them"],
		"harmless_heads": ["exporter", "metrics"],
		"nouns_before": ["a", "nightly"],
		"nouns_behind": ["policy", "job"],
	},
	"excuses": {
		"negations": ["never", "cannot"],
		"running": ["run", "use"],
		"waived": ["need"],
		"attempts": ["failed", "unable"],
		"spared": ["pod"],
		"reports": ["failed", "took"],
	},
}

phrase := {"code": "destructive_phrase", "level": "CRITICAL"}

command := {"code": "destructive_command", "level": "CRITICAL"}

order := {"code": "destructive_order", "level": "CRITICAL"}

in_name := {"code": "destructive_name", "level": "HIGH"}

found(text) := answer if {
	answer := destructive.contributions with input as {"text": text} with data.config.destructive as config
}

reads(words) := found({"words": [words], "sentences": [], "names": []})

says(words) := found({"words": [], "sentences": [split(words, " ")], "names": []})

names(words) := found({"words": [], "sentences": [], "names": [split(words, "-")]})

but_with(name, value) := object.union({part: lists | some part, lists in config; part != name}, {name: value})

# Phrases.

test_a_phrase_in_a_text_is_critical if {
	every words in [" rm -rf ", " rm -rf /data ", " please wipe it ", " to free space drop table orders "] {
		reads(words) == {phrase}
	}
}

test_a_text_that_only_resembles_a_phrase_is_free if {
	every words in [
		"",
		" ",
		" rm ",
		" rm -rfv ",
		" farm -rf ",
		" rm the -rf ",
		" -rf rm ",
		" drop-table ",
		" drop tables ",
	] {
		reads(words) == set()
	}
}

test_a_phrase_is_not_put_together_from_two_texts if {
	found({"words": [" please drop ", " table orders "], "sentences": [], "names": []}) == set()
	found({"words": [" disk is full ", " drop table orders "], "sentences": [], "names": []}) == {phrase}
}

test_nothing_excuses_a_phrase if {
	every words in [" never rm -rf ", " failed to drop table ", " rm -rf failed ", " never run rm -rf "] {
		reads(words) == {phrase}
	}
}

test_a_phrase_is_looked_for_in_whole_texts_only if {
	says("rm -rf") == set()
	names("rm-rf") == set()
}

# Commands.

test_a_command_with_a_word_of_each_list_is_critical if {
	every words in [
		"kubectl delete pvc",
		"kubectl drop ns shop",
		"please run kubectl -n shop delete the pvc",
		"kubectl delete -n pvc",
		"kubectl drain node-1 --force now",
		"now kubectl drain node-1 --force",
		"the pvc goes by kubectl delete",
		"the pvc kubectl delete",
		"kubectl get pods and kubectl delete ns shop",
	] {
		says(words) == {command}
	}
}

test_a_command_without_a_word_of_each_list_is_free if {
	every words in [
		"kubectl",
		"kubectl delete",
		"kubectl delete pod",
		"kubectl get pvc",
		"kubectl delete pvc-1",
		"kubectl drain node-1",
		"kubectl drain node-1 --force",
		"kubectl drain node-1 now",
		"kubectl --force now",
		"kubectls delete pvc",
		"delete pvc",
		"wipefs.service",
		"noop",
		"noop delete pvc",
	] {
		says(words) == set()
	}
}

test_the_word_of_the_first_list_stands_behind_the_command if {
	says("delete pvc by kubectl") == set()
	says("delete kubectl pvc") == set()
	says("pvc drop kubectl") == set()
	says("kubectl drop pvc") == {command}
}

test_a_command_is_not_the_word_behind_itself if {
	repeated := but_with("commands", {"drop": [[["drop"], ["pvc"]]]})
	every words, expected in {
		"drop pvc": set(),
		"pvc drop": set(),
		"drop and drop pvc": {command},
	} {
		destructive.contributions == expected with data.config.destructive as repeated
			with input as {"text": {"sentences": [split(words, " ")]}}
	}
}

test_a_command_whose_form_is_empty_is_critical_alone if {
	every words in ["flushall", "flushall now", "redis flushall", "wipefs", "wipefs -a", "wipefs /dev/sdb"] {
		says(words) == {command}
	}
}

test_a_command_is_not_put_together_from_two_sentences if {
	found({"words": [], "sentences": [["kubectl", "delete"], ["pvc"]], "names": []}) == set()
	found({"words": [], "sentences": [["kubectl"], ["kubectl", "delete", "pvc"]], "names": []}) == {command}
}

test_a_command_is_looked_for_in_sentences_only if {
	reads(" flushall ") == set()
	reads(" kubectl delete pvc ") == set()
	names("flushall") == set()
	names("kubectl-delete-pvc") == set()
}

test_an_excused_command_is_free if {
	every words in [
		"never flushall",
		"never run flushall",
		"cannot use flushall",
		"failed to flushall",
		"flushall failed",
		"never kubectl delete pvc",
		"cannot run kubectl delete pvc",
		"unable to kubectl delete pvc",
		"kubectl failed delete pvc",
	] {
		says(words) == set()
	}
}

test_a_command_whose_words_are_excused_is_free if {
	every words in [
		"kubectl cannot delete pvc",
		"kubectl cannot use delete pvc",
		"kubectl failed to delete pvc",
		"kubectl delete took 3s for pvc",
		"kubectl delete never pvc",
		"kubectl delete pvc failed",
	] {
		says(words) == set()
	}
}

test_an_excuse_for_one_command_or_word_excuses_no_other if {
	every words in [
		"never flushall but flushall",
		"flushall failed so flushall",
		"never kubectl delete pvc but kubectl delete pvc",
		"kubectl delete failed so delete pvc",
		"kubectl delete pvc failed so ns",
		"kubectl delete pvc and pod failed",
	] {
		says(words) == {command}
	}
}

test_what_may_be_deleted_spares_what_is_said_behind_it if {
	every words in ["kubectl delete pod x to fix the pvc", "kubectl -n ns2 delete pod x now see pvc"] {
		says(words) == set()
	}
}

test_an_object_right_behind_what_may_be_deleted_is_not_spared if {
	pods := object.union(config.commands, {"kubectl": [[["delete"], ["volume", "--all"]]]})
	every case in [
		["kubectl delete pod volume -l app", {command}],
		["kubectl delete now pod x volume", {command}],
		["kubectl delete pod --all", set()],
		["kubectl delete pod x now fix volume", set()],
	] {
		[words, expected] := case
		text := {"words": [], "sentences": [split(words, " ")], "names": []}
		expected == {given |
			some given in destructive.contributions with input as {"text": text}
				with data.config.destructive as but_with("commands", pods)
			given.code == command.code
		}
	}
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
		says(words) == {order}
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

test_data_before_the_verb_is_not_its_object if {
	says("volume delete") == set()
	says("the volume will delete") == set()
	says("the volume drop delete") == set()
}

test_data_is_reached_up_to_the_last_step_and_no_further if {
	says("delete volume") == {order}
	says("delete one volume") == {order}
	says("delete one two volume") == {order}
	says("delete one two three volume") == set()
}

test_data_is_reached_at_the_steps_that_are_listed_only if {
	far := but_with("orders", object.union(config.orders, {"steps": [2, 4]}))
	every words, expected in {
		"delete volume": set(),
		"delete the volume": {order},
		"delete the old volume": set(),
		"delete all of the volume": {order},
		"delete all then of volume": set(),
		"delete all of then volume": {order},
	} {
		destructive.contributions == expected with data.config.destructive as far
			with input as {"text": {"sentences": [split(words, " ")]}}
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
		says(words) == {order}
	}
}

test_data_that_would_end_the_search_is_found_itself if {
	both := but_with("orders", object.union(config.orders, {"stops": ["volume", "then"]}))
	every words in ["delete volume", "delete the volume", "delete the old volume"] {
		destructive.contributions == {order} with data.config.destructive as both
			with input as {"text": {"sentences": [split(words, " ")]}}
	}
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
		says(words) == {order}
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
		says(words) == {order}
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
		says(words) == {order}
	}
}

test_an_excuse_for_one_verb_excuses_no_other if {
	says("never delete it but drop table") == {order}
	says("cannot delete volume so delete volume") == {order}
}

reaching(words) := answer if {
	orders := object.union(config.orders, {"steps": [1, 2, 3, 4, 5]})
	text := {"words": [], "sentences": [split(words, " ")], "names": []}
	answer := destructive.contributions with input as {"text": text}
		with data.config.destructive as but_with("orders", orders)
}

test_and_leads_on_behind_a_stop if {
	every words in ["delete pod and volume", "delete the pod and volume", "delete pod and its volume"] {
		reaching(words) == {order}
	}
}

test_and_leads_on_to_nothing_but_the_next_object if {
	every words in ["delete pod and expand volume", "delete pod or its volume", "delete pod and its own volume"] {
		reaching(words) == set()
	}
}

# Orders without an object.

test_a_strong_verb_orders_whatever_it_is_about if {
	every words in ["wipe bricks", "please wipe the bricks now", "wipe dm-7", "wipe pod and volume"] {
		says(words) == {order}
	}
}

test_a_strong_verb_is_free_where_something_harmless_or_nothing_follows if {
	every words in ["wipe", "please wipe", "wipe pod", "wipe the old exporter", "wipe a b c pod"] {
		says(words) == set()
	}
	says("wipe a b c d pod") == {order}
}

test_a_strong_verb_is_excused_like_any_other if {
	every words in ["never wipe bricks", "cannot wipe bricks", "a wipe bricks", "wipe policy bricks", "failed to wipe bricks"] {
		says(words) == set()
	}
}

after(before, words) := found({"words": [], "sentences": [split(before, " "), split(words, " ")], "names": []})

test_a_pronoun_stands_for_what_holds_data_in_the_sentence_before if {
	every words in ["delete them", "then drop them now", "wipe them"] {
		after("detach the volume", words) == {order}
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
		says(words) == {order}
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
		says(words) == {order}
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
	says("by deleting policy volume") == {order}
	says("by deleting failed volume") == {order}
	says("a by deleting volume") == {order}
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
		says(words) == {order}
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
	both := but_with("orders", object.union(config.orders, {"participles": ["volume"]}))
	every words, expected in {"it must be volume": set(), "volume must be volume": {order}} {
		destructive.contributions == expected with data.config.destructive as both
			with input as {"text": {"sentences": [split(words, " ")]}}
	}
}

test_an_order_is_not_put_together_from_two_sentences if {
	found({"words": [], "sentences": [["delete", "the"], ["volume"]], "names": []}) == set()
	found({"words": [], "sentences": [["volume"], ["must", "be", "deleted"]], "names": []}) == set()
	found({"words": [], "sentences": [["disk", "full"], ["delete", "volume"]], "names": []}) == {order}
}

test_an_order_is_looked_for_in_sentences_and_names_only if {
	reads(" delete volume ") == set()
}

# Names.

test_a_name_that_spells_an_order_is_high_for_the_name if {
	every words in [
		"drop-table-job",
		"delete-volume",
		"nightly-job-delete-old-volume",
		"volume-must-be-deleted",
		"by-deleting-table",
	] {
		names(words) == {in_name}
	}
}

test_a_name_that_spells_no_order_is_free if {
	every words in [
		"",
		"volume",
		"table-drop",
		"nightly-delete-volume",
		"cannot-delete-volume",
		"delete-policy-volume",
		"delete-volume-exporter",
		"delete-pod-volume",
		"delete-a-b-c-volume",
	] {
		names(words) == set()
	}
	found({"words": [], "sentences": [], "names": [["delete"], ["volume"]]}) == set()
}

test_each_kind_of_finding_is_told if {
	found({
		"words": [" wipe it "],
		"sentences": [["flushall"], ["delete", "volume"]],
		"names": [["drop", "table"]],
	}) == {phrase, command, order, in_name}
	says("kubectl delete pvc and volume") == {command, order}
}

# Data that is missing or of the wrong type.

test_one_unusable_field_hides_none_of_the_others if {
	found({"words": [" wipe it "]}) == {phrase}
	found({"sentences": [["flushall"]]}) == {command}
	found({"sentences": [["delete", "volume"]]}) == {order}
	found({"names": [["delete", "volume"]]}) == {in_name}
	found({"words": null, "sentences": [["flushall"]], "names": null}) == {command}
	found({"words": 1, "sentences": 1, "names": [["delete", "volume"]]}) == {in_name}
	found({"sentences": [null, 1, "flushall", ["delete", "volume"]]}) == {order}
	found({"names": [null, 1, "delete", ["delete", "volume"]]}) == {in_name}
	found({"words": [null, " wipe it "]}) == {phrase}
	found({"sentences": [[null, 1, "flushall"]]}) == {command}
}

test_absent_or_mistyped_text_gives_no_reason if {
	every text in [
		null,
		1,
		" wipe it ",
		[" wipe it "],
		{},
		{"words": [], "sentences": [], "names": []},
		{"words": null},
		{"words": " wipe it "},
		{"words": {"a": " wipe it "}},
		{"words": [null, 1, [" wipe it "]]},
		{"words": null, "sentences": null, "names": null},
		{"sentences": "flushall", "names": "delete volume"},
		{"sentences": 1, "names": true},
		{"sentences": {}, "names": {}},
		{"sentences": ["flushall", "delete volume"], "names": ["delete volume"]},
		{"sentences": [null, 1, true], "names": [null, 1, true]},
		{"sentences": [[], {}], "names": [[], {}]},
		{"sentences": [[null, 1, ["flushall"], ["delete", "volume"]]], "names": [[["delete", "volume"]]]},
		{"sentences": [["kubectl", 1, null], [null, "be", "deleted"]], "names": [["drop"], [1, "deleted"]]},
	] {
		found(text) == set()
	}
	every document in [{}, [], null, "flushall"] {
		destructive.contributions == set() with input as document with data.config.destructive as config
	}
}

# All texts that the small lists above match.
destroying := {
	"words": [" wipe it "],
	"sentences": [["flushall"], ["delete", "volume"]],
	"names": [["drop", "table"]],
}

test_empty_lists_are_ready_and_find_nothing if {
	empty := {
		"phrases": {},
		"commands": {},
		"orders": {name: [] | some name, _ in config.orders},
		"excuses": {name: [] | some name, _ in config.excuses},
	}
	destructive.ready with data.config.destructive as empty
	destructive.contributions == set() with data.config.destructive as empty with input as {"text": destroying}
}

unusable(document) if {
	not destructive.ready with data.config.destructive as document
	destructive.contributions == set() with data.config.destructive as document with input as {"text": destroying}
}

test_missing_or_mistyped_maps_are_not_ready_and_find_nothing if {
	destructive.ready with data.config.destructive as config
	found(destroying) == {phrase, command, order, in_name}
	every name in ["phrases", "commands", "orders", "excuses"] {
		unusable({other: value | some other, value in config; other != name})
		every value in [null, 1, true, "delete", ["delete"]] {
			unusable(object.union(config, {name: value}))
		}
	}
	unusable({})
	unusable(null)
	unusable("delete")
	not destructive.ready with data.config as {}
	destructive.contributions == set() with data.config as {} with input as {"text": destroying}
}

test_missing_or_mistyped_lists_are_not_ready_and_find_nothing if {
	every map in ["orders", "excuses"] {
		every name, _ in config[map] {
			kept := {other: value | some other, value in config[map]; other != name}
			unusable(but_with(map, kept))
			every value in [{}, {"delete": "delete"}, {"delete": 1}] {
				unusable(but_with(map, object.union(kept, {name: value})))
			}
		}
	}
}

test_steps_that_are_no_numbers_are_not_ready_and_find_nothing if {
	every step in [null, true, "2", [2], {"a": 2}] {
		unusable(but_with("orders", object.union(config.orders, {"steps": [1, step]})))
	}
}

# The shipped data.

test_the_shipped_lists_are_ready_and_each_phrase_is_written_as_texts_are if {
	destructive.ready
	every group in data.config.destructive.phrases {
		every words in group.words {
			words == lower(words)
			not contains(concat("", [" ", words, " "]), "  ")
			destructive.contributions == {phrase} with input as {"text": {"words": [concat("", [" so ", words, " now "])]}}
		}
	}
}

test_each_shipped_command_is_written_as_sentences_are if {
	every name, forms in data.config.destructive.commands {
		word_of_a_sentence(name)
		every form in forms {
			every words in form {
				count(words) > 0
				every word in words {
					word_of_a_sentence(word)
				}
			}
		}
	}
}

test_each_shipped_word_of_an_order_or_excuse_is_written_as_sentences_are if {
	every name, words in data.config.destructive.orders {
		every word in words {
			of_its_form(name, word)
		}
	}
	every words in data.config.destructive.excuses {
		every word in words {
			word_of_a_sentence(word)
		}
	}
}

of_its_form("steps", word) if {
	is_number(word)
	word >= 1
}

of_its_form(name, word) if {
	name != "steps"
	word_of_a_sentence(word)
}

word_of_a_sentence(word) if {
	word != ""
	word == lower(word)
	not contains(word, " ")
}

# The order of the lists must not matter.
test_no_shipped_word_is_a_verb_in_two_forms if {
	orders := data.config.destructive.orders
	distinct := {word | some name in ["verbs", "gerunds", "participles"]; some word in orders[name]}
	count(distinct) == (count(orders.verbs) + count(orders.gerunds)) + count(orders.participles)
}

test_a_word_that_is_no_text_is_no_data if {
	every sentence in [["delete", 1], ["delete", null], ["delete", ["volume"]], [1, "must", "be", "deleted"]] {
		found({"sentences": [sentence], "names": [sentence]}) == set()
	}
	found({"sentences": [["delete", 1, "volume"]]}) == {order}
}

test_a_sentence_that_is_no_list_is_none if {
	every sentence in [{"a": "delete", "b": "volume"}, {"a": "flushall"}, "delete volume", null] {
		found({"sentences": [sentence], "names": [sentence]}) == set()
	}
}

test_mistyped_lists_of_words_are_not_ready_and_raise_no_error if {
	every name, _ in config.orders {
		every value in [null, 1, true, "delete"] {
			unusable(but_with("orders", object.union(config.orders, {name: value})))
		}
	}
	every path in [null, 1, ["/var/lib"]] {
		unusable(but_with("orders", object.union(config.orders, {"paths": ["/srv", path]})))
	}
}

test_a_mistyped_phrase_or_form_hides_no_other if {
	every words in [null, 1, "wipe it", [null, 1, ["wipe it"]]] {
		odd := object.union(config, {"phrases": {"odd": {"words": words}}})
		destructive.contributions == {phrase, command, order, in_name} with data.config.destructive as odd
			with input as {"text": destroying}
	}
	every forms in [null, 1, "delete", [null, 1, "delete"]] {
		odd := object.union(config, {"commands": {"volume": forms}})
		destructive.contributions == {phrase, command, order, in_name} with data.config.destructive as odd
			with input as {"text": destroying}
	}
}
