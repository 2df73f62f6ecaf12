# What the envelope service's token needs; libs/keys/src/vault says why.
path "transit/keys/signet-*"        { capabilities = ["create", "read", "update"] }
path "transit/keys/signet-*/rotate" { capabilities = ["update"] }
path "transit/keys/signet-*/config" { capabilities = ["create", "update"] }
path "transit/keys/signet-*/trim"   { capabilities = ["create", "update"] }
path "transit/encrypt/signet-*"     { capabilities = ["update"] }
path "transit/decrypt/signet-*"     { capabilities = ["update"] }
path "transit/rewrap/signet-*"      { capabilities = ["update"] }
