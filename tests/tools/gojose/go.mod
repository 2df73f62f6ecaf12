module signet.dev/tests/tools/gojose

go 1.26

require github.com/go-jose/go-jose/v4 v4.1.2

require golang.org/x/crypto v0.39.0 // indirect
