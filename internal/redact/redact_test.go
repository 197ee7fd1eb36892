package redact

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSecretKeys(t *testing.T) {
	t.Parallel()
	r := New()
	for _, key := range []string{
		"password", "Password", "PASSWORD", "db_password", "dbPassword", "DBPassword", "db-passwd", "passphrase", "PWD", "client_secret", "clientSecret",
		"token", "githubToken", "GITHUB_TOKEN", "access-token", "api_key", "apiKey", "APIKey", "X-Api-Key", "apikey", "API key", "x.apikey",
		"aws_secret_access_key", "accessKey", "privateKey", "PRIVATE_KEY", "SECRET_KEY", "Authorization", "Proxy-Authorization", "credential", "credentials", "gitCredentials",
		"Cookie", "Set-Cookie", "bearer", "token_", "passWord", "ключ_password",
	} {
		assert.True(t, r.Secret(key), key)
		assert.True(t, hasStem(key), key)
	}
	for _, key := range []string{
		"", "_", "token_budget", "tokens_used", "tokens", "secretary", "key", "keys", "primary_key", "monkey", "passwordless", "password_length", "tokenCount", "author", "bearer_of_news", "execution_id", "to_ken", "crossword",
	} {
		assert.False(t, r.Secret(key), key)
	}
	more := New(func(key string) bool { return key == "ssn" }, func(key string) bool { return key == "iban" })
	for key, secret := range map[string]bool{"ssn": true, "iban": true, "SSN": false, "password": true, "name": false} {
		assert.Equal(t, secret, more.Secret(key), key)
	}
}

func TestRedactDocument(t *testing.T) {
	t.Parallel()
	r := New()
	for given, want := range map[string]string{
		`{"password":"x"}`: `{"password":"[redacted]"}`,
		` { "a" : [ 1.0 , { "apiKey" : { "b" : [ "x" , "}" ] } , "c" : 1e2 } ] , "token": null , "z":"é" } `: ` { "a" : [ 1.0 , { "apiKey" : "[redacted]" , "c" : 1e2 } ] , "token": "[redacted]" , "z":"é" } `,
		`{"secret":[1,2],"pwd":12.50,"cookie":true}`:                                                         `{"secret":"[redacted]","pwd":"[redacted]","cookie":"[redacted]"}`,
		`{"pass\u0077ord":"x"}`: `{"pass\u0077ord":"[redacted]"}`,
		`{"\u0070\u0061\u0073\u0073\u0077\u006f\u0072\u0064":"x"}`:  `{"\u0070\u0061\u0073\u0073\u0077\u006f\u0072\u0064":"[redacted]"}`,
		`{"password":"a\"b\\","b":"\""}`:                            `{"password":"[redacted]","b":"\""}`,
		`{"doc":"{\"token\":\"x\",\"n\":1.0}"}`:                     `{"doc":"{\"token\":\"[redacted]\",\"n\":1.0}"}`,
		`{"doc":"[\"{\\\"token\\\":\\\"x\\\"}\"]"}`:                 `{"doc":"[\"{\\\"token\\\":\\\"[redacted]\\\"}\"]"}`,
		`["\u007b\"token\":1}"," {\"token\":1}","\n{\"token\":1}"]`: `["{\"token\":\"[redacted]\"}"," {\"token\":\"[redacted]\"}","\n{\"token\":\"[redacted]\"}"]`,
		`"{\"token\":1}"`: `"{\"token\":\"[redacted]\"}"`,
	} {
		assert.Equal(t, want, r.Document(given))
		assert.Equal(t, want, r.Document(want), "again")
	}
	for _, same := range []string{
		``, `{}`, `null`, `1.0`, `"password"`, `["password","x"]`, `{"a":"password"}`, `{"key" : "v", "token_budget": 1e2 }`, `{"password":"x"`, `{"doc":"{\"token\":"}`, `{"a":"token: x"}`,
	} {
		assert.Equal(t, same, r.Document(same))
	}
	more := New(func(key string) bool { return key == "ssn" })
	assert.Equal(t, `{"ssn":"[redacted]","a":{"token":"[redacted]"}}`, more.Document(`{"ssn":12,"a":{"token":1}}`))
}

func TestRedactText(t *testing.T) {
	t.Parallel()
	r := New()
	for given, want := range map[string]string{
		`password=hunter2`:                                       `password=[redacted]`,
		`bad DB_PASSWORD=hunter2, host=x`:                        `bad DB_PASSWORD=[redacted], host=x`,
		`token: abc.def user: bob`:                               `token: [redacted] user: bob`,
		`password = 'a b' host`:                                  `password = '[redacted]' host`,
		`{"password":"a \" b","c":1}`:                            `{"password":"[redacted]","c":1}`,
		`memory_json "{\"apiKey\":\"x \\\" y\",\"a\":1}": is no`: `memory_json "{\"apiKey\":\"[redacted]\",\"a\":1}": is no`,
		`"{\"token\":12,\"a\":1}"`:                               `"{\"token\":[redacted],\"a\":1}"`,
		`"{\"token\":{\"x\":[1,\"}\"]},\"a\":1}"`:                `"{\"token\":[redacted],\"a\":1}"`,
		`{"token":["x","y"],"b":1}`:                              `{"token":[redacted],"b":1}`,
		`"{\"password\":\"cut of...": is not valid JSON`:         `"{\"password\":\"[redacted]": is not valid JSON`,
		`Authorization: Bearer xyz`:                              `Authorization: [redacted]`,
		"Authorization: Basic dXNlcjpw a\nnext":                  "Authorization: [redacted]\nnext",
		`curl -H "Authorization: Bearer xyz" https://host`:       `curl -H "Authorization: [redacted]" https://host`,
		`Set-Cookie: a=b; c=d`:                                   `Set-Cookie: [redacted]`,
		`got Bearer xyz, then`:                                   `got Bearer [redacted], then`,
		`dial postgres://bob:s3cret@db:5432/x failed`:            `dial postgres://bob:[redacted]@db:5432/x failed`,
		`redis://:p@ss@host`:                                     `redis://:[redacted]@host`,
		`amqp://u:p/w@host/v`:                                    `amqp://u:[redacted]@host/v`,
		`https://host/x?api_key=abc&user=u`:                      `https://host/x?api_key=[redacted]`,
		`API key: abc`:                                           `API key: [redacted]`,
		`map[password:abc`:                                       `map[password:[redacted]`,
		`(secret=abc): timeout`:                                  `(secret=[redacted]): timeout`,
		`password => "a b"`:                                      `password => "[redacted]"`,
		`password='it''s`:                                        `password='[redacted]''s`,
		`token="[x]yz"`:                                          `token="[redacted]"`,
		`token:[x]yz`:                                            `token:[redacted]`,
	} {
		assert.Equal(t, want, r.Text(given))
		assert.Equal(t, want, r.Text(want), "again")
	}
	for _, same := range []string{
		``, `no ontology`, `password`, `password=`, `password=""`, `key: 7`, `token_budget=5`, `tokens_used: 5`, `https://host:80/a@b`, `https://user@host`, `https://host`,
		`the bearer token is missing`, `exec-1: no template (12:30:01)`, `duplicate key value violates unique constraint "idx"`,
	} {
		assert.Equal(t, same, r.Text(same))
	}
	more := New(func(key string) bool { return key == "ssn" })
	assert.Equal(t, `ssn=[redacted] b=1`, more.Text(`ssn=12 b=1`))
}

// FuzzRedact: redacting twice is redacting once, valid JSON stays valid and invalid
// stays as it is, and no value under a secret key remains.
func FuzzRedact(f *testing.F) {
	for _, s := range []string{
		`{"password":"x"}`, `{"a":["{\"token\":\"\\u0041\"}",1.0,{"apiKey":{}}]}`, `{"pass\u0077ord":[1,"]"]}`, `"\"{\\\"pwd\\\":1}\""`, `[`, `{"token":1,"token":2}`,
		`password=a b`, `x://a:token:[b c],@h`, `token="a\"b`, `Authorization: Bearer x`, "cookie=a\r\nbearer b", `x://u:p@h:1/@?secret=x`, `"{\"a\":\"password\":\"x`, `key:key=key: a`,
	} {
		f.Add(s)
	}
	r := New()
	f.Fuzz(func(t *testing.T, s string) {
		text := r.Text(s)
		require.Equal(t, text, r.Text(text))

		doc := r.Document(s)
		require.Equal(t, doc, r.Document(doc))
		require.Equal(t, json.Valid([]byte(s)), json.Valid([]byte(doc)))
		if !json.Valid([]byte(s)) {
			require.Equal(t, s, doc)
			return
		}
		requireRedacted(t, r, doc)

		whole, err := json.Marshal(map[string]any{"doc": s, "nested": map[string]any{"db_password": s, "list": []any{json.RawMessage(s)}}})
		require.NoError(t, err)
		requireRedacted(t, r, r.Document(string(whole)))
	})
}

// requireRedacted finds the secrets of a document as encoding/json reads it.
func requireRedacted(t *testing.T, r *Redactor, doc string) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(doc))
	decoder.UseNumber()
	var value any
	require.NoError(t, decoder.Decode(&value))
	var look func(v any)
	look = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, inner := range v {
				if r.Secret(key) {
					require.Equal(t, Placeholder, inner, key)
				}
				look(inner)
			}
		case []any:
			for _, inner := range v {
				look(inner)
			}
		case string:
			if trimmed := strings.TrimSpace(v); json.Valid([]byte(v)) && trimmed != "" && strings.Contains("{[\"", trimmed[:1]) {
				requireRedacted(t, r, v)
			}
		}
	}
	look(value)
}
