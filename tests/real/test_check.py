"""`sre-dispatch check` as the function's ServiceAccount, on a whole installation and on one with a fault.

The API server is this module's own, since the faults are of what all tests share.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from function.commands.check.images import EXEMPT
from function.dispatch.policy_files import write
from tests.harness.components import ApiServer, api_server, controller_manager, need, opa, wait_until
from tests.harness.manifests import CLUSTER, KIND, KNATIVE
from tests.harness.process import ROOT
from tests.harness.server import environment

pytestmark = pytest.mark.real

GOLDEN = Path(__file__).parent / "check.txt"
CHECK = KNATIVE / "base" / "check.yaml"
ENROLLED = KNATIVE / "enrolled" / "f3iai.yaml"
ADMISSION, CEILINGS = KNATIVE / "base" / "admission.yaml", KNATIVE / "base" / "ceilings.yaml"
DISPATCHER = KNATIVE / "base" / "dispatcher.yaml"
FUNCTION = "--serviceaccount=f3iai:sre-dispatch"
LOW = "--serviceaccount=sre-agents:sre-agent-remediate"
TIERS = ("tier: remediate", "tier: propose", "tier: investigate")
MODELS = ("model: remediate", "model: propose", "model: investigate")
FORGOTTEN_SECONDS = 3
"""After which Kubernetes has stopped what watches a policy's parameters; it looks each second."""
SETTLE_SECONDS = 30
"""For the API server to know of a changed policy, binding or quota."""

Rows = dict[str, tuple[bool, str]]
"""Whether it passed, and its detail, by name."""
Commands = list[tuple[str | Path, ...]]
"""Of kubectl, as the administrator."""
BY_TAG = ("-n", "sre-agents", "annotate", "cronjob", "--all", "--overwrite", f"{EXEMPT}=these are tests")
"""The files of the tiers name images by tag: an overlay adds the digests."""


@dataclass(frozen=True)
class Installation:
    api: ApiServer
    settings: Mapping[str, str]

    def check(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        command = (sys.executable, "-m", "function", "check", *arguments)
        variables = environment(**dict(self.settings) | settings)
        return subprocess.run(
            command, capture_output=True, text=True, env=variables, cwd=ROOT, check=False, timeout=60
        )

    def rows(self, **settings: str) -> Rows:
        done = self.check("--json", **settings)
        assert done.stderr == ""
        rows = {row["name"]: (row["passed"], row["detail"]) for row in json.loads(done.stdout)}
        assert done.returncode == (0 if all(passed for passed, _ in rows.values()) else 1)
        return rows

    def settled(self, told: Callable[[Rows], bool], what: str) -> Rows:
        """The rows once they are so; the last ones are in the error where they never are."""
        rows: Rows = {}

        def are_so() -> bool:
            rows.clear()
            rows.update(self.rows())
            return told(rows)

        try:
            wait_until(are_so, what, SETTLE_SECONDS, every=0.2)
        except Exception as error:
            raise AssertionError(f"{error}: {rows}") from error
        return rows


def failing(rows: Rows) -> set[str]:
    return {name for name, (passed, _) in rows.items() if not passed}


def is_whole(rows: Rows) -> bool:
    return not failing(rows) and all(
        rows[tier][1] == "its own Job is admitted, changed ones are refused" for tier in TIERS
    )


@pytest.fixture(scope="module")
def installation(
    manifests: list[Path], opa_token: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """One that has a name, with an enrolment for this name."""
    need("etcd", "kube-apiserver", "kubectl", "kube-controller-manager", "opa")
    folder, served = tmp_path_factory.mktemp("check"), tmp_path_factory.mktemp("opa")
    write(ROOT / "policies", folder / "bundle", KIND / "policies")
    with api_server(folder) as api, controller_manager(api, folder), opa(served, folder / "bundle") as policy:
        api.kubectl("create", "namespace", "f3iai")
        api.kubectl("create", "namespace", "carts")
        for manifest in dict.fromkeys([*manifests, CHECK, ENROLLED]):
            api.kubectl("apply", "--warnings-as-errors", "-f", manifest)
        api.kubectl(*BY_TAG)
        settings = {
            "KUBECONFIG": str(api.kubeconfig_of("f3iai", "sre-dispatch", folder)),
            "SRE_DISPATCH_TOKEN_FILES": str(opa_token),
            "SRE_DISPATCH_OPA_URL": policy.url,
            "SRE_DISPATCH_OPA_TOKEN_FILE": str(opa_token),
            "SRE_DISPATCH_POLICIES": str(folder / "bundle"),
            "SRE_DISPATCH_CLUSTER": CLUSTER,
        }
        installation = Installation(api, settings)
        installation.settled(is_whole, "the installation to be whole")
        yield installation


@contextmanager
def changed(installation: Installation, do: Commands, undo: Commands) -> Iterator[None]:
    for command in do:
        installation.api.kubectl(*command)
    try:
        yield
    finally:
        for command in undo:
            installation.api.kubectl(*command)
        installation.settled(is_whole, "the installation to be whole again")


def test_a_whole_installation_passes(installation: Installation, renew: bool) -> None:
    done = installation.check()
    told = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8181", done.stdout)
    told = re.sub(r"\b[0-9a-f]{12}\b", "0" * 12, told)
    if renew:
        GOLDEN.write_text(told, encoding="utf-8")
    assert told == GOLDEN.read_text(encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")


@dataclass(frozen=True)
class Fault:
    do: Commands
    undo: Commands
    failing: dict[str, str]
    """The rows that fail, each with words of its detail."""


def apply(path: Path) -> tuple[str | Path, ...]:
    return ("apply", "-f", path)


def patch(kind: str, name: str, spec: str, *more: str) -> tuple[str | Path, ...]:
    return ("patch", kind, name, *more, "--type=merge", "-p", f'{{"spec": {spec}}}')


def naming(model: str) -> tuple[str | Path, ...]:
    """The tier `high` names that model."""
    data = {"data": {"tier.json": json.dumps({"model": model})}}
    return (
        "-n",
        "sre-agents",
        "patch",
        "configmap",
        "sre-agent-investigate",
        "--type=merge",
        "-p",
        json.dumps(data),
    )


BINDINGS = "validatingadmissionpolicybindings"
QUOTA = ("-n", "sre-agents", "create", "quota")
WARN = '{"validationActions": ["Warn"]}'

FAULTS = {
    "an enrolled namespace without its RoleBinding": Fault(
        [("delete", "-f", ENROLLED)],
        [apply(ENROLLED)],
        {"enrolled namespaces": "the policy enrols f3iai, but sre-agent-remediate has no right"},
    ),
    "a RoleBinding where nothing is enrolled": Fault(
        [("create", "rolebinding", "more", "-n", "carts", "--clusterrole=sre-agent-scale-deployments", LOW)],
        [("delete", "rolebinding", "more", "-n", "carts")],
        {"enrolled namespaces": "sre-agent-remediate may write in carts, but the policy does not enrol it"},
    ),
    "a ClusterRoleBinding for all of the agents": Fault(
        [
            (
                "create",
                "clusterrolebinding",
                "more",
                "--clusterrole=sre-agent-grow-claims",
                "--group=system:serviceaccounts:sre-agents",
            )
        ],
        [("delete", "clusterrolebinding", "more")],
        {"enrolled namespaces": "may write in every namespace"},
    ),
    "a tier that was not applied": Fault(
        [("delete", "cronjob", "-n", "sre-agents", "sre-agent-remediate")],
        [apply(KNATIVE / "tiers" / "remediate.yaml"), BY_TAG],
        {
            "tier: remediate": "CronJob sre-agent-remediate does not exist: apply knative/tiers",
            "images: remediate": "there is no CronJob sre-agent-remediate: apply knative/tiers",
        },
    ),
    "a tag in a container with a token": Fault(
        [("-n", "sre-agents", "annotate", "cronjob", "sre-agent-propose", f"{EXEMPT}-")],
        [BY_TAG],
        {"images: propose": "kubernetes (quay.io/containers/kubernetes_mcp_server:v"},
    ),
    "a tier that somebody resumed": Fault(
        [patch("cronjob", "sre-agent-investigate", '{"suspend": false}', "-n", "sre-agents")],
        [apply(KNATIVE / "tiers" / "investigate.yaml")],
        {"tier: investigate": "the CronJob sre-agent-investigate is not suspended"},
    ),
    "a tier whose pods Pod Security refuses": Fault(
        [
            patch(
                "cronjob",
                "sre-agent-investigate",
                '{"jobTemplate": {"spec": {"template": {"spec": {"hostNetwork": true}}}}}',
                "-n",
                "sre-agents",
            )
        ],
        [
            patch(
                "cronjob",
                "sre-agent-investigate",
                '{"jobTemplate": {"spec": {"template": {"spec": {"hostNetwork": null}}}}}',
                "-n",
                "sre-agents",
            )
        ],
        {"tier: investigate": "Pod Security will refuse its pods"},
    ),
    "a tier whose model has retired": Fault(
        [naming("claude-3-opus")],
        [apply(KNATIVE / "tiers" / "investigate.yaml")],
        {"model: investigate": "claude-3-opus retired on 2026-01-05: name another model"},
    ),
    "a tier without its ConfigMap": Fault(
        [("delete", "configmap", "-n", "sre-agents", "sre-agent-remediate")],
        [apply(KNATIVE / "tiers" / "remediate.yaml")],
        {"model: remediate": "there is no ConfigMap sre-agent-remediate: apply knative/tiers"},
    ),
    "without the right to read the tiers' ConfigMaps": Fault(
        [("delete", "rolebinding", "-n", "sre-agents", "sre-dispatch-check")],
        [apply(CHECK)],
        dict.fromkeys(MODELS, "add its name to knative/base/check.yaml and apply that file")
        | {"leftovers": "may not read batch/v1/namespaces/sre-agents/cronjobs"},
    ),
    "a tier without its binding": Fault(
        [("delete", BINDINGS, "sre-dispatch-template-propose")],
        [apply(KNATIVE / "tiers" / "propose.yaml")],
        {
            "tier: propose": "admit another image, another ServiceAccount, a Secret volume: apply",
            "admission policies": "no ValidatingAdmissionPolicyBinding sre-dispatch-template-propose",
        },
    ),
    "a binding of one tier's Jobs to another tier": Fault(
        [
            patch(
                BINDINGS,
                "sre-dispatch-template-propose",
                '{"paramRef": {"name": "sre-agent-remediate"}}',
            )
        ],
        [apply(KNATIVE / "tiers" / "propose.yaml")],
        {
            "tier: propose": "our admission policies refuse the tier's own Job",
            "admission policies": "sre-dispatch-template-propose has another policy than sre-dispatch",
        },
    ),
    "a binding that only warns": Fault(
        [patch(BINDINGS, "sre-dispatch-shape", WARN)],
        [apply(ADMISSION)],
        {tier: "admit no tier, a finalizer: apply" for tier in TIERS}
        | {"admission policies": "sre-dispatch-shape has no action Deny"},
    ),
    "ceilings that only warn": Fault(
        [patch(BINDINGS, "sre-dispatch-claims", WARN)],
        [apply(CEILINGS)],
        {"admission policies": "sre-dispatch-claims has no action Deny"},
    ),
    "a ceiling that is not there": Fault(
        [("delete", "validatingadmissionpolicy", "sre-dispatch-remedies")],
        [apply(CEILINGS)],
        {"admission policies": "there is no ValidatingAdmissionPolicy sre-dispatch-remedies"},
    ),
    "a policy that lets pass what it cannot judge": Fault(
        [patch("validatingadmissionpolicy", "sre-dispatch-deployments", '{"failurePolicy": "Ignore"}')],
        [apply(CEILINGS)],
        {"admission policies": "sre-dispatch-deployments has no failurePolicy Fail"},
    ),
    "a right too many in the whole cluster": Fault(
        [
            ("create", "clusterrole", "peep", "--verb=get,list", "--resource=secrets"),
            ("create", "clusterrolebinding", "peep", "--clusterrole=peep", FUNCTION),
        ],
        [("delete", "clusterrole,clusterrolebinding", "peep")],
        {
            "rights: dangerous": "it may get secrets in f3iai, sre-agents; "
            "it may list secrets in f3iai, sre-agents: find the binding"
        },
    ),
    "a right too many in a namespace of others": Fault(
        [
            ("create", "role", "more", "-n", "carts", "--verb=create", "--resource=jobs"),
            ("create", "rolebinding", "more", "-n", "carts", "--role=more", FUNCTION),
        ],
        [("delete", "role,rolebinding", "more", "-n", "carts")],
        {"rights: dangerous": "it may create jobs.batch in carts"},
    ),
    "a right to step over admission": Fault(
        [
            ("create", "clusterrole", "over", "--verb=delete", f"--resource={BINDINGS}"),
            ("create", "clusterrolebinding", "over", "--clusterrole=over", FUNCTION),
        ],
        [("delete", "clusterrole,clusterrolebinding", "over")],
        {"rights: dangerous": f"it may delete {BINDINGS}.admissionregistration.k8s.io: find the binding"},
    ),
    "a right too few": Fault(
        [("delete", "rolebinding", "-n", "f3iai", "sre-dispatch")],
        [apply(DISPATCHER)],
        {"rights: needed": "it may not create events in f3iai: apply knative/base/dispatcher.yaml"},
    ),
    "without what check itself reads": Fault(
        [("delete", "clusterrolebinding", "sre-dispatch-check")],
        [apply(CHECK)],
        {name: "may not read" for name in ("rights: dangerous", "enrolled namespaces")}
        | {"admission policies": "may not read", "leftovers": "may not read"},
    ),
    "a quota that is full": Fault(
        [(*QUOTA, "full", "--hard=count/jobs.batch=0")],
        [("-n", "sre-agents", "delete", "quota", "full")],
        dict.fromkeys(TIERS, "the quota full is full"),
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_fails_its_own_rows_and_is_named(installation: Installation, fault: Fault) -> None:
    def is_told(rows: Rows) -> bool:
        named = all(words in rows[name][1] for name, words in fault.failing.items())
        return named and failing(rows) == fault.failing.keys()

    with changed(installation, fault.do, fault.undo):
        installation.settled(is_told, f"no more and no less than {fault.failing} to fail")


def test_what_an_earlier_version_left_is_named_by_the_commands_that_delete_it(
    installation: Installation, tmp_path: Path
) -> None:
    """A tier by another name and the account's binding elsewhere, as after an upgrade that renamed it."""
    api, former = installation.api, tmp_path / "former.yaml"
    tier = (KNATIVE / "tiers" / "remediate.yaml").read_text(encoding="utf-8")
    former.write_text(tier.replace("remediate", "former"), encoding="utf-8")
    api.kubectl("apply", "-f", former)
    account = "--serviceaccount=sre-agents:sre-agent-former"
    api.kubectl("create", "rolebinding", "former", "-n", "carts", "--clusterrole=view", account)
    named = (
        "delete rolebinding former",
        "delete validatingadmissionpolicybinding sre-dispatch-template-former",
        "delete cronjob sre-agent-former",
        "delete configmap,serviceaccount sre-agent-former",
    )

    def are_told(rows: Rows) -> bool:
        return failing(rows) == {"leftovers"} and all(each in rows["leftovers"][1] for each in named)

    rows = installation.settled(are_told, "the leftovers to be named")
    commands = re.findall("`kubectl ([^`]+)`", rows["leftovers"][1])
    assert len(commands) == len(named)
    for command in commands:
        api.kubectl(*command.split())
    assert api.kubectl("get", "-f", former, "--ignore-not-found", "-o", "name") == ""
    installation.settled(is_whole, "the installation to be whole again")


def test_a_pause_is_told_and_is_no_fault(installation: Installation) -> None:
    def is_paused(rows: Rows) -> bool:
        return all("paused" in rows[tier][1] for tier in TIERS)

    do: Commands = [(*QUOTA, "pause", "--hard=count/jobs.batch=0")]
    with changed(installation, do, [("-n", "sre-agents", "delete", "quota", "pause")]):
        assert failing(installation.settled(is_paused, "the pause to be told")) == set()


def test_a_changed_job_is_refused_by_our_policies_under_a_pause_as_well(installation: Installation) -> None:
    """The quota refuses after them: else a pause would hide that they are not in force."""

    def is_told(rows: Rows) -> bool:
        return all("admit no tier, a finalizer" in rows[tier][1] for tier in TIERS)

    do: Commands = [
        (*QUOTA, "pause", "--hard=count/jobs.batch=0"),
        patch(BINDINGS, "sre-dispatch-shape", WARN),
    ]
    with changed(installation, do, [("-n", "sre-agents", "delete", "quota", "pause"), apply(ADMISSION)]):
        installation.settled(is_told, "the binding without Deny to be told")


def test_an_api_server_that_has_lost_sight_of_the_tiers_is_to_be_restarted(
    installation: Installation, manifests: list[Path]
) -> None:
    """As after an uninstallation and a new installation: the CronJobs went, and then the last binding."""
    api, tiers = installation.api, [path for path in manifests if path.parent.name == "tiers"]
    for path in tiers:
        api.kubectl("delete", "-f", path)
    installation.settled(lambda rows: failing(rows) >= {*TIERS}, "the tiers to be gone")
    time.sleep(FORGOTTEN_SECONDS)
    for path in tiers:
        api.kubectl("apply", "-f", path)
    api.kubectl(*BY_TAG)

    def is_told(rows: Rows) -> bool:
        return failing(rows) == {*TIERS} and all(
            "restart each kube-apiserver" in rows[tier][1] for tier in TIERS
        )

    installation.settled(is_told, "the restart to be asked for")
    api.kill()
    api.start()
    installation.settled(is_whole, "the installation to be whole again")


def test_what_others_are_bound_to_is_no_fault(installation: Installation) -> None:
    do: Commands = [
        (
            "create",
            "rolebinding",
            "theirs",
            "-n",
            "carts",
            "--clusterrole=sre-agent-grow-claims",
            "--serviceaccount=carts:sre-agent-remediate",
        )
    ]
    with changed(installation, do, [("delete", "rolebinding", "theirs", "-n", "carts")]):
        assert is_whole(installation.rows())


def test_nothing_is_left_behind(installation: Installation) -> None:
    installation.check()
    jobs = installation.api.kubectl("get", "jobs", "-A", "-o", "name")
    assert jobs == ""


def test_an_api_server_that_is_not_there_is_said_once(installation: Installation, tmp_path: Path) -> None:
    told = json.loads(Path(installation.settings["KUBECONFIG"]).read_text(encoding="utf-8"))
    told["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    (tmp_path / "kubeconfig").write_text(json.dumps(told), encoding="utf-8")
    away = Installation(
        installation.api, {**installation.settings, "KUBECONFIG": str(tmp_path / "kubeconfig")}
    )
    rows = away.rows()
    assert failing(rows) == {"cluster"} and "cannot be reached" in rows["cluster"][1]
    assert "tier: remediate" not in rows


def test_enrolments_and_tiers_of_files_that_opa_does_not_serve_say_nothing(
    installation: Installation, tmp_path: Path
) -> None:
    overlay = ROOT / "policies" / "overlay-example"
    write(ROOT / "policies", tmp_path / "bundle", overlay)
    rows = installation.rows(SRE_DISPATCH_POLICIES=str(tmp_path / "bundle"))
    for name in ("enrolled namespaces", "leftovers"):
        assert name in failing(rows) and "OPA serves another policy" in rows[name][1]


def test_an_enrolment_of_another_cluster_is_none_of_this_one(installation: Installation) -> None:
    rows = installation.rows(SRE_DISPATCH_CLUSTER="eu-1")
    assert failing(rows) == {"enrolled namespaces"}
    told = "sre-agent-remediate may write in f3iai, but the policy does not enrol it for the cluster eu-1"
    assert told in rows["enrolled namespaces"][1]


def test_without_a_name_the_tiers_that_write_tickets_are_named_with_what_to_set(
    installation: Installation,
) -> None:
    rows = installation.rows(SRE_DISPATCH_CLUSTER="")
    assert failing(rows) == {"cluster name"}
    assert "so the agents of remediate, propose, investigate would share" in rows["cluster name"][1]
    assert "set the name in cluster.yaml of your overlay" in rows["cluster name"][1]


def test_the_pod_that_checks_has_settings_that_can_be_read(installation: Installation) -> None:
    """The names in the manifest are those of the settings, whatever is behind the addresses."""
    (cronjob,) = (each for each in yaml.safe_load_all(CHECK.read_text("utf-8")) if each["kind"] == "CronJob")
    (container,) = cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    settings = {entry["name"]: entry["value"] for entry in container["env"]}
    here = {"SRE_DISPATCH_ROOT": str(ROOT), "KUBECONFIG": installation.settings["KUBECONFIG"]}
    there = {name: re.sub(r"//[^/]*", "//127.0.0.1:1", value) for name, value in settings.items()}
    rows = Installation(installation.api, there | here).rows()
    assert rows["settings"] == (True, "OPA at http://127.0.0.1:1")
    assert "context: http://127.0.0.1:1/jsonrpc" in rows
    assert rows["cluster"][0] and rows["tier: remediate"][0]


def test_where_alertmanager_shows_its_own_token_the_right_to_ask_whose_it_is_is_looked_for(
    installation: Installation,
) -> None:
    named = {"SRE_DISPATCH_TOKENREVIEW_AUDIENCE": "sre-dispatch"}
    named |= {"SRE_DISPATCH_TOKENREVIEW_SUBJECT": "system:serviceaccount:monitoring:alertmanager"}
    without = installation.rows(**named)
    installation.api.kubectl("apply", "-f", KNATIVE / "components" / "tokenreview" / "rbac.yaml")
    try:
        wait_until(lambda: not failing(installation.rows(**named)), "the right", SETTLE_SECONDS, every=1)
    finally:
        installation.api.kubectl("delete", "-f", KNATIVE / "components" / "tokenreview" / "rbac.yaml")
    assert failing(without) == {"rights: needed"}
    assert "it may not create tokenreviews.authentication.k8s.io" in without["rights: needed"][1]
