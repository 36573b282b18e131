package child

import "net"

// FreeAddresses gives n loopback addresses that nothing listens on, for
// programs whose address has to be known before they start. Somebody else may
// take one in the meantime.
func FreeAddresses(n int) ([]string, error) {
	addresses := make([]string, n)
	for i := range addresses {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close() // in the end, so that none comes twice
		addresses[i] = listener.Addr().String()
	}
	return addresses, nil
}
