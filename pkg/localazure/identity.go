package localazure

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// identity is a certificate that vouches for itself, and its key.
type identity struct {
	certPEM, keyPEM []byte
}

// newIdentity makes a certificate for every name that Azurite may be called by.
func newIdentity() (*identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("localazure: certificate: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "localazure"},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.AddDate(1, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		DNSNames:     []string{"localhost", "*.blob.localhost", "*.queue.localhost", "*.table.localhost"},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("localazure: certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("localazure: certificate: %w", err)
	}
	return &identity{
		certPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		keyPEM:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}, nil
}

func (i *identity) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(i.certPEM)
	return pool
}

// writeFiles writes the certificate and its key where Azurite can read them. It returns the arguments that say so, and
// what removes the files.
func (i *identity) writeFiles() (args []string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "localazure-")
	if err != nil {
		return nil, nil, fmt.Errorf("localazure: certificate: %w", err)
	}
	remove = func() { os.RemoveAll(dir) }
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err = os.WriteFile(cert, i.certPEM, 0o600); err == nil {
		err = os.WriteFile(key, i.keyPEM, 0o600)
	}
	if err != nil {
		remove()
		return nil, nil, fmt.Errorf("localazure: certificate: %w", err)
	}
	return []string{"--cert", cert, "--key", key, "--oauth", "basic"}, remove, nil
}

// newHTTPClient returns a client that trusts i, which may be nil, and finds every host below .localhost on 127.0.0.1.
func newHTTPClient(i *identity) *http.Client {
	transport := &http.Transport{
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     keepAlive / 2,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if host, port, err := net.SplitHostPort(address); err == nil && strings.HasSuffix(host, ".localhost") {
				address = net.JoinHostPort("127.0.0.1", port)
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	if i != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: i.pool(), MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: transport}
}
