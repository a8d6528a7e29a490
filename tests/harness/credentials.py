"""What credentials look like, and how they are called in what a model reads."""

from __future__ import annotations

import base64
from urllib.parse import quote

WORD = "0123456789abcdefghijklmnopqrstuvwxyz"
SHAPES = {
    "private key": f"-----BEGIN RSA PRIVATE KEY-----\n{WORD}\n-----END RSA PRIVATE KEY-----",
    "cut private key": f"-----BEGIN PRIVATE KEY-----\n{WORD}",
    "service account": f"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.{WORD}",
    "anthropic": f"sk-ant-api03-{WORD}",
    "github": f"ghp_{WORD}",
    "github, fine": f"github_pat_{WORD}",
    "gitlab": f"glpat-{WORD}",
    "grafana": f"glsa_{WORD}",
    "atlassian": f"ATATT3xFfGF0{WORD}",
    "slack": f"xoxb-{WORD}",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "google": f"AIza{WORD}",
}
NAMED = (
    "- name: DB_PASSWORD\n  value: {}",
    '- name: DB_PASSWORD\n  value: "{}"',
    '{{"name": "DB_PASSWORD", "value": "{}"}}',
    '{{\n  "name": "A_TOKEN",\n  "value": "{}"\n}}',
    "aws_secret_access_key = {}",
    "AWS_SECRET_ACCESS_KEY={}",
    "DB_PASS={}",
    "dbPass: {}",
    "user=it pass={}",
    "DB_PWD={}",
    "DB_PASSWORD_1={}",
    "DB_PASSWORD_PROD={}",
    "SECRET_KEY_BASE: {}",
    "MYSQL_ROOT_PASSWORD={}",
    "DB_PASSWORD:      {}",
    "passphrase: {}",
    "api-key: {}",
    "apikey={}",
    "X-Api-Key: {}",
    "private_key={}",
    "encryption-key: {}",
    "signingKey: {}",
    "SecretKey={}",
    "AccountName=it;AccountKey={};EndpointSuffix=net",
    "connection_string: {}",
    "ConnectionString='Server=db; User Id={}'",
    "credentials={}",
    "client_secret: {}",
    "clientSecret: '{}'",
    "password := {}",
    "'password' => '{}'",
    'password: "two words, {}"',
    'password: "x\\"{}"',
    "password: 'x''{}'",
    "token: password: {}",
    "token:\npassword: {}",
    "psql --password {}",
    'curl --api-key "{}"',
    "--db-password={}",
    'args: ["--password", "{}"]',
    "args:\n- --token\n- {}",
    "Authorization: token {}",
    '{{"Authorization": ["Token {}"]}}',
    "authorization: bearer {}",
)
"""Where the value of a credential stands, in what a model sees: manifests, environments, logs, commands."""


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def wrapped(text: str) -> str:
    """In lines of 64 characters."""
    whole = encoded(text)
    return "\n".join(whole[at : at + 64] for at in range(0, len(whole), 64))


SECRET = "hunter2Hunter2"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{WORD * 6}\n-----END RSA PRIVATE KEY-----\n"
DOCKER = f'{{"auths":{{"registry.example":{{"username":"it","password":"{SECRET}"}}}}}}'
AUTHS = f'{{"auths":{{"registry.example":{{"auth":"{encoded("it:" + SECRET)}"}}}}}}'
EVERYDAY = (
    f"redis://:{SECRET}@redis:6379/0",
    f"amqp://guest:{SECRET}@mq",
    f"Server=db;Uid=it;Pwd={SECRET};",
    f"Data Source=db;PWD = '{SECRET}'",
    f"pwd: {SECRET}",
    f"password: |\n  {SECRET}\nnext: 1",
    f"password: >-\n    two words {SECRET}\n    and {SECRET}2\nnext: 1",
    f'{{"log": "password: |\\n  {SECRET}\\nnext: 1"}}',
    f"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 1\n\n{SECRET}\n-----END PGP PRIVATE KEY BLOCK-----",
    f"-----BEGIN OPENSSH PRIVATE KEY-----\n{SECRET}\n-----END OPENSSH PRIVATE KEY-----",
    f"-----BEGIN ENCRYPTED PRIVATE KEY-----\\n{SECRET}",
    f"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n{SECRET}\n---- END SSH2 ENCRYPTED PRIVATE KEY ----",
    f"PuTTY-User-Key-File-3: ssh-ed25519\n{SECRET}\nPrivate-MAC: 0a0a",
    f"Cookie: session={SECRET}; theme=dark",
    f"Set-Cookie: sid={SECRET}; HttpOnly",
    f'"cookie": "sid={SECRET}"',
    f"curl -u admin:{SECRET} https://example.org",
    f"curl --user 'admin:{SECRET}' https://example.org",
    f"wget -uadmin:{SECRET}",
    f"sshpass -p {SECRET} ssh it@host",
    f"mysql -u root -p{SECRET} it",
    f"redis-cli -h redis -a {SECRET} ping",
    f"ldapsearch -x -D cn=admin -w {SECRET} -b dc=example",
    f"docker login -u it --password {SECRET}",
    f"machine git.example login it password {SECRET}",
    f"//registry.npmjs.org/:_authToken={SECRET}",
    f"_auth={encoded('it:' + SECRET)}",
    f'"auth": "{encoded("it:" + SECRET)}"',
    f"Authorization: GenieKey {SECRET}",
    f"Authorization: Basic {encoded('it:' + SECRET)}",
    f"https://b.s3.amazonaws.com/k?X-Amz-Signature={WORD}",
    f"https://it.blob.core.windows.net/c?sv=1&sig={WORD}%3D",
    f"root:$6$rounds=5000${WORD}:19000:0",
    f"it:$2y$10${WORD}",
    f"admin:$apr1$abcdefgh${WORD}",
)
"""Credentials as logs, commands and files show them. None of the texts keeps SECRET or WORD."""
TOKENS = (
    *(
        "npm_",
        "pypi-AgEIcHlwaS5vcmcCJ",
        "hf_",
        "hvs.CAESI",
        "hvb.AAAAAQ",
        "dckr_pat_",
        "dop_v1_0a",
        "glrt-",
        "glagent-",
    ),
    *(
        "gldt-",
        "glcbt-64_",
        "glptt-",
        "sk-proj-",
        "sk-svcacct-",
        "sk-ant-admin01-",
        "sk_live_",
        "rk_live_",
        "xapp-1-A",
    ),
    *(
        "xoxe.xoxp-1-",
        "SG.abc.",
        "shpat_0a",
        "lin_api_",
        "ntn_",
        "PMAK-",
        "rubygems_0a",
        "NRAK-",
        "glc_",
        "fo1_",
    ),
    *(
        "pscale_pw_",
        "dt0c01.",
        "dp.pt.",
        "ops_eyJ",
        "HRKU-AA",
        "tfp_",
        "xkeysib-",
        "duffel_live_",
        "rdme_",
        "pplx-",
    ),
    *(
        "GOCSPX-",
        "ya29.",
        "gsk_",
        "nvapi-",
        "r8_",
        "tskey-auth-",
        "sha256~",
        "ATBB",
        "ATCTT",
        "LTAI",
        "ABIA",
        "ico-",
    ),
    *(
        "https://hooks.slack.com/services/T0A/B0B/",
        "hooks.slack.com/workflows/",
        "ghu_",
        "ghs_",
        "ghr_",
        "gho_",
    ),
    *(
        "https://discord.com/api/webhooks/1/",
        "https://api.telegram.org/bot123456:AA",
        "GR1348941",
        "PMAK-0a0a-",
    ),
)
LETTERS = {
    "dop_v1_0a": "0a" * 40,
    "shpat_0a": "0a" * 20,
    "rubygems_0a": "0a" * 30,
    "ABIA": "A0" * 8,
    "rdme_": "0a" * 35,
}


def token(begins: str) -> str:
    """A token that begins so, with as many characters as any needs."""
    return begins + LETTERS.get(begins, "0aA1bB2cC3" * 8)


DISGUISED = (
    f"pass\u200bword: {SECRET}",
    f"password: {SECRET[:4]}\u200b{SECRET[4:]}",
    f"gh\u00adp_{WORD}",
    f"ghp_\u2060{WORD}",
    f"pass\ufe0fword={SECRET}",
    f"to\u202eken={SECRET}",
    quote(f"password={SECRET}"),
    quote(f"https://it:{SECRET}@db", safe=""),
    quote(quote(f"password={SECRET}", safe=""), safe=""),
    encoded(PEM),
    f"key: {encoded(PEM)}",
    f"tls.key: |\n  {wrapped(PEM).replace(chr(10), chr(10) + '  ')}\nnext: 1",
    wrapped(PEM).replace("\n", "\\n"),
    encoded(encoded(PEM)),
    f".dockerconfigjson: {encoded(DOCKER)}",
    f".dockerconfigjson: {encoded(AUTHS)}",
    f".dockercfg: {encoded(AUTHS)}",
    f"config: {encoded('database: {password: ' + SECRET + '}')}",
    base64.urlsafe_b64encode(f"???>>> token={SECRET}".encode()).decode(),
    f"user-data: {encoded('#!/bin/sh' + chr(10) + 'export DB_PASSWORD=' + SECRET)}",
    encoded(f"password={SECRET} and more text behind it")[:40],
)
"""Credentials that are encoded, or that have invisible characters inside."""
HONEST = """
image: nginx@sha256:4c0fdaa8b6341bfdeca5f18f7837462c80cff90527ee35ef185571e1c327beac
image: registry.example/agent:0.1.0@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
commit b58d3f102cf3a2c84cb7f923d05c25c9b1aed84b
Merge pull request from 0d8265a into main
uid: 5b1d7c3e-8f7a-4b0e-9c1d-2e3f4a5b6c7d
volumeName: pvc-5b1d7c3e-8f7a-4b0e-9c1d-2e3f4a5b6c7d
resourceVersion: "123456789012"
pod typedb-0 on node worker-3.f3iai.example is not ready
deployment.apps/sk-learn-pipeline-worker-production-blue scaled to 3
statefulset.apps/hf-inference-server-for-embeddings-large
job.batch/npm-audit-nightly-28473910
replicaset.apps/api-7d4b9c6f5d
sre-14cb864fbda03d21ab05266cea1277e77ed01645
sha1:2fd4e1c67a2d28fced849ee1bb76e7391b93eb12
md5 d41d8cd98f00b204e9800998ecf8427e
annotation checksum/config: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
caBundle: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJrVENCKzZBREFnRUNBZ0VCTUEwR0NTcUdTSWIzRFFFQkN3VUFNQ0V4
greeting: SGVsbG8sIFdvcmxkISBUaGlzIGlzIGEgaGFybWxlc3MgdGV4dCBpbiBiYXNlNjQu
data: eyJhIjogMSwgImIiOiBbMSwgMiwgM10sICJuYW1lIjogInR5cGVkYi1kYXRhIn0=
icon: iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==
-----BEGIN CERTIFICATE-----
-----BEGIN PUBLIC KEY-----
-----BEGIN PGP PUBLIC KEY BLOCK-----
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGk7nZ5yqkQb1z3v8w0mQ5o3tC8n1kz9Yx2bQ6rV4sTu it@laptop
https://prometheus.example/graph?g0.expr=kubelet_volume_used%7Bnamespace%3D%22f3iai%22%7D%20%3E%200.75
https://grafana.example/d/abc123/typedb?orgId=1&from=now-6h&to=now&var-namespace=f3iai
http://typedb.f3iai.svc.cluster.local:1729/health
postgres://database.f3iai:5432/typedb?sslmode=require
docker run --user 10001:10001 --read-only busybox
docker run -u nobody:nogroup busybox
chown -u www-data:www-data /var/www
PWD=/home/agent
OLDPWD=/var/lib/typedb
pwd: /work
the session cookie: it is set by the gateway, and the browser sends it back
cookie: SameSite=Lax
sessionAffinity: ClientIP
auth: kerberos
auth: enabled
authMode: serviceaccount
tokenreviews.authentication.k8s.io is forbidden: User "system:serviceaccount:f3iai:typedb" cannot create
secret/typedb-credentials unchanged
secretName: typedb-tls
imagePullSecrets: registry-credentials
--service-account-issuer=https://kubernetes.default.svc
passwordSecretRef: name: typedb
error: authentication failed for user it: password mismatch
password authentication failed for user "typedb"
the token expired 3600 seconds ago and was renewed
bearer of bad news, basic assumptions
key: value, keys: [a, b], primaryKey: id, foreignKey: owner_id
etcd key /registry/pods/f3iai/typedb-0 compacted at revision 1234567
mysql -h database -P 3306 -u root --protocol=tcp it
redis-cli -h redis info memory
kubectl -n f3iai patch pvc typedb-data -p '{"spec":{"resources":{"requests":{"storage":"40Gi"}}}}'
kubectl create secret generic typedb --from-file=./typedb.txt
helm upgrade typedb ./chart --set image.tag=3.4.0 --set persistence.size=40Gi
log level=info ts=2026-11-28T20:00:00Z caller=main.go:1234 msg="compaction done" duration=1.234567s
trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7
arn:aws:iam::123456789012:role/typedb-backup
s3://typedb-backups/2026/11/28/dump-20261128T200000Z.tar.gz
rate(container_cpu_usage_seconds_total{namespace="f3iai",pod=~"typedb-.*"}[5m]) > 0.9
mountPath: /var/run/secrets/kubernetes.io/serviceaccount
path: /var/lib/kubelet/pods/5b1d7c3e-8f7a-4b0e-9c1d-2e3f4a5b6c7d/volumes/kubernetes.io~csi/pvc-data/mount
sum=h1:Ah0KihMYqrsItUp5nrka8H5FYgAvG/nLnVr6xPmiUxY=
100% of 20Gi used, %d files, 50%25 done
größe: 40Gi, 名前: データ, état: prêt
"""
"""Lines that a manifest, a log or a command has, and that are no credentials."""
