package job

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"
)

// ID is a job's id, the RequestGUID of the pattern. The package documentation
// gives its layout. The zero ID names no job.
type ID [16]byte

const (
	idTextLength = 36
	macOffset    = 14
)

// ParseID reads the textual form of RFC 9562 (8-4-4-4-12 hexadecimal digits,
// either case). It accepts any version of UUID, because a message sent to the
// queue by another program may carry any; whether an id is one of ours is for
// [KeyRing.Verify] to say. A malformed id gives an [Error] with [CodeInvalidID].
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != idTextLength || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ID{}, invalidID(s)
	}
	digits := make([]byte, 0, 32)
	digits = append(digits, s[0:8]...)
	digits = append(digits, s[9:13]...)
	digits = append(digits, s[14:18]...)
	digits = append(digits, s[19:23]...)
	digits = append(digits, s[24:]...)
	if _, err := hex.Decode(id[:], digits); err != nil || id == (ID{}) {
		return ID{}, invalidID(s)
	}
	return id, nil
}

func invalidID(s string) error {
	return &Error{Code: CodeInvalidID, Message: fmt.Sprintf("%.40q is not a RequestGUID", s)}
}

// String gives the textual form of RFC 9562 in lower case.
func (id ID) String() string {
	var text [idTextLength]byte
	return string(id.appendText(text[:0]))
}

// MarshalText implements [encoding.TextMarshaler].
func (id ID) MarshalText() ([]byte, error) { return id.AppendText(make([]byte, 0, idTextLength)) }

// AppendText implements [encoding.TextAppender].
func (id ID) AppendText(text []byte) ([]byte, error) { return id.appendText(text), nil }

func (id *ID) appendText(text []byte) []byte {
	text = hex.AppendEncode(text, id[0:4])
	for _, group := range [...][]byte{id[4:6], id[6:8], id[8:10], id[10:16]} {
		text = hex.AppendEncode(append(text, '-'), group)
	}
	return text
}

// UnmarshalText implements [encoding.TextUnmarshaler] as [ParseID] does.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := ParseID(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

// IsZero reports whether id is the zero ID.
func (id ID) IsZero() bool { return id == ID{} }

// Time gives the moment of issue, to the millisecond, in UTC. It means
// something only for an id that was issued here.
func (id ID) Time() time.Time {
	var ms [8]byte
	copy(ms[2:], id[:6])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(ms[:]))).UTC()
}

// Shard gives the table partition that the job's record lies in.
func (id ID) Shard() byte { return id[6]<<4 | id[7]>>4 }

// newID lays out an id without its MAC. Of nonce the lowest 50 bits are used.
func newID(at time.Time, shard byte, nonce uint64) ID {
	var id ID
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli()))
	copy(id[:6], ms[2:])
	id[6] = 0x80 | shard>>4
	id[7] = shard<<4 | byte(nonce>>46)&0x0f
	var low [8]byte
	binary.BigEndian.PutUint64(low[:], nonce&(1<<46-1))
	copy(id[8:macOffset], low[2:])
	id[8] |= 0x80
	return id
}
