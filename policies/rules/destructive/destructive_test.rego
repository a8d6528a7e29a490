# METADATA
# title: The rule finds orders to destroy data in phrases, commands, sentences and names.
package sre_dispatch.rules.destructive_test

import data.sre_dispatch.rules.destructive
import future.keywords.not

config := {
	"phrases": {
		"files": {"words": ["rm -rf", "wipe it"]},
		"sql": {"words": ["drop table"]},
	},
	"tools": {"cluster": {"names": ["helm"], "spared": ["pod"]}},
	"tool_verbs": ["uninstall"],
	"tool_breaks": ["list"],
	"value_flags": ["-n"],
	"commands": {"flushall": [[]]},
	"calls": {"starts": ["db."], "ends": [".drop"]},
	"orders": object.union(_empty("orders"), {
		"steps": [1, 2, 3],
		"verbs": ["delete", "drop"],
		"strong_verbs": ["wipe"],
		"gerunds": ["deleting"],
		"gerund_leads": ["by", "consider"],
		"participles": ["deleted", "wiped"],
		"obligations": ["must", "should"],
		"needs": ["has", "ought"],
		"objects": ["volume", "volumes", "table"],
		"paths": ["/var/lib", "pgdata"],
		"stops": ["pod", "then"],
		"determiners": ["its", "the"],
		"pronouns": ["them"],
		"harmless_heads": ["exporter", "metrics"],
		"nouns_before": ["a", "nightly"],
		"nouns_behind": ["policy", "job"],
	}),
	"moods": object.union(_empty("moods"), {
		"alternatives": ["or"],
		"vague": ["volumes"],
	}),
	"excuses": object.union(_empty("excuses"), {
		"negations": ["never", "cannot"],
		"carriers": ["run", "use"],
		"waived": ["need"],
		"attempts": ["failed", "unable"],
		"spared": ["pod"],
		"reports": ["failed", "took"],
	}),
}

# The lists that these tests leave empty
_empty(part) := {name: _nothing(value) | some name, value in data.config.destructive[part]}

_nothing(value) := [] if is_array(value)

_nothing(value) := {} if is_object(value)

phrase := {"code": "destructive_phrase", "level": "CRITICAL"}

command := {"code": "destructive_command", "level": "CRITICAL"}

order := {"code": "destructive_order", "level": "CRITICAL"}

advice := {"code": "destructive_advice", "level": "HIGH"}

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
	says("helm uninstall x then delete volume") == {command, order}
	says("delete volume or delete volumes") == {order, advice}
	says("or delete volumes") == {advice}
}

test_a_command_is_looked_for_in_sentences_only if {
	reads(" flushall ") == set()
	names("flushall") == set()
	names("helm-uninstall-x") == set()
	says("flushall") == {command}
	found({"sentences": [["disk", "full"], ["helm", "uninstall", "x"]]}) == {command}
	found({"sentences": [["helm"], ["uninstall", "x"]]}) == set()
}

test_an_order_is_looked_for_in_sentences_and_names_only if {
	reads(" delete volume ") == set()
	reads(" or delete volumes ") == set()
	names("or-delete-volumes") == set()
	found({"sentences": [["delete", "the"], ["volume"]]}) == set()
	found({"sentences": [["disk", "full"], ["delete", "volume"]]}) == {order}
}

test_the_sentences_beside_a_sentence_belong_to_its_order if {
	found({"sentences": [["see", "the", "volume"], ["delete", "them"]]}) == {order}
	found({"sentences": [["delete", "them"], ["see", "the", "volume"]]}) == set()
	found({"sentences": [["see", "the", "volume"], null, ["delete", "them"]]}) == set()
	found({"sentences": [["or"], ["delete", "volumes"]]}) == {advice}
	every beside in [null, "or", 1] {
		found({"sentences": [beside, ["delete", "volumes"], beside]}) == {order}
	}
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
		"tools": {},
		"tool_verbs": [],
		"tool_breaks": [],
		"value_flags": [],
		"commands": {},
		"calls": {"starts": [], "ends": []},
		"orders": _empty("orders"),
		"moods": _empty("moods"),
		"excuses": _empty("excuses"),
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
	every name in ["phrases", "tools", "commands", "calls", "orders", "moods", "excuses"] {
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
	every map in ["calls", "orders", "moods", "excuses"] {
		every name, _ in config[map] {
			kept := {other: value | some other, value in config[map]; other != name}
			unusable(but_with(map, kept))
			every value in [null, 1, true, "delete"] {
				unusable(but_with(map, object.union(kept, {name: value})))
			}
		}
	}
	every name in ["tool_verbs", "tool_breaks", "value_flags"] {
		unusable({other: value | some other, value in config; other != name})
		every value in [null, 1, true, "delete", {}, {"delete": "delete"}] {
			unusable(but_with(name, value))
		}
	}
}

test_lists_that_are_maps_and_maps_that_are_lists_are_not_ready if {
	every map in ["calls", "orders", "moods", "excuses"] {
		every name, value in config[map] {
			unusable(but_with(map, object.union({other: kept | some other, kept in config[map]; other != name}, {name: _other(value)})))
		}
	}
	every name in ["pairs", "states", "bans"] {
		unusable(but_with("excuses", object.union(config.excuses, {name: {"delete": "delete"}})))
	}
}

_other(value) := {"delete": "delete"} if is_array(value)

_other(value) := ["delete"] if is_object(value)

test_steps_that_are_no_numbers_are_not_ready_and_find_nothing if {
	every step in [null, true, "2", [2], {"a": 2}] {
		unusable(but_with("orders", object.union(config.orders, {"steps": [1, step]})))
	}
}

test_parts_of_words_that_are_no_texts_are_not_ready_and_raise_no_error if {
	every value in [null, 1, ["/var/lib"]] {
		every name in ["paths", "harmless_paths", "settings"] {
			unusable(but_with("orders", object.union(config.orders, {name: ["/srv", value]})))
		}
		unusable(but_with("moods", object.union(config.moods, {"name_marks": ["-", value]})))
		every name in ["starts", "ends"] {
			unusable(but_with("calls", object.union(config.calls, {name: ["db.", value]})))
		}
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

test_each_shipped_word_is_written_as_sentences_are if {
	every part in ["orders", "moods", "excuses", "calls"] {
		every name, words in data.config.destructive[part] {
			_of_its_form(name, words)
		}
	}
	every name in ["tool_verbs", "tool_breaks", "value_flags"] {
		_are_words(data.config.destructive[name])
	}
	every group in data.config.destructive.tools {
		count(group.names) > 0
		every words in group {
			_are_words(words)
		}
	}
}

_of_its_form(name, words) if {
	name == "steps"
	every word in words {
		word >= 1
	}
}

_of_its_form(name, words) if {
	name != "steps"
	is_array(words)
	_are_words(words)
}

_of_its_form(_, words) if {
	is_object(words)
	every word, others in words {
		word_of_a_sentence(word)
		_are_words(others)
	}
}

_are_words(words) if {
	every word in words {
		word_of_a_sentence(word)
	}
}

word_of_a_sentence(word) if {
	word != ""
	word == lower(word)
	not contains(word, " ")
}

test_each_shipped_tool_is_in_one_group if {
	groups := data.config.destructive.tools
	distinct := {name | name := groups[_].names[_]}
	count(distinct) == count([name | name := groups[_].names[_]])
}

# The order of the lists must not matter.
test_no_shipped_word_is_a_verb_in_two_forms if {
	orders := data.config.destructive.orders
	lists := ["verbs", "verbs_with_of", "strong_verbs", "gerunds", "participles"]
	distinct := {word | some name in lists; some word in orders[name]}
	count(distinct) == count([word | some name in lists; some word in orders[name]])
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

test_a_mistyped_phrase_or_form_hides_no_other if {
	every words in [null, 1, "wipe it", [null, 1, ["wipe it"]]] {
		odd := object.union(config, {"phrases": {"odd": {"words": words}}})
		destructive.contributions == {phrase, command, order, in_name} with data.config.destructive as odd
			with input as {"text": destroying}
	}
	every forms in [null, 1, "delete", [null, 1, "delete"]] {
		odd := object.union(config, {"commands": {"volume": forms}, "tools": {"odd": forms}})
		destructive.contributions == {phrase, command, order, in_name} with data.config.destructive as odd
			with input as {"text": destroying}
	}
}
