// A foreign implementation of docs/envelope-format.md, on go-jose. Reads a
// command a line (JSON) from standard input, answers each with a line, as
// tests/interop/jwcrypto_peer.py does. libs/crypto/tests/interop.rs talks to it.
//
// go-jose hands out no content keys, and its encrypter takes none. So one
// recipient more is written, whose wrapped key is unwrapped here, by hand, for the
// commitment, and then left out. When opening, the commitment is not checked.
package main

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	jose "github.com/go-jose/go-jose/v4"
)

const label = "signet.dev/v1/content-key-commitment\x00"

var b64 = base64.RawURLEncoding

type command struct {
	Do         string
	Kind       string
	Recipient  int
	Sender     int
	From       string
	Manifest   string
	Content    string
	Recipients []string
	Plaintext  string
	Terms      struct {
		Tenant  string
		Purpose string
		Iat     int64
		Exp     int64
	}
}

type claims struct {
	Ver        int      `json:"ver"`
	Jti        string   `json:"jti"`
	Tenant     string   `json:"tenant"`
	Sender     string   `json:"sender"`
	Recipients []string `json:"recipients"`
	Protected  string   `json:"protected"`
	Commitment string   `json:"commitment"`
	Digest     string   `json:"digest"`
	Purpose    string   `json:"purpose"`
	Iat        int64    `json:"iat"`
	Exp        int64    `json:"exp"`
}

// The content, as far as it is looked into.
type content struct {
	Protected  string      `json:"protected"`
	Recipients []recipient `json:"recipients"`
	IV         string      `json:"iv"`
	Ciphertext string      `json:"ciphertext"`
	Tag        string      `json:"tag"`
}

type recipient struct {
	Header       json.RawMessage `json:"header"`
	EncryptedKey string          `json:"encrypted_key"`
}

var keys []jose.JSONWebKey

func generate(kind string) (jose.JSONWebKey, error) {
	key := jose.JSONWebKey{Use: "enc"}
	var err error
	bits := map[string]int{
		"rsa-oaep-2048": 2048, "rsa-oaep-3072": 3072, "rsa-oaep-4096": 4096,
		"rsa-pss-2048": 2048, "rsa-pss-3072": 3072, "rsa-pss-4096": 4096,
	}[kind]
	switch {
	case bits > 0:
		key.Algorithm = string(jose.RSA_OAEP_256)
		if kind[:7] == "rsa-pss" {
			key.Algorithm, key.Use = string(jose.PS256), "sig"
		}
		key.Key, err = rsa.GenerateKey(rand.Reader, bits)
	case kind == "p256":
		key.Algorithm = string(jose.ECDH_ES_A256KW)
		key.Key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case kind == "es256":
		key.Algorithm, key.Use = string(jose.ES256), "sig"
		key.Key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case kind == "ed25519":
		key.Algorithm, key.Use = string(jose.EdDSA), "sig"
		_, key.Key, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = errors.New("unknown kind " + kind)
	}
	return key, err
}

func thumbprint(key jose.JSONWebKey) (string, error) {
	hash, err := key.Thumbprint(crypto.SHA256)
	return b64.EncodeToString(hash), err
}

func digest(parts content) (string, error) {
	hash := sha256.New()
	for _, part := range []string{parts.IV, parts.Ciphertext, parts.Tag} {
		bytes, err := b64.DecodeString(part)
		if err != nil {
			return "", err
		}
		hash.Write(bytes)
	}
	return b64.EncodeToString(hash.Sum(nil)), nil
}

func newKey(kind string) (any, error) {
	key, err := generate(kind)
	if err != nil {
		return nil, err
	}
	keys = append(keys, key)
	public := key.Public()
	public.Algorithm, public.Use = key.Algorithm, key.Use
	text, err := json.Marshal(public)
	return map[string]any{"index": len(keys) - 1, "public": string(text)}, err
}

// Encrypts with go-jose, and finds out the content key.
func encrypt(to []jose.Recipient, plaintext []byte) (content, []byte, error) {
	var parts content
	extra, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return parts, nil, err
	}
	to = append(to, jose.Recipient{Algorithm: jose.RSA_OAEP_256, Key: &extra.PublicKey, KeyID: "extra"})
	options := (&jose.EncrypterOptions{}).WithType("signet-content+jwe").WithContentType("text/plain")
	encrypter, err := jose.NewMultiEncrypter(jose.A256GCM, to, options)
	if err != nil {
		return parts, nil, err
	}
	object, err := encrypter.Encrypt(plaintext)
	if err != nil {
		return parts, nil, err
	}
	if err := json.Unmarshal([]byte(object.FullSerialize()), &parts); err != nil {
		return parts, nil, err
	}
	last := len(parts.Recipients) - 1
	wrapped, err := b64.DecodeString(parts.Recipients[last].EncryptedKey)
	if err != nil {
		return parts, nil, err
	}
	contentKey, err := rsa.DecryptOAEP(sha256.New(), rand.Reader, extra, wrapped, nil)
	parts.Recipients = parts.Recipients[:last]
	return parts, contentKey, err
}

func seal(ask command) (any, error) {
	sender := keys[ask.Sender]
	var to []jose.Recipient
	var kids []string
	for _, text := range ask.Recipients {
		var key jose.JSONWebKey
		if err := json.Unmarshal([]byte(text), &key); err != nil {
			return nil, err
		}
		kid, err := thumbprint(key)
		if err != nil {
			return nil, err
		}
		kids = append(kids, kid)
		to = append(to, jose.Recipient{Algorithm: jose.KeyAlgorithm(key.Algorithm), Key: key.Key, KeyID: kid})
	}
	parts, contentKey, err := encrypt(to, []byte(ask.Plaintext))
	if err != nil {
		return nil, err
	}
	own, err := thumbprint(sender.Public())
	if err != nil {
		return nil, err
	}
	hash, err := digest(parts)
	if err != nil {
		return nil, err
	}
	id := newID()
	mac := hmac.New(sha256.New, contentKey)
	mac.Write([]byte(label + id))
	payload, err := json.Marshal(claims{
		Ver: 1, Jti: id, Tenant: ask.Terms.Tenant, Sender: own, Recipients: kids,
		Protected: parts.Protected, Commitment: b64.EncodeToString(mac.Sum(nil)), Digest: hash,
		Purpose: ask.Terms.Purpose, Iat: ask.Terms.Iat, Exp: ask.Terms.Exp,
	})
	if err != nil {
		return nil, err
	}
	manifest, err := sign(sender, own, payload)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(parts)
	return map[string]string{"manifest": manifest, "content": string(text)}, err
}

func sign(sender jose.JSONWebKey, kid string, payload []byte) (string, error) {
	options := (&jose.SignerOptions{}).WithType("signet-manifest+jws").WithHeader("kid", kid)
	with := jose.SigningKey{Algorithm: jose.SignatureAlgorithm(sender.Algorithm), Key: sender.Key}
	signer, err := jose.NewSigner(with, options)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// A UUID, version 4.
func newID() string {
	var id [16]byte
	_, _ = rand.Read(id[:])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

func open(ask command) (any, error) {
	var sender jose.JSONWebKey
	if err := json.Unmarshal([]byte(ask.From), &sender); err != nil {
		return nil, err
	}
	signed, err := jose.ParseSignedCompact(ask.Manifest, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(sender.Algorithm)})
	if err != nil {
		return nil, err
	}
	payload, err := signed.Verify(sender.Key)
	if err != nil {
		return nil, err
	}
	var said claims
	if err := json.Unmarshal(payload, &said); err != nil {
		return nil, err
	}
	var parts content
	if err := json.Unmarshal([]byte(ask.Content), &parts); err != nil {
		return nil, err
	}
	own, err := thumbprint(sender)
	if err != nil {
		return nil, err
	}
	hash, err := digest(parts)
	if err != nil {
		return nil, err
	}
	typ := signed.Signatures[0].Protected.ExtraHeaders["typ"]
	if typ != "signet-manifest+jws" || said.Sender != own || said.Protected != parts.Protected || said.Digest != hash {
		return nil, errors.New("the manifest is of another envelope")
	}
	mine := keys[ask.Recipient]
	object, err := jose.ParseEncryptedJSON(ask.Content,
		[]jose.KeyAlgorithm{jose.KeyAlgorithm(mine.Algorithm)}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return nil, err
	}
	_, _, plaintext, err := object.DecryptMulti(mine.Key)
	return map[string]string{"plaintext": string(plaintext)}, err
}

func answer(line []byte) (any, error) {
	var ask command
	if err := json.Unmarshal(line, &ask); err != nil {
		return nil, err
	}
	switch ask.Do {
	case "key":
		return newKey(ask.Kind)
	case "seal":
		return seal(ask)
	case "open":
		return open(ask)
	}
	return nil, errors.New("unknown command")
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		reply, err := answer(lines.Bytes())
		if err == nil {
			err = json.NewEncoder(os.Stdout).Encode(reply)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
