// Drives the S3 encryption clients of the AWS SDK for Go: each line on standard input is a call, answered by a line on
// standard output. What the lines hold is said in ../encryption-clients.ts. The endpoint is the argument; credentials,
// region and CA bundle come from the environment.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/kms"
	"github.com/aws/aws-sdk-go/service/s3"
	"github.com/aws/aws-sdk-go/service/s3/s3crypto"
)

type call struct {
	Operation         string
	Generation        string
	Wrap              string
	Key               string
	Envelope          string
	Content           string
	Legacy            bool
	Bucket            string
	ObjectKey         string
	EncryptionContext map[string]string
	Body              []byte
}

type answer struct {
	Body  []byte `json:"body"`
	Error string `json:"error,omitempty"`
}

func main() {
	session := session.Must(session.NewSession(&aws.Config{
		Endpoint:         aws.String(os.Args[1]),
		S3ForcePathStyle: aws.Bool(true),
		MaxRetries:       aws.Int(0),
	}))
	calls, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var next call
		if err := calls.Decode(&next); err == io.EOF {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		body, err := run(session, next)
		reply := answer{Body: body}
		if err != nil {
			reply = answer{Error: err.Error()}
		}
		if err := answers.Encode(reply); err != nil {
			log.Fatal(err)
		}
	}
}

func run(session *session.Session, c call) ([]byte, error) {
	if c.Wrap != "kms" {
		return nil, fmt.Errorf("the SDK for Go knows no wrap but kms, and not %s", c.Wrap)
	}
	switch c.Operation {
	case "put":
		return nil, put(session, c)
	case "get":
		return get(session, c)
	}
	return nil, fmt.Errorf("no such operation: %s", c.Operation)
}

func put(session *session.Session, c call) error {
	input := &s3.PutObjectInput{Bucket: &c.Bucket, Key: &c.ObjectKey, Body: bytes.NewReader(c.Body)}
	var save s3crypto.SaveStrategy = s3crypto.HeaderV2SaveStrategy{}
	if c.Envelope == "instruction_file" {
		save = s3crypto.S3SaveStrategy{Client: s3.New(session)}
	}
	if c.Generation == "V1" {
		// Of the first client, which in Go writes no format but V2: there with the legacy wrap.
		key := s3crypto.NewKMSKeyGenerator(kms.New(session), c.Key)
		content := s3crypto.AESGCMContentCipherBuilder(key)
		if c.Content == "CBC" {
			content = s3crypto.AESCBCContentCipherBuilder(key, s3crypto.AESCBCPadder)
		}
		client := s3crypto.NewEncryptionClient(session, content,
			func(client *s3crypto.EncryptionClient) { client.SaveStrategy = save })
		_, err := client.PutObject(input)
		return err
	}
	key := s3crypto.NewKMSContextKeyGenerator(kms.New(session), c.Key, aws.StringMap(c.EncryptionContext))
	client, err := s3crypto.NewEncryptionClientV2(session, s3crypto.AESGCMContentCipherBuilderV2(key),
		func(options *s3crypto.EncryptionClientOptions) { options.SaveStrategy = save })
	if err != nil {
		return err
	}
	_, err = client.PutObject(input)
	return err
}

// The client takes the encryption context from the object and compares it with nothing.
func get(session *session.Session, c call) ([]byte, error) {
	registry := s3crypto.NewCryptoRegistry()
	if err := s3crypto.RegisterKMSContextWrapWithCMK(registry, kms.New(session), c.Key); err != nil {
		return nil, err
	}
	if err := s3crypto.RegisterAESGCMContentCipher(registry); err != nil {
		return nil, err
	}
	if c.Legacy {
		if err := s3crypto.RegisterKMSWrapWithCMK(registry, kms.New(session), c.Key); err != nil {
			return nil, err
		}
		if err := s3crypto.RegisterAESCBCContentCipher(registry, s3crypto.AESCBCPadder); err != nil {
			return nil, err
		}
	}
	client, err := s3crypto.NewDecryptionClientV2(session, registry)
	if err != nil {
		return nil, err
	}
	output, err := client.GetObject(&s3.GetObjectInput{Bucket: &c.Bucket, Key: &c.ObjectKey})
	if err != nil {
		return nil, err
	}
	defer output.Body.Close()
	return io.ReadAll(output.Body)
}
