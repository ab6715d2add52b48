package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/eventflow-go/eventflow/adapters/destination"
)

// s3 is a bucket that speaks the S3 API.
type s3 struct {
	client    *minio.Core
	transport *http.Transport
	bucket    string
	// prefix is empty or ends with a slash.
	prefix string
}

func openS3(u *url.URL, keys Keys) (Bucket, error) {
	if err := checkQuery(u, "endpoint", "region", "path_style"); err != nil {
		return nil, err
	}
	if err := s3utils.CheckValidBucketNameStrict(u.Host); err != nil {
		return nil, fmt.Errorf("names the bucket %q: %w", u.Host, err)
	}
	query := u.Query()
	region, endpoint := query.Get("region"), query.Get("endpoint")
	if region == "" {
		region = "us-east-1" // what stores other than Amazon's take
	}
	if endpoint == "" {
		endpoint = "https://s3." + region + ".amazonaws.com"
	}
	to, err := url.Parse(endpoint)
	if err != nil || to.Scheme != "http" && to.Scheme != "https" || to.Host == "" || strings.Trim(to.Path, "/") != "" || to.User != nil {
		return nil, errors.New("has an endpoint that is none; it must be like https://s3.example.com")
	}
	lookup, err := lookupOf(query.Get("path_style"))
	if err != nil {
		return nil, err
	}
	if (keys.Access == "") != (keys.Secret == "") {
		return nil, errors.New("needs both of archive-access-key and archive-secret-key, or neither")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	client, err := minio.NewCore(to.Host, &minio.Options{
		Creds: keys.credentials(), Secure: to.Scheme == "https", Transport: transport, Region: region, BucketLookup: lookup, MaxRetries: 2,
	})
	if err != nil {
		return nil, fmt.Errorf("has the endpoint %s: %w", endpoint, err)
	}
	b := &s3{client: client, transport: transport, bucket: u.Host}
	if prefix := strings.Trim(u.Path, "/"); prefix != "" {
		b.prefix = prefix + "/"
	}
	return b, nil
}

func lookupOf(pathStyle string) (minio.BucketLookupType, error) {
	if pathStyle == "" {
		return minio.BucketLookupAuto, nil
	}
	inPath, err := strconv.ParseBool(pathStyle)
	if err != nil {
		return 0, errors.New("has a path_style that is neither true nor false")
	}
	if inPath {
		return minio.BucketLookupPath, nil
	}
	return minio.BucketLookupDNS, nil
}

func (k Keys) credentials() *credentials.Credentials {
	if k.Access != "" {
		return credentials.NewStaticV4(k.Access, k.Secret, "")
	}
	return credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{}, &credentials.IAM{Client: &http.Client{Timeout: 5 * time.Second}},
	})
}

// Put implements [Bucket]. The hash of the whole is signed, so that the store refuses
// what was altered on its way.
func (b *s3) Put(ctx context.Context, name string, content []byte) error {
	sum := sha256.Sum256(content)
	_, err := b.client.PutObject(ctx, b.bucket, b.prefix+name, bytes.NewReader(content), int64(len(content)),
		"", hex.EncodeToString(sum[:]), minio.PutObjectOptions{ContentType: "application/gzip", DisableContentSha256: true})
	return plain(err)
}

// Get implements [Bucket].
func (b *s3) Get(ctx context.Context, name string) ([]byte, error) {
	object, _, _, err := b.client.GetObject(ctx, b.bucket, b.prefix+name, minio.GetObjectOptions{})
	if err != nil {
		return nil, plain(err)
	}
	content, err := io.ReadAll(object)
	return content, plain(errors.Join(err, object.Close()))
}

// Remove implements [Bucket].
func (b *s3) Remove(ctx context.Context, name string) error {
	err := plain(b.client.RemoveObject(ctx, b.bucket, b.prefix+name, minio.RemoveObjectOptions{}))
	if errors.Is(err, ErrMissing) {
		return nil
	}
	return err
}

// Check implements [Bucket]. It asks for an object that is not there, because to list a
// bucket takes a permission that nothing else here needs.
func (b *s3) Check(ctx context.Context) error {
	_, err := b.client.StatObject(ctx, b.bucket, b.prefix+"eventflow", minio.StatObjectOptions{})
	if err = plain(err); errors.Is(err, ErrMissing) {
		return nil
	}
	return err
}

// Close implements [Bucket].
func (b *s3) Close() error {
	b.transport.CloseIdleConnections()
	return nil
}

// plain is an error of the store without the address, which is nobody's business who
// only reads events.
func plain(err error) error {
	if err == nil {
		return nil
	}
	if answer, ok := errors.AsType[minio.ErrorResponse](err); ok && answer.StatusCode != 0 {
		switch {
		case answer.Code == minio.NoSuchKey || answer.StatusCode == http.StatusNotFound && answer.Code != minio.NoSuchBucket:
			return ErrMissing
		case answer.Message == "" || answer.Code == "":
			return fmt.Errorf("the object store answered with status %d", answer.StatusCode)
		}
		return fmt.Errorf("the object store answered with status %d, %s", answer.StatusCode, answer.Code)
	}
	return fmt.Errorf("the object store cannot be reached: %w", destination.Plain(err))
}
