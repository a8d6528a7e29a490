# METADATA
# title: A command destroys data if its form is complete, or if a tool is to destroy anything but what is spared.
package sre_dispatch.rules.destructive.commands_test

import data.sre_dispatch.rules.destructive.commands
import future.keywords.not

shipped := data.config.destructive

small := object.union({part: lists | some part, lists in shipped; not part in {"commands", "tools"}}, {
	"commands": {
		"kubectl": [[["delete", "drop"], ["pvc", "ns"]], [["drain"], ["--force"], ["now"]]],
		"flushall": [[]],
		"wipefs": [[["-a"]], []],
		"noop": [],
	},
	"tools": {},
})

sentence(words) := split(words, " ")

asked(words) := {"text": {"sentences": [sentence(words)]}}

# With the commands above
destroys(words) if commands.destroys(sentence(words)) with data.config.destructive as small with input as asked(words)

# With the shipped tools and commands
told(words) if commands.destroys(sentence(words)) with input as asked(words)

# The same for many sentences, whose words need not be looked at as parts of a text
all_told(lists) if {
	every words in lists {
		commands.destroys(sentence(words))
	}
}

# Commands with a form.

test_a_command_with_a_word_of_each_list_destroys if {
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
		destroys(words)
	}
}

test_a_command_without_a_word_of_each_list_is_free if {
	every words in [
		"",
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
		not destroys(words)
	}
}

test_the_word_of_the_first_list_stands_behind_the_command if {
	not destroys("delete pvc by kubectl")
	not destroys("delete kubectl pvc")
	not destroys("pvc drop kubectl")
	destroys("kubectl drop pvc")
}

test_a_command_is_not_the_word_behind_itself if {
	repeated := object.union({part: lists | some part, lists in small; part != "commands"}, {"commands": {"drop": [[["drop"], ["pvc"]]]}})
	not commands.destroys(["drop", "pvc"]) with data.config.destructive as repeated
	not commands.destroys(["pvc", "drop"]) with data.config.destructive as repeated
	commands.destroys(["drop", "and", "drop", "pvc"]) with data.config.destructive as repeated
}

test_a_command_whose_form_is_empty_destroys_alone if {
	every words in ["flushall", "flushall now", "redis flushall", "wipefs", "wipefs -a", "wipefs /dev/sdb"] {
		destroys(words)
	}
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
		"kubectl cannot delete pvc",
		"kubectl cannot use delete pvc",
		"kubectl failed to delete pvc",
		"kubectl delete took 3s for pvc",
		"kubectl delete never pvc",
		"kubectl delete pvc failed",
	] {
		not destroys(words)
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
		destroys(words)
	}
}

test_what_may_be_deleted_spares_what_is_said_behind_it if {
	every words in ["kubectl delete pod x to fix the pvc", "kubectl -n ns2 delete pod x now see pvc"] {
		not destroys(words)
	}
}

test_an_object_right_behind_what_may_be_deleted_is_not_spared if {
	volumes := object.union(small, {"commands": {"kubectl": [[["delete"], ["volume", "--all"]]]}})
	every words in ["kubectl delete pod volume -l app", "kubectl delete now pod x volume"] {
		commands.destroys(sentence(words)) with data.config.destructive as volumes
	}
	every words in ["kubectl delete pod --all", "kubectl delete pod x now fix volume"] {
		not commands.destroys(sentence(words)) with data.config.destructive as volumes
	}
}

# Tools, with the shipped lists.

test_each_tool_and_each_verb_destroys_whatever_the_object_is if {
	all_told({concat(" ", [name, "delete x-1"]) | name := shipped.tools[_].names[_]})
	all_told({concat(" ", ["please run helm -n shop", verb, "the x-1 of shop"]) | verb := shipped.tool_verbs[_]})
}

test_a_negated_tool_destroys_nothing if {
	every negation in ["never", "never run", "do not run", "do not use", "you must not", "avoid", "instead of"] {
		not told(concat(" ", [negation, "helm delete x-1"]))
		not told(concat(" ", [negation, "kubectl -n shop delete x-1"]))
	}
}

test_a_tool_without_a_verb_or_a_verb_without_a_tool_is_free if {
	every words in ["helm", "helm upgrade shop", "uninstall shop", "uninstall shop with helm", "helms uninstall shop", "helm-uninstall shop"] {
		not told(words)
	}
}

test_the_nearest_tool_decides if {
	told("kubectl exec redis-0 -- redis-cli del pods")
	told("kubectl get pods | helm uninstall shop")
	not told("helm history shop then kubectl delete pod x-1")
}

test_the_value_of_a_flag_is_no_tool if {
	not told("kubectl -n vault delete pod vault-0")
	not told("kubectl --namespace velero delete pods --all")
	not told("see pods -n vault delete x-1")
	told("kubectl -n vault delete vaultpolicy x-1")
	told("xargs -n1 kubectl delete vaultpolicy")
}

test_a_word_that_only_reads_separates_a_verb_from_its_tool if {
	every words in [
		"kubectl get pods which to delete",
		"terraform plan shows what to destroy",
		"velero is about to delete x-1",
		"helm status shop before uninstall",
	] {
		not told(words)
	}
	told("kubectl -n get delete vaultpolicy x-1")
}

test_a_verb_that_is_a_noun_is_not_the_tools if {
	every words in [
		"velero may delete x-1",
		"ceph osd in the nightly purge",
		"ceph osd pending purge",
		"cinder volumes to delete",
		"restic prune of the repository",
		"velero delete operations are slow",
	] {
		not told(words)
	}
	told("kubectl to delete vaultpolicy x-1")
	told("kubectl -n nightly delete vaultpolicy x-1")
}

test_a_harmless_object_behind_another_verb_is_free if {
	not told("restart velero and delete the failed pod")
	not told("upgrade helm then remove the old label")
	told("restart velero and delete the schedule")
	told("restart velero delete the old pod")
}

test_spared_objects_are_free_for_the_tools_that_spare_them if {
	every words in [
		"kubectl delete pod x-1",
		"kubectl delete pod/x-1",
		"kubectl delete pod/x-1 pod/x-2",
		"kubectl delete pod shop/x-1",
		"kubectl delete pod x-1 see docs/shop",
		"kubectl delete pod/x-1 see docs/shop",
		"kubectl delete pod/x-1 /docs",
		"kubectl delete the failed pod",
		"kubectl delete -n shop pod x-1",
		"kubectl delete --now --timeout 5s pods x-1",
		"kubectl delete events --all",
		"oc delete job x-1",
		"docker image prune",
		"docker network rm x-1",
		"redis-cli memory purge",
		"apt-get purge old kernels",
	] {
		not told(words)
	}
	every words in [
		"kubectl delete pod pvc",
		"kubectl delete pod/x-1 pvc/x-1",
		"kubectl delete pod x-1 pvc/x-1",
		"kubectl delete po/x-1 kafka/x-1",
		"kubectl delete failed pvc x-1",
		"kubectl delete shop pod",
		"kubectl image delete x-1",
		"rpk topic delete events",
		"redis-cli del jobs",
		"docker volume prune",
		"docker prune image",
	] {
		told(words)
	}
}

test_a_verb_that_names_its_object_belongs_to_some_tools_only if {
	every words in [
		"aws ec2 delete-volume x-1",
		"aws ecr batch-delete-image x-1",
		"rabbitmqctl purge_queue x-1",
		"govc vm.destroy x-1",
		"vim-cmd vmsvc/destroy 12",
		"virsh vol-delete x-1",
	] {
		told(words)
	}
	every words in ["kubectl rollout restart purge-worker", "aws ec2 describe-volumes", "aws ec2 list-delete-markers", "aws ec2 undelete"] {
		not told(words)
	}
}

test_a_call_of_a_method_destroys if {
	told("db.orders.drop")
	told("run db.orders.drop now")
	not told("never run db.orders.drop")
	not told("db.orders.find")
	not told("mydb.orders.drop")
	not told("orders.drop")
}

test_each_shipped_command_alone_or_with_a_form_is_found if {
	all_told({concat(" ", with_form(name, form)) | form := shipped.commands[name][_]})
}

# The command and the first word of each list
with_form(name, form) := [word | some part in [[name], [words[0] | words := form[_]]]; word := part[_]]

test_words_that_are_no_texts_are_no_commands_and_raise_no_error if {
	every words in [[null, 1, ["kubectl"]], ["kubectl", null, "delete", 1, null], ["flushal", 1], [1, "delete", ["pvc"]]] {
		not commands.destroys(words) with data.config.destructive as small
	}
	commands.destroys(["kubectl", null, "delete", null])
	commands.destroys([null, 1, "flushall"]) with data.config.destructive as small
}
