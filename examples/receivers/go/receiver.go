// Receives Angarium's webhooks and verifies them, on nothing but Go's standard library:
//
//	ANGARIUM_SECRET=whsec_… go run receiver.go [--profile default] [--port 8000]
//	go run receiver.go --vectors ../../../tests/vectors/signatures.json
//
// During a rotation ANGARIUM_SECRET may hold the old and the new secret, with a space between.
package main

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	toleranceSeconds = 300
	signaturesMax    = 16
	bodyBytesMax     = 1 << 20
	rememberedMax    = 10_000
)

// Why a request is not to be trusted.
type refusal string

func (r refusal) Error() string { return string(r) }

const (
	errMissingHeader      refusal = "missing_header"
	errTimestampMalformed refusal = "timestamp_malformed"
	errTooOld             refusal = "too_old"
	errInFuture           refusal = "in_future"
	errTooManySignatures  refusal = "too_many_signatures"
	errNoMatch            refusal = "no_match"
)

// Where a webhook of profile g-tateth has its signature; the zero value is its default.
type signatureOptions struct{ Header, Prefix, Encoding string }

// What the headers claim: the time, what is signed before the body, and how each entry must look.
type claim struct {
	time, before, prefix string
	entries              []string
	isTimed, isStandard  bool
	encode               func([]byte) string
}

var base64Text = base64.StdEncoding.EncodeToString

func claimOf(profile string, headers http.Header, options signatureOptions) (claim, error) {
	overBody := func(name, prefix string, encode func([]byte) string) (claim, error) {
		value := headers.Get(name)
		if value == "" {
			return claim{}, errMissingHeader
		}
		return claim{entries: []string{value}, prefix: prefix, encode: encode}, nil
	}
	switch profile {
	case "default", "cloudevents":
		id, at, list := headers.Get("webhook-id"), headers.Get("webhook-timestamp"), headers.Get("webhook-signature")
		if id == "" || at == "" || list == "" {
			return claim{}, errMissingHeader
		}
		return claim{time: at, isTimed: true, before: id + "." + at + ".", entries: strings.Split(list, " "),
			prefix: "v1,", encode: base64Text, isStandard: true}, nil
	case "g-tateth":
		name, encode := options.Header, hex.EncodeToString
		if name == "" {
			name = "x-webhook-signature"
		}
		if options.Encoding == "base64" {
			encode = base64Text
		}
		return overBody(name, options.Prefix, encode)
	case "contextgpt":
		return overBody("x-signature", "sha256=", hex.EncodeToString)
	case "github":
		return overBody("x-hub-signature-256", "sha256=", hex.EncodeToString)
	case "shopify":
		return overBody("x-shopify-hmac-sha256", "", base64Text)
	case "slack":
		at := headers.Get("x-slack-request-timestamp")
		if at == "" {
			return claim{}, errMissingHeader
		}
		c, err := overBody("x-slack-signature", "v0=", hex.EncodeToString)
		c.time, c.isTimed, c.before = at, true, "v0:"+at+":"
		return c, err
	case "stripe":
		c, err := overBody("stripe-signature", "v1=", hex.EncodeToString)
		if err != nil {
			return c, err
		}
		var entries []string
		for _, entry := range strings.Split(c.entries[0], ",") {
			if !strings.HasPrefix(entry, "t=") {
				entries = append(entries, entry)
			} else if c.time == "" {
				c.time = entry[len("t="):]
			}
		}
		c.isTimed, c.before, c.entries = true, c.time+".", entries
		return c, nil
	}
	return claim{}, fmt.Errorf("there is no profile %q", profile)
}

// Only digits and no leading zero: anything else would be other signed bytes for the same time.
var plainSeconds = regexp.MustCompile(`^(0|[1-9][0-9]{0,17})$`)

func (c claim) checkTime(now time.Time) error {
	if !c.isTimed {
		return nil
	}
	if !plainSeconds.MatchString(c.time) {
		return errTimestampMalformed
	}
	seconds, err := strconv.ParseInt(c.time, 10, 64)
	switch age := now.Unix() - seconds; {
	case err != nil:
		return errTimestampMalformed
	case age > toleranceSeconds:
		return errTooOld
	case age < -toleranceSeconds:
		return errInFuture
	}
	return nil
}

// check says why not to trust a request, or nil. The body is the bytes that arrived.
func check(profile string, headers http.Header, body []byte, secrets []string, now time.Time,
	options signatureOptions) error {
	c, err := claimOf(profile, headers, options)
	if err != nil {
		return err
	}
	if err := c.checkTime(now); err != nil {
		return err
	}
	if len(c.entries) > signaturesMax {
		return errTooManySignatures
	}
	signed := append([]byte(c.before), body...)
	for _, secret := range secrets {
		for _, entry := range c.entries {
			matched, err := c.matches(entry, secret, signed)
			if err != nil || matched {
				return err
			}
		}
	}
	return errNoMatch
}

func (c claim) matches(entry, secret string, signed []byte) (bool, error) {
	key := []byte(secret)
	if c.isStandard {
		// Only these profiles decode the secret; for the others its whole text is the key.
		public := strings.HasPrefix(secret, "whpk_")
		decoded, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimPrefix(secret, "whsec_"), "whpk_"))
		if err != nil || len(decoded) == 0 || public && len(decoded) != ed25519.PublicKeySize {
			return false, errors.New("the secret is not one of Angarium's")
		}
		if public {
			encoded := strings.TrimPrefix(entry, "v1a,")
			signature, err := base64.StdEncoding.DecodeString(encoded)
			return err == nil && encoded != entry && ed25519.Verify(decoded, signed, signature), nil
		}
		key = decoded
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(signed)
	return hmac.Equal([]byte(c.prefix+c.encode(mac.Sum(nil))), []byte(entry)), nil
}

// The ids of events that were worked on. In real life a table, kept for longer than the sender may try again.
type memory struct {
	sync.Mutex
	ids   map[string]bool
	order []string
}

// isNew remembers an id, and says whether it is the first time.
func (m *memory) isNew(id string) bool {
	m.Lock()
	defer m.Unlock()
	if m.ids[id] {
		return false
	}
	m.ids[id], m.order = true, append(m.order, id)
	if len(m.order) > rememberedMax {
		delete(m.ids, m.order[0])
		m.order = m.order[1:]
	}
	return true
}

func serve(port, profile string, secrets []string) error {
	seen := memory{ids: map[string]bool{}}
	handler := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyBytesMax))
		if err != nil {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
			return
		}
		err = check(profile, r.Header, body, secrets, time.Now(), signatureOptions{})
		if _, refused := err.(refusal); refused {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		} else if err != nil {
			log.Print(err)
			http.Error(w, "not set up", http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent) // First the answer, then the work: the sender waits for it.
		go func() {
			if id := r.Header.Get("webhook-id"); seen.isNew(id) { // The same event may come twice.
				fmt.Println(id, string(body))
			}
		}()
	}
	server := http.Server{Addr: "127.0.0.1:" + port, Handler: http.HandlerFunc(handler), ReadTimeout: 20 * time.Second}
	fmt.Println("listening on http://" + server.Addr)
	return server.ListenAndServe()
}

type vector struct {
	Name, Profile, Expected, Reason string
	Secrets                         []string
	Headers                         map[string]string
	Body                            *string
	BodyBase64                      []byte
	Now                             int64
	Signature                       signatureOptions
}

func (v vector) isWrong() bool {
	headers := http.Header{}
	for name, value := range v.Headers {
		headers.Set(name, value)
	}
	body := v.BodyBase64
	if v.Body != nil {
		body = []byte(*v.Body)
	}
	err := check(v.Profile, headers, body, v.Secrets, time.Unix(v.Now, 0), v.Signature)
	if v.Expected == "accept" {
		return err != nil
	}
	return err == nil || err.Error() != v.Reason
}

func checkVectors(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var all struct{ Vectors []vector }
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	wrong := 0
	for _, v := range all.Vectors {
		if v.isWrong() {
			wrong++
			fmt.Fprintf(os.Stderr, "%s: should %s\n", v.Name, v.Expected)
		}
	}
	if wrong > 0 || len(all.Vectors) == 0 {
		return fmt.Errorf("%d vectors: %d wrong", len(all.Vectors), wrong)
	}
	fmt.Printf("%d vectors: ok\n", len(all.Vectors))
	return nil
}

func main() {
	profile := flag.String("profile", "default", "the webhook's profile")
	port := flag.String("port", "8000", "where to listen, on 127.0.0.1")
	vectors := flag.String("vectors", "", "check the signature vectors in this `file` instead")
	flag.Parse()
	var err error
	if *vectors != "" {
		err = checkVectors(*vectors)
	} else {
		err = serve(*port, *profile, strings.Fields(os.Getenv("ANGARIUM_SECRET")))
	}
	if err != nil {
		log.Fatal(err)
	}
}
