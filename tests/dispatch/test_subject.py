"""One test for each line of labels.yaml that names a subject, with the labels that real rules leave."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.dispatch.subject import (
    STATED_ID,
    STATED_NAMESPACE,
    STATED_TYPE,
    charged_to,
    namespaces,
    read,
    subject,
)
from function.shared.event import Subject
from function.shared.resource import is_name
from tests.harness.reading import RULES, subject_of

KSM = {
    "job": "kube-state-metrics",
    "pod": "kps-kube-state-metrics-5d8f7c9b6-x2vqp",
    "container": "kube-state-metrics",
    "service": "kps-kube-state-metrics",
    "instance": "10.244.1.9:8080",
}
NODE_EXPORTER = {
    "job": "node-exporter",
    "pod": "kps-prometheus-node-exporter-7xk2p",
    "container": "node-exporter",
    "namespace": "monitoring",
    "instance": "10.0.4.12:9100",
}
KUBELET = {"job": "kubelet", "instance": "10.0.4.12:10250", "metrics_path": "/metrics"}
LONGHORN = {
    "job": "longhorn-backend",
    "namespace": "longhorn-system",
    "pod": "longhorn-manager-x7k2p",
    "instance": "10.42.0.66:9500",
    "node": "w2",
}
APP = {"job": "cart", "namespace": "shop", "pod": "cart-0", "instance": "10.244.1.7:8080", "endpoint": "http"}
EXPORTER = {
    "job": "redis-exporter",
    "namespace": "monitoring",
    "pod": "redis-exporter-6c5b9f-8hj2k",
    "container": "exporter",
    "instance": "10.244.1.8:9121",
}
VAULT = {**APP, "namespace": "vault", "job": "vault-internal", "pod": "vault-0"}
SNMP = {**EXPORTER, "job": "snmp-exporter", "pod": "snmp-exporter-f5-fb7fb9c96-csjxl"}
STATIC = {"job": "checks", "instance": "10.0.4.9:9000"}
"""A target without a pod, which the configuration lists."""
ROOK_MGR = {
    "job": "rook-ceph-mgr",
    "pod": "rook-ceph-mgr-a-6b5f7d-abcde",
    "instance": "10.244.2.7:9283",
    "namespace": "rook-ceph",
    "type": "ceph_default",
}

CASES = {
    # what names the subject, in the order of the table
    "KubePersistentVolumeFillingUp": (
        {**KUBELET, "node": "w2", "namespace": "f3iai", "persistentvolumeclaim": "typedb-data"},
        Subject("k8s_pvc", "f3iai", "typedb-data"),
    ),
    "KubePersistentVolumeErrors": (
        {**KSM, "persistentvolume": "pvc-0a1b", "phase": "Failed"},
        Subject("k8s_pv", "", "pvc-0a1b"),
    ),
    "CephOSDDown (by daemon)": ({**ROOK_MGR, "ceph_daemon": "osd.3"}, Subject("ceph", "", "osd.3")),
    "CephPoolNearFull (by pool)": ({**ROOK_MGR, "pool_id": "7"}, Subject("ceph", "", "7")),
    "CephOSDNearFull (by health code)": (
        {**ROOK_MGR, "name": "OSD_NEARFULL"},
        Subject("ceph", "", "OSD_NEARFULL"),
    ),
    "KubeJobFailed": (
        {**KSM, "namespace": "shop", "job_name": "report-28"},
        Subject("k8s_job", "shop", "report-28"),
    ),
    "a CronJob that is late": (
        {**KSM, "namespace": "shop", "cronjob": "report"},
        Subject("k8s_cronjob", "shop", "report"),
    ),
    "KubeDeploymentReplicasMismatch": (
        {**KSM, "namespace": "shop", "deployment": "checkout"},
        Subject("k8s_deployment", "shop", "checkout"),
    ),
    "KubeStatefulSetReplicasMismatch": (
        {**KSM, "namespace": "f3iai", "statefulset": "typedb"},
        Subject("k8s_statefulset", "f3iai", "typedb"),
    ),
    "KubeStatefulSetUpdateNotRolledOut (aggregated)": (
        {"namespace": "f3iai", "statefulset": "typedb", "job": "kube-state-metrics"},
        Subject("k8s_statefulset", "f3iai", "typedb"),
    ),
    "KubeDaemonSetRolloutStuck": (
        {**KSM, "namespace": "logs", "daemonset": "fluent"},
        Subject("k8s_daemonset", "logs", "fluent"),
    ),
    "a ReplicaSet without an owner": (
        {**KSM, "namespace": "shop", "replicaset": "checkout-5d8"},
        Subject("k8s_replicaset", "shop", "checkout-5d8"),
    ),
    "KubeHpaMaxedOut": (
        {**KSM, "namespace": "shop", "horizontalpodautoscaler": "checkout"},
        Subject("k8s_hpa", "shop", "checkout"),
    ),
    "KubePdbNotEnoughHealthyPods": (
        {**KSM, "namespace": "shop", "poddisruptionbudget": "checkout"},
        Subject("k8s_pdb", "shop", "checkout"),
    ),
    "KubeQuotaAlmostFull": (
        {**KSM, "namespace": "shop", "resourcequota": "team", "resource": "pods"},
        Subject("k8s_resourcequota", "shop", "team"),
    ),
    "KubeNodeNotReady": (
        {**KSM, "namespace": "monitoring", "node": "w2", "condition": "Ready"},
        Subject("k8s_node", "", "w2"),
    ),
    "KubeletTooManyPods": ({**KUBELET, "node": "w2"}, Subject("k8s_node", "", "w2")),
    # the pod, where it is one
    "KubePodCrashLooping": (
        {**KSM, "namespace": "shop", "pod": "checkout-5d8-x", "container": "app", "uid": "1-2"},
        Subject("k8s_pod", "shop", "checkout-5d8-x"),
    ),
    "KubePodNotReady (aggregated)": (
        {"namespace": "shop", "pod": "checkout-5d8-x", "job": "kube-state-metrics"},
        Subject("k8s_pod", "shop", "checkout-5d8-x"),
    ),
    "CPUThrottlingHigh": (
        {"namespace": "shop", "pod": "checkout-5d8-x", "container": "app"},
        Subject("k8s_pod", "shop", "checkout-5d8-x"),
    ),
    "an application's own metric that has a label node": (
        {
            "namespace": "shop",
            "pod": "queue-0",
            "node": "rabbit-0",
            "job": "queue",
            "instance": "10.1.1.1:80",
        },
        Subject("k8s_pod", "shop", "queue-0"),
    ),
    "PrometheusBadConfig: the target is the subject": (
        {
            "namespace": "monitoring",
            "pod": "prometheus-kps-0",
            "job": "kps-prometheus",
            "instance": "10.2.2.2:9090",
        },
        Subject("k8s_pod", "monitoring", "prometheus-kps-0"),
    ),
    "KubePodCrashLooping on kube-state-metrics itself": (
        {**KSM, "namespace": "monitoring", "uid": "1-2"},
        Subject("k8s_pod", "monitoring", KSM["pod"]),
    ),
    # instance, where it names anything
    "NodeFilesystemSpaceFillingUp": (
        {**NODE_EXPORTER, "device": "/dev/vda"},
        Subject("host", "", "10.0.4.12"),
    ),
    "NodeFilesystemSpaceFillingUp relabelled with its node": (
        {**NODE_EXPORTER, "node": "w2"},
        Subject("k8s_node", "", "w2"),
    ),
    "node-exporter on IPv6": (
        {"job": "node-exporter", "instance": "[fe80::1]:9100"},
        Subject("host", "", "[fe80::1]"),
    ),
    "node-exporter on IPv6 without a port": (
        {"job": "node-exporter", "instance": "fe80::1"},
        Subject("host", "", "fe80::1"),
    ),
    "node-exporter at nowhere": ({"job": "node-exporter", "instance": ":9100"}, Subject("host", "", ":9100")),
    "a tenant's pod that is named after an exporter": (
        {
            "job": "kubelet",
            "namespace": "shop",
            "pod": "my-node-exporter-0",
            "node": "w2",
            "instance": "10.0.4.12:10250",
        },
        Subject("k8s_pod", "shop", "my-node-exporter-0"),
    ),
    "node-exporter outside the cluster": (
        {"job": "node-exporter", "instance": "db1.example:9100"},
        Subject("host", "", "db1.example"),
    ),
    "etcdMembersDown": (
        {"job": "kube-etcd", "namespace": "kube-system", "instance": "10.0.4.1:2381"},
        Subject("instance", "kube-system", "10.0.4.1:2381"),
    ),
    # who tells, and of what
    "a certificate of another namespace, as cert-manager tells": (
        {
            "job": "cert-manager",
            "namespace": "cert-manager",
            "pod": "cert-manager-6d8f9c5b7-qz7lp",
            "instance": "10.1.1.1:9402",
            "exported_namespace": "shop",
            "name": "shop-tls",
        },
        Subject("object", "shop", "shop-tls"),
    ),
    "a deployment of another namespace, without honorLabels": (
        {**KSM, "namespace": "monitoring", "exported_namespace": "shop", "deployment": "checkout"},
        Subject("k8s_deployment", "shop", "checkout"),
    ),
    "a pod without honorLabels": (
        {**KSM, "namespace": "monitoring", "exported_namespace": "shop", "exported_pod": "cart-0"},
        Subject("k8s_pod", "shop", "cart-0"),
    ),
    "a claim of a storage system": (
        {**LONGHORN, "pvc": "photos", "pvc_namespace": "media", "volume": "pvc-1"},
        Subject("k8s_pvc", "media", "photos"),
    ),
    "a volume of a storage system": (
        {**LONGHORN, "volume": "pvc-1"},
        Subject("volume", "longhorn-system", "pvc-1"),
    ),
    "a node of a storage system": ({**LONGHORN, "condition": "ready"}, Subject("k8s_node", "", "w2")),
    "a probed site": (
        {**APP, "job": "blackbox", "instance": "https://shop.example.org/", "target": "shop"},
        Subject("url", "", "https://shop.example.org/"),
    ),
    "a pinged machine": (
        {"job": "ping-exporter", "instance": "10.0.0.7", "namespace": "monitoring"},
        Subject("instance", "monitoring", "10.0.0.7"),
    ),
    "a target of a prober": (
        {"job": "ping-exporter", "pod": "ping-0", "endpoint": "http", "target": "10.0.0.7"},
        Subject("instance", "", "10.0.0.7"),
    ),
    "a host by its name": (
        {"job": "node-exporter", "instance": "10.0.4.12:9100", "nodename": "db1"},
        Subject("host", "", "db1"),
    ),
    "a host, as the job node tells": ({"job": "node", "instance": "db1:9100"}, Subject("host", "", "db1")),
    "the namespace whose phase is told, with the exporter's node": (
        {
            "job": "kubernetes-service-endpoints",
            "service": "kube-state-metrics",
            "instance": "10.1.1.1:8080",
            "namespace": "review-17",
            "node": "w2",
            "phase": "Terminating",
        },
        Subject("", "review-17", ""),
    ),
    "an aggregated alert of a node": ({"node": "w2"}, Subject("k8s_node", "", "w2")),
    # things inside of programs
    "a consumer group": (
        {**APP, "pod": "kafka-exporter-6c5b9f-8hj2k", "consumergroup": "mailer", "topic": "mails"},
        Subject("consumer_group", "shop", "mailer"),
    ),
    "another consumer group": (
        {**APP, "consumer_group": "mailer"},
        Subject("consumer_group", "shop", "mailer"),
    ),
    "a topic": ({**APP, "topic": "mails"}, Subject("topic", "shop", "mails")),
    "a queue": ({**APP, "queue": "orders"}, Subject("queue", "shop", "orders")),
    "a queue by its longer label": ({**APP, "queue_name": "orders"}, Subject("queue", "shop", "orders")),
    "a stream": ({**APP, "stream_name": "orders"}, Subject("stream", "shop", "orders")),
    "a schedule of backups": (
        {**APP, "job": "velero", "schedule": "daily"},
        Subject("schedule", "shop", "daily"),
    ),
    "a volume of a driver": ({**APP, "volume": "v1"}, Subject("volume", "shop", "v1")),
    "a volume by its longer label": ({**APP, "volume_name": "v1"}, Subject("volume", "shop", "v1")),
    "a bucket": ({**APP, "bucket": "backups"}, Subject("bucket", "shop", "backups")),
    "a database of PostgreSQL": ({**APP, "datname": "orders"}, Subject("database", "shop", "orders")),
    "a database": ({**APP, "database": "orders"}, Subject("database", "shop", "orders")),
    "a database by its short label": (
        {"namespace": "shop", "db": "orders"},
        Subject("database", "shop", "orders"),
    ),
    "an index": ({"namespace": "shop", "index": "logs-1"}, Subject("index", "shop", "logs-1")),
    "a queue in a cloud": (
        {"job": "yace", "dimension_QueueName": "orders"},
        Subject("cloud_resource", "", "orders"),
    ),
    "a service of a proxy": (
        {**APP, "job": "traefik", "exported_service": "shop-cart@kubernetes"},
        Subject("service", "shop", "shop-cart@kubernetes"),
    ),
    "a virtual machine": ({**APP, "vm": "db1"}, Subject("virtual_machine", "shop", "db1")),
    "a target of an aggregated alert": ({"target": "shop"}, Subject("target", "", "shop")),
    "an ingress": ({**APP, "ingress": "cart"}, Subject("k8s_ingress", "shop", "cart")),
    "a workload with its type": (
        {"namespace": "shop", "workload": "cart", "workload_type": "deployment"},
        Subject("k8s_deployment", "shop", "cart"),
    ),
    "the owner of pods": (
        {"namespace": "shop", "owner_name": "cart", "owner_kind": "StatefulSet"},
        Subject("k8s_statefulset", "shop", "cart"),
    ),
    "a custom resource, as Flux tells": (
        {**APP, "exported_namespace": "apps", "kind": "Kustomization", "name": "cart"},
        Subject("k8s_kustomization", "apps", "cart"),
    ),
    "a custom resource, as kube-state-metrics tells": (
        {**KSM, "namespace": "shop", "customresource_kind": "Certificate", "name": "cart-tls"},
        Subject("k8s_certificate", "shop", "cart-tls"),
    ),
    "a ConfigMap, with the uid that kube-state-metrics adds": (
        {**KSM, "namespace": "shop", "configmap": "settings", "uid": "1-2"},
        Subject("k8s_configmap", "shop", "settings"),
    ),
    "a Secret, with the uid that kube-state-metrics adds": (
        {**KSM, "namespace": "shop", "secret": "token", "uid": "1-2"},
        Subject("k8s_secret", "shop", "token"),
    ),
    "the workload that an autoscaler scales": (
        {
            "namespace": "shop",
            "target_kind": "Deployment",
            "target_name": "cart",
            "verticalpodautoscaler": "v",
        },
        Subject("k8s_deployment", "shop", "cart"),
    ),
    "a VerticalPodAutoscaler": (
        {**KSM, "namespace": "shop", "verticalpodautoscaler": "v"},
        Subject("k8s_vpa", "shop", "v"),
    ),
    "a claim by kind and name": (
        {"namespace": "shop", "kind": "PersistentVolumeClaim", "name": "data"},
        Subject("k8s_pvc", "shop", "data"),
    ),
    "a ScaledObject": ({**APP, "scaledObject": "orders"}, Subject("k8s_scaledobject", "shop", "orders")),
    "a ScaledObject in lower case": (
        {**APP, "scaledobject": "orders"},
        Subject("k8s_scaledobject", "shop", "orders"),
    ),
    "a ScaledJob": ({**APP, "scaledJob": "orders"}, Subject("k8s_scaledjob", "shop", "orders")),
    "a Secret of another namespace": (
        {**APP, "job": "x509-certificate-exporter", "secret_namespace": "web", "secret_name": "tls"},
        Subject("k8s_secret", "web", "tls"),
    ),
    # names of Kubernetes that are another program's
    "a job of Flink": ({**APP, "job_name": "fraud"}, Subject("k8s_pod", "shop", "cart-0")),
    "a deployment of WildFly": (
        {**STATIC, "deployment": "shop.war"},
        Subject("instance", "", "10.0.4.9:9000"),
    ),
    "a Deployment in the words of OpenTelemetry": (
        {"job": "shop/cart", "instance": "b1f0", "k8s.namespace.name": "shop", "k8s.deployment.name": "cart"},
        Subject("k8s_deployment", "shop", "cart"),
    ),
    "a thing of which an unknown target tells": (
        {"instance": "10.1.1.1:80", "name": "cart"},
        Subject("object", "", "cart"),
    ),
    "a node of which an unknown target tells": (
        {"instance": "10.1.1.1:80", "node": "w2"},
        Subject("k8s_node", "", "w2"),
    ),
    "a node of Consul": ({**EXPORTER, "node": "client-3"}, Subject("member", "monitoring", "client-3")),
    "a node of F5": ({"node": "web-02", "partition": "Common"}, Subject("member", "", "web-02")),
    "a namespace of Vault": ({**VAULT, "exported_namespace": "root"}, Subject("k8s_pod", "vault", "vault-0")),
    "a node that lost against the exporter's": (
        {**APP, "job": "machine-controller", "node": "w1", "exported_node": "w2"},
        Subject("k8s_node", "", "w2"),
    ),
    "a node of which a program for nodes tells": (
        {**APP, "job": "machine-config-daemon", "node": "w2"},
        Subject("k8s_node", "", "w2"),
    ),
    # exporters
    "an exporter that was told what to ask": (
        {**EXPORTER, "instance": "redis-1.shop:6379"},
        Subject("instance", "monitoring", "redis-1.shop:6379"),
    ),
    "an exporter's pod that is scraped by its annotation": (
        {
            "job": "kubernetes-pods",
            "instance": "10.1.1.1:9106",
            "kubernetes_namespace": "monitoring",
            "kubernetes_pod_name": "redis-exporter-6c5b9f-8hj2k",
            "app_kubernetes_io_name": "redis-exporter",
        },
        Subject("", "monitoring", ""),
    ),
    "an aggregated alert with an exporter's pod": (
        {"namespace": "monitoring", "pod": "redis-exporter-6c5b9f-8hj2k", "db_name": "orders"},
        Subject("object", "monitoring", "orders"),
    ),
    "an aggregated alert of the exporter itself": (
        {"namespace": "monitoring", "pod": "redis-exporter-6c5b9f-8hj2k"},
        Subject("k8s_pod", "monitoring", "redis-exporter-6c5b9f-8hj2k"),
    ),
    "an operator that tells of another namespace": (
        {**APP, "job": "cluster-operator", "pod": "operator-0", "resource_namespace": "messaging"},
        Subject("", "shop", ""),
    ),
    "a device whose target has a name": (
        {**SNMP, "name": "node007", "exported_name": "DIMM A1"},
        Subject("host", "", "node007"),
    ),
    "the pod of an event that Falco's exporter tells of": (
        {**EXPORTER, "k8s_ns_name": "shop", "k8s_pod_name": "cart-0"},
        Subject("k8s_pod", "shop", "cart-0"),
    ),
    "the object of an event": (
        {
            **EXPORTER,
            "involved_object_kind": "Job",
            "involved_object_name": "report",
            "involved_object_namespace": "shop",
        },
        Subject("k8s_job", "shop", "report"),
    ),
    "a resource that a policy forbids": (
        {**APP, "resource_kind": "Pod", "resource_name": "cart-0", "resource_namespace": "web"},
        Subject("k8s_pod", "web", "cart-0"),
    ),
    "a service of a mesh": (
        {"destination_service_name": "cart", "destination_service_namespace": "shop"},
        Subject("service", "shop", "cart"),
    ),
    "a service of a mesh by its canonical name": (
        {"destination_canonical_service": "cart", "destination_workload_namespace": "shop"},
        Subject("service", "shop", "cart"),
    ),
    "a workload of a mesh": (
        {"destination_workload": "cart", "destination_workload_namespace": "shop"},
        Subject("service", "shop", "cart"),
    ),
    "a service of Traefik": ({"service": "shop-cart@docker"}, Subject("service", "", "shop-cart@docker")),
    "a zone of the DNS": ({"zone": "example.org"}, Subject("domain", "", "example.org")),
    "a zone of a cloud": ({"zone": "eu-west-1a"}, Subject()),
    # the pod of a program that tells of itself
    "an application's own metric with its method and team": (
        {**APP, "method": "GET", "code": "500", "team": "shop", "app_kubernetes_io_name": "cart"},
        Subject("k8s_pod", "shop", "cart-0"),
    ),
    "a broker whose exporter is a sidecar": (
        {**APP, "pod": "redis-0", "container": "redis-exporter"},
        Subject("k8s_pod", "shop", "redis-0"),
    ),
    "an exporter's pod": (
        {**APP, "job": "redis-exporter", "pod": "redis-exporter-6c5b9f-8hj2k", "container": "exporter"},
        Subject("", "shop", ""),
    ),
    "an application's own metric with a label that nobody knows": (
        {**APP, "tunnel": "a-to-b"},
        Subject("k8s_pod", "shop", "cart-0"),
    ),
    "an exporter's metric with a label that nobody knows": (
        {**EXPORTER, "tunnel": "a-to-b"},
        Subject("object", "monitoring", "a-to-b"),
    ),
    "a pod scraped by its annotation": (
        {
            "job": "kubernetes-pods",
            "instance": "10.1.1.1:80",
            "kubernetes_namespace": "shop",
            "kubernetes_pod_name": "cart-0",
            "app": "cart",
        },
        Subject("k8s_pod", "shop", "cart-0"),
    ),
    "a pod in the words of OpenTelemetry": (
        {"k8s_namespace_name": "shop", "k8s_pod_name": "cart-0", "k8s_deployment_name": "cart"},
        Subject("k8s_pod", "shop", "cart-0"),
    ),
    # nothing
    "an alert of kube-state-metrics about a namespace": (
        {**KSM, "namespace": "shop", "phase": "Terminating"},
        Subject("", "shop", ""),
    ),
    "the same, scraped without the exporter's pod (knative/monitoring)": (
        {"job": KSM["job"], "instance": KSM["instance"], "namespace": "shop", "phase": "Terminating"},
        Subject("", "shop", ""),
    ),
    "CephHealthError by the manager without a subject": (ROOK_MGR, Subject("", "rook-ceph", "")),
    "TargetDown": (
        {"job": "checkout", "namespace": "shop", "service": "checkout"},
        Subject("k8s_service", "shop", "checkout"),
    ),
    "an API that another program serves": (
        {"name": "v1beta1.metrics.k8s.io", "namespace": "default"},
        Subject("k8s_apiservice", "", "v1beta1.metrics.k8s.io"),
    ),
    "a service level, summed by namespace and service": (
        {"namespace": "shop", "service": "checkout", "severity": "critical"},
        Subject("k8s_service", "shop", "checkout"),
    ),
    "Watchdog": ({}, Subject()),
    # what is no name
    "a claim whose name no object can have": (
        {"namespace": "f3iai", "persistentvolumeclaim": "x; rm"},
        Subject("unknown_k8s_pvc", "f3iai", "x; rm"),
    ),
    "a namespace that no object can have": (
        {"namespace": "../x", "persistentvolumeclaim": "data"},
        Subject("unknown_k8s_pvc", "../x", "data"),
    ),
}


ALIKE: tuple[tuple[dict[str, str], str, dict[str, str]], ...] = (
    # scrape target, its namespace in the subject, and the labels with the types that they name
    (
        SNMP,
        "",
        {name: "host" for name in ("devicename", "device_name", "server_name", "sysName", "apicHost")},
    ),
    ({**NODE_EXPORTER, "job": "dcgm"}, "", {"Hostname": "host"}),
    (LONGHORN, "longhorn-system", {"instance_manager": "instance_manager", "storage_pool_claim": "pool"}),
    (
        APP,
        "shop",
        {kind: f"k8s_{kind}" for kind in ("rollout", "nodepool", "machinepool", "objectbucketclaim")},
    ),
    (APP, "shop", {"kafka_topic": "topic", "redpanda_topic": "topic"}),
    (APP, "shop", {"subscription": "subscription", "exchange": "exchange"}),
    (APP, "shop", {"dag_id": "pipeline", "jenkins_job": "pipeline", "gvk": "object", "pool_name": "pool"}),
    (APP, "shop", {name: "database" for name in ("dbname", "keyspace", "tablespace")}),
    (APP, "shop", {name: "service" for name in ("envoy_cluster_name", "backend", "proxy", "upstream")}),
    (APP, "shop", {name: "service" for name in ("router", "entrypoint", "frontend")}),
    (
        APP,
        "shop",
        {"vm_name": "virtual_machine", "vmname": "virtual_machine", "virtualmachine": "virtual_machine"},
    ),
    (APP, "shop", {"datastore": "volume"}),
    (
        STATIC,
        "",
        {
            name: "host"
            for name in ("hostsystem", "hypervisor_hostname", "filer", "host", "hostname", "host_name")
        },
    ),
    (STATIC, "", {"ceph_daemon": "ceph", "goldpinger_instance": "object", "exported_job": "job"}),
    (
        EXPORTER,
        "monitoring",
        {"pool": "pool", "domain": "virtual_machine", "server": "server", "id": "object"},
    ),
    (EXPORTER, "monitoring", {"group": "consumer_group", "component": "component", "ups": "ups"}),
    (EXPORTER, "monitoring", {"exported_instance": "instance", "exported_cluster": "cluster"}),
    (EXPORTER, "monitoring", {name: "server" for name in ("member_idx", "zk_host", "peer", "to")}),
    (EXPORTER, "monitoring", {"slot_name": "replication_slot", "dbinstance_identifier": "database"}),
    (EXPORTER, "monitoring", {"sans": "certificate", "subject_CN": "certificate", "vcenter": "vcenter"}),
    (EXPORTER, "monitoring", {"map_name": "object", "load_balancer": "object", "repo": "object"}),
    (
        EXPORTER,
        "monitoring",
        {name: "object" for name in ("mongodb_cluster", "instance_id", "subscriptionID")},
    ),
    (
        EXPORTER,
        "monitoring",
        {"table": "table", "collection": "table", "vhost": "vhost", "resourceName": "object"},
    ),
    (EXPORTER, "monitoring", {"set": "cluster", "rs_nm": "cluster"}),
    ({}, "", {"server": "server", "service_name": "service"}),
    (EXPORTER, "monitoring", {"node_group": "object", "storage_pool": "object"}),
    (EXPORTER, "monitoring", {name: "tenant" for name in ("tenant", "realm", "user", "account")}),
    ({}, "", {name: "slo" for name in ("sloth_id", "slo", "slo_id", "slo_name")}),
    (
        {},
        "",
        {name: "cluster" for name in ("cnpg_cluster", "strimzi_io_name", "strimzi_io_cluster", "scope")},
    ),
    ({}, "", {name: "application" for name in ("juju_unit", "juju_application", "app", "application")}),
)
WORKLOADS = ("job", "cronjob", "statefulset", "daemonset", "replicaset")
CASES |= {
    f"a {kind} in the words of OpenTelemetry": (
        {**STATIC, "k8s.namespace.name": "shop", f"k8s.{kind}.name": "cart"},
        Subject(f"k8s_{kind}", "shop", "cart"),
    )
    for kind in WORKLOADS
}
CASES |= {
    f"{label} of {target.get('job', 'an aggregated alert')}": (
        {**target, label: "it"},
        Subject(of_type, namespace, "it" if of_type else ""),
    )
    for target, namespace, types in ALIKE
    for label, of_type in types.items()
}


@pytest.mark.parametrize("case", CASES)
def test_the_subject_of(case: str) -> None:
    given, expected = CASES[case]
    assert subject_of(given) == expected


def test_every_line_of_the_table_names_a_subject_in_some_case() -> None:
    def names(number: int, given: dict[str, str], expected: Subject) -> bool:
        alone = replace(RULES, lines=lambda name: [number] if number in RULES.lines(name) else [])
        return bool(expected.resource_id) and subject(read(given, RULES), alone).subject == expected

    unused = [
        rule
        for number, rule in enumerate(RULES.subjects)
        if not any(names(number, given, expected) for given, expected in CASES.values())
    ]
    assert unused == []


def test_an_empty_label_names_nothing() -> None:
    given = {"persistentvolumeclaim": "", "pod": "p", "namespace": "n"}
    assert subject_of(given) == Subject("k8s_pod", "n", "p")


@pytest.mark.parametrize("name", ["a", "typedb-data", "a.b", "0", "a" * 253])
def test_names_of_objects_are_names(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize("name", ["", "A", "-a", "a-", "a_b", "a b", "a\n", "ä", "a" * 254, "a/b"])
def test_other_texts_are_no_names(name: str) -> None:
    assert not is_name(name)


STATED = {STATED_TYPE: "k8s_pvc", STATED_ID: "typedb-data", STATED_NAMESPACE: "f3iai"}


@pytest.mark.parametrize("case", CASES)
def test_the_author_of_a_rule_can_state_the_subject_of_any_alert(case: str) -> None:
    assert subject_of(CASES[case][0] | STATED) == Subject("k8s_pvc", "f3iai", "typedb-data")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({STATED_TYPE: "K8S PVC"}, Subject("unknown_type", "f3iai", "typedb-data")),
        ({STATED_TYPE: "unknown_k8s_pvc"}, Subject("unknown_type", "f3iai", "typedb-data")),
        ({STATED_ID: "x; rm"}, Subject("unknown_k8s_pvc", "f3iai", "x; rm")),
        ({STATED_NAMESPACE: "../x"}, Subject("unknown_k8s_pvc", "../x", "typedb-data")),
        ({STATED_TYPE: "database", STATED_ID: "Orders DB"}, Subject("database", "f3iai", "Orders DB")),
    ],
)
def test_a_stated_subject_is_checked_as_every_other(changes: dict[str, str], expected: Subject) -> None:
    assert subject_of(STATED | changes) == expected


@pytest.mark.parametrize("half", [STATED_TYPE, STATED_ID])
def test_half_a_stated_subject_states_nothing(half: str) -> None:
    given = {"namespace": "shop", "pod": "cart-0", half: STATED[half]}
    assert subject_of(given) == Subject("k8s_pod", "shop", "cart-0")


def test_only_the_namespace_can_be_stated() -> None:
    given = {"namespace": "monitoring", "deployment": "cart", STATED_NAMESPACE: "shop"}
    assert subject_of(given) == Subject("k8s_deployment", "shop", "cart")


NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True)
NAMESPACE_LABELS = (
    "namespace",
    "exported_namespace",
    STATED_NAMESPACE,
    "pvc_namespace",
    "kubernetes_namespace",
    "k8s_namespace_name",
    "k8s.namespace.name",
    "k8s_ns_name",
    "secret_namespace",
    "dest_namespace",
    "resource_namespace",
    "involved_object_namespace",
    "destination_service_namespace",
    "destination_workload_namespace",
)


@given(st.dictionaries(st.sampled_from(NAMESPACE_LABELS), NAMES), st.sampled_from(sorted(CASES)))
def test_every_namespace_that_a_label_names_is_told_to_the_policy(spaces: dict[str, str], case: str) -> None:
    """Whoever controls a label can move the subject, but cannot hide where the alert comes from."""
    given = CASES[case][0] | spaces
    about = subject_of(given)
    told = namespaces(given, about, RULES)
    assert set(told) == {given[label] for label in NAMESPACE_LABELS if label in given}
    assert not about.namespace or told[0] == about.namespace


@pytest.mark.parametrize(
    ("given", "namespace"),
    [
        ({"namespace": "shop", "pod": "cart-0"}, "shop"),
        (
            {"namespace": "shop", "exported_namespace": "f3iai", "deployment": "typedb"},
            "shop",
        ),
        ({"namespace": "shop", STATED_NAMESPACE: "f3iai"}, "shop"),
        ({**KSM, "namespace": "monitoring", "exported_namespace": "shop", "deployment": "cart"}, "shop"),
        ({**NODE_EXPORTER, "device": "/dev/vda"}, ""),
        ({STATED_NAMESPACE: "f3iai"}, "f3iai"),
    ],
)
def test_an_alert_is_charged_to_where_it_comes_from(given: dict[str, str], namespace: str) -> None:
    """The exporters that tell about all namespaces are charged to the subject's."""
    assert charged_to(given, subject_of(given), RULES) == namespace


UNLISTED = st.from_regex(r"[a-z][a-z_]{1,8}", fullmatch=True).filter(
    lambda name: RULES.kind(name) == "other" and {*RULES.lines(name)} <= {*RULES.lines("tunnel")}
)
"""Labels of which no line of the file knows."""


@given(UNLISTED, st.sampled_from([EXPORTER, SNMP, NODE_EXPORTER, LONGHORN]))
def test_no_label_makes_an_exporters_pod_the_subject(label: str, exporter: dict[str, str]) -> None:
    assert subject_of({**exporter, label: "it"}).resource_id != exporter["pod"]


@given(st.dictionaries(UNLISTED, NAMES), st.sampled_from([APP, VAULT]))
def test_no_unlisted_label_takes_the_pod_of_a_program_away(more: dict[str, str], app: dict[str, str]) -> None:
    assert subject_of({**more, **app}).resource_id == app["pod"]


@given(UNLISTED, st.sampled_from([APP, VAULT]))
def test_a_label_that_lost_against_the_targets_takes_it_away(label: str, app: dict[str, str]) -> None:
    assert subject_of({**app, label: "mine", f"exported_{label}": "it"}).resource_id != app["pod"]


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=6))
def test_any_labels_have_a_subject_or_none(given: dict[str, str]) -> None:
    about = subject_of(given)
    assert bool(about.resource_type) == bool(about.resource_id)
    assert not about.resource_id or any(about.resource_id in value for value in given.values())
