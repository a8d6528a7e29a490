# METADATA
# title: Orders to destroy are found as whole phrases in the alert's lines.
package sre_dispatch.rules.destructive_test

import data.sre_dispatch.rules.destructive
import future.keywords.not

config := {"phrases": ["delete pvc", "wipefs"]}

phrase := {"code": "destructive_phrase", "level": "CRITICAL"}

truncated := {"code": "text_truncated", "level": "HIGH"}

text(lines, cut) := {"text": {"lines": lines, "truncated": cut}}

test_a_line_that_holds_a_phrase_is_critical if {
	every line in [
		" delete pvc ",
		" kubectl delete pvc typedb-data -n f3iai ",
		" run wipefs -a /dev/sdb ",
		" to free space run kubectl delete pvc ",
	] {
		destructive == {"ready": true, "contributions": {phrase}} with data.config.destructive as config
			with input as text([" pvc typedb-data is 91 full ", line], false)
	}
}

test_a_line_that_only_resembles_a_phrase_is_free if {
	every line in [
		"",
		"  ",
		" delete-pvc ",
		" nightly-delete pvc-report ",
		" delete pvcs ",
		" undelete pvc ",
		" delete the pvc ",
		" wipefs.service ",
	] {
		destructive == {"ready": true, "contributions": set()} with data.config.destructive as config
			with input as text([line], false)
	}
}

test_a_phrase_is_not_put_together_from_two_lines if {
	destructive.contributions == set() with data.config.destructive as config
		with input as text([" please delete ", " pvc typedb-data "], false)
}

test_truncated_text_is_high_besides if {
	destructive.contributions == {truncated} with input as text([], true)
		with data.config.destructive as config
	destructive.contributions == {truncated, phrase} with input as text([" delete pvc "], true)
		with data.config.destructive as config
}

test_absent_or_mistyped_text_gives_no_reason if {
	every document in [
		{},
		{"text": null},
		{"text": {}},
		text(null, null),
		text(" delete pvc ", "true"),
		text([null, 1, [" delete pvc "]], 1),
		text({"line": " delete pvc "}, []),
	] {
		destructive == {"ready": true, "contributions": set()} with input as document
			with data.config.destructive as config
	}
}

test_an_empty_list_is_ready_and_finds_nothing if {
	destructive == {"ready": true, "contributions": set()} with data.config.destructive as {"phrases": []}
		with input as text([" delete pvc "], false)
}

test_a_missing_or_mistyped_list_is_not_ready if {
	every unusable in [{}, null, {"phrases": null}, {"phrases": "delete pvc"}, {"phrases": ["delete pvc", 1]}] {
		destructive == {"contributions": set()} with data.config.destructive as unusable
			with input as text([" delete pvc "], false)
	}
	destructive == {"contributions": {truncated}} with data.config as {}
		with input as text([" delete pvc "], true)
}

test_each_shipped_phrase_is_written_as_lines_are if {
	every words in data.config.destructive.phrases {
		words == lower(words)
		destructive.contributions == {phrase} with input as text([concat("", [" run ", words, " now "])], false)
		not contains(concat("", [" ", words, " "]), "  ")
	}
}

# Texts of PVCUsageHigh and PVCUsageCritical, and stock texts that speak of disks, deletion or loss.
test_symptoms_are_no_orders if {
	every line in [
		" pvc typedb-data is 91 full ",
		" persistentvolumeclaim typedb-data in namespace f3iai is 75.2 full ",
		" persistentvolume is filling up ",
		" volume is filling up ",
		" the persistent volume pvc-1 has status failed ",
		" job failed to complete removing failed job after investigation should clear this alert ",
		" statefulset update has not been rolled out ",
		" namespace is stuck terminating and could not be deleted ",
		" etcd database size in use is 40 of the actual allocated disk space please run etcdctl defrag ",
		" filesystem on /dev/sdb mounted at /data has only 3 available space left ",
		" prometheus is dropping samples ",
		" ceph osd disk not responding ",
	] {
		destructive.contributions == set() with input as text([line], false)
	}
}
