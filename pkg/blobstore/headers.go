package blobstore

import (
	"mime"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	fallbackContentType = "application/octet-stream"
	maxFileName         = 150 // bytes
)

// safeContentType gives text if it is a media type (RFC 9110, section 8.3.1),
// else application/octet-stream.
func safeContentType(text string) string {
	if len(text) > 255 || strings.ContainsFunc(text, isUnsafe) {
		return fallbackContentType
	}
	if mediaType, _, err := mime.ParseMediaType(text); err != nil || !strings.Contains(mediaType, "/") {
		return fallbackContentType
	}
	return text
}

func isUnsafe(r rune) bool { return r < ' ' || r > '~' }

// contentDisposition gives the header (RFC 6266) that has a browser save the
// blob as fileName, or show it if fileName is "".
func contentDisposition(fileName string) string {
	fileName = safeFileName(fileName)
	if fileName == "" {
		return "inline"
	}
	fallback := strings.Map(func(r rune) rune {
		if isUnsafe(r) || r == '%' { // some browsers decode percent signs
			return '_'
		}
		return r
	}, fileName)
	disposition := `attachment; filename="` + fallback + `"`
	if fallback != fileName {
		disposition += "; filename*=UTF-8''" + percentEncode(fileName)
	}
	return disposition
}

// safeFileName gives the last element of a path, without what could hurt in a
// header, in a file system, or in the eye of the reader.
func safeFileName(name string) string {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, unicode.In(r, unicode.C), unicode.In(r, unicode.Zl, unicode.Zp):
			return -1
		case strings.ContainsRune(`"<>:|?*`, r):
			return '_'
		default:
			return r
		}
	}, name)
	name = strings.TrimLeft(name, ". ")
	return strings.TrimRight(shorten(name), ". ")
}

// shorten keeps the extension of a long name.
func shorten(name string) string {
	if len(name) <= maxFileName {
		return name
	}
	extension := ""
	if i := strings.LastIndexByte(name, '.'); i >= 0 && len(name)-i <= 16 {
		extension = name[i:]
	}
	end := maxFileName - len(extension)
	for !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end] + extension
}

// percentEncode encodes all but the attr-char of RFC 8187, section 3.2.1.
func percentEncode(text string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if c < utf8.RuneSelf && (unicode.IsLetter(rune(c)) || unicode.IsDigit(rune(c)) || strings.IndexByte("!#$&+-.^_`|~", c) >= 0) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

// fileNameOf reads what contentDisposition wrote.
func fileNameOf(disposition string) string {
	_, parameters, err := mime.ParseMediaType(disposition)
	if err != nil {
		return ""
	}
	return parameters["filename"]
}
