#!/bin/sh
# The transit engine, the policy that libs/keys documents, and a token for the
# envelope service, which runs as user 65532. A development server forgets at its
# end: then keys wrapped before are lost.
set -eu
vault secrets list | grep -q '^transit/' || vault secrets enable transit
vault policy write signet /setup/policy.hcl
umask 077
vault token create -policy=signet -orphan -field=token >/secrets/vault-token
chown 65532:65532 /secrets/vault-token
