package builtin

import (
	"bytes"
	"encoding/binary"
	"image"
)

// orientation is how a camera was held, as EXIF numbers it: what the rows and
// columns of the stored picture are in the scene (EXIF 2.32, tag 0x0112).
type orientation int

const (
	orientationNormal    orientation = 1
	orientationTransvers orientation = 5 // this and above: rows are columns
	orientationLast      orientation = 8

	orientationTag = 0x0112
	shortType      = 3
)

// size gives the size of the thumbnail before it is turned: width is that of
// the turned one at most, and no picture is enlarged.
func (o orientation) size(picture image.Point, width int) image.Point {
	if o >= orientationTransvers {
		picture.X, picture.Y = picture.Y, picture.X
	}
	width = min(width, picture.X)
	height := max(1, (picture.Y*width+picture.X/2)/picture.X)
	if height > maxHeight {
		width, height = max(1, (picture.X*maxHeight+picture.Y/2)/picture.Y), maxHeight
	}
	if o >= orientationTransvers {
		return image.Pt(height, width)
	}
	return image.Pt(width, height)
}

// apply gives the picture as the camera's owner saw it.
func (o orientation) apply(stored *image.RGBA) *image.RGBA {
	if o == orientationNormal {
		return stored
	}
	w, h := stored.Rect.Dx(), stored.Rect.Dy()
	size := image.Pt(w, h)
	if o >= orientationTransvers {
		size = image.Pt(h, w)
	}
	turned := image.NewRGBA(image.Rectangle{Max: size})
	for y := range h {
		for x := range w {
			to := o.place(x, y, w, h)
			copy(turned.Pix[turned.PixOffset(to.X, to.Y):][:4], stored.Pix[stored.PixOffset(x, y):][:4])
		}
	}
	return turned
}

// place gives where a pixel of a stored picture of w × h belongs.
func (o orientation) place(x, y, w, h int) image.Point {
	switch o {
	case 2:
		return image.Pt(w-1-x, y)
	case 3:
		return image.Pt(w-1-x, h-1-y)
	case 4:
		return image.Pt(x, h-1-y)
	case 5:
		return image.Pt(y, x)
	case 6:
		return image.Pt(h-1-y, x)
	case 7:
		return image.Pt(h-1-y, w-1-x)
	case 8:
		return image.Pt(y, w-1-x)
	}
	return image.Pt(x, y)
}

// readOrientation looks for the orientation in the beginning of a JPEG file,
// up to its frame header. Where there is none, or it is damaged, the picture
// is taken as it is.
func readOrientation(head []byte) orientation {
	if len(head) < 2 || head[0] != 0xff || head[1] != 0xd8 {
		return orientationNormal
	}
	for rest := head[2:]; len(rest) >= 4 && rest[0] == 0xff; {
		if rest[1] == 0xff { // fill byte
			rest = rest[1:]
			continue
		}
		length := 2 + int(binary.BigEndian.Uint16(rest[2:]))
		if length < 4 || length > len(rest) {
			break
		}
		const app1, startOfScan = 0xe1, 0xda
		if rest[1] == startOfScan {
			break
		}
		if tiff, ok := bytes.CutPrefix(rest[4:length], []byte("Exif\x00\x00")); ok && rest[1] == app1 {
			return tiffOrientation(tiff)
		}
		rest = rest[length:]
	}
	return orientationNormal
}

// tiffOrientation reads the orientation from the first directory of a TIFF
// header (TIFF 6.0, section 2), in which EXIF keeps its tags.
func tiffOrientation(tiff []byte) orientation {
	const headerSize, entrySize = 8, 12
	if len(tiff) < headerSize {
		return orientationNormal
	}
	var order binary.ByteOrder = binary.BigEndian
	if tiff[0] == 'I' {
		order = binary.LittleEndian
	}
	directory := uint64(order.Uint32(tiff[4:]))
	if directory+2 > uint64(len(tiff)) {
		return orientationNormal
	}
	entries := tiff[directory+2:]
	for range order.Uint16(tiff[directory:]) {
		if len(entries) < entrySize {
			break
		}
		if order.Uint16(entries) == orientationTag && order.Uint16(entries[2:]) == shortType {
			if o := orientation(order.Uint16(entries[8:])); o >= orientationNormal && o <= orientationLast {
				return o
			}
			break
		}
		entries = entries[entrySize:]
	}
	return orientationNormal
}
