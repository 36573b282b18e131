package builtin_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker/builtin"
	"github.com/asyncreply/asyncreply/pkg/worker/workertest"
)

var (
	red   = color.RGBA{R: 220, A: 255}
	green = color.RGBA{G: 220, A: 255}
	blue  = color.RGBA{B: 220, A: 255}
	white = color.RGBA{R: 255, G: 255, B: 255, A: 255}
)

// quarters is a picture whose corners are, clockwise from the top left, red,
// green, blue and white.
func quarters(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := [2][2]color.RGBA{{red, green}, {white, blue}}[2*y/h][2*x/w]
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

func encoded(t *testing.T, m image.Image, format string) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch format {
	case "png":
		err = png.Encode(&b, m)
	case "gif":
		paletted := image.NewPaletted(m.Bounds(), color.Palette{red, green, blue, white})
		draw.Draw(paletted, m.Bounds(), m, image.Point{}, draw.Src)
		err = gif.Encode(&b, paletted, nil)
	default:
		err = jpeg.Encode(&b, m, &jpeg.Options{Quality: 95})
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func thumbnail(t *testing.T, payload []byte, query string) (image.Image, *workertest.Outcome) {
	t.Helper()
	o := workertest.Run(t.Context(), builtin.Thumbnail(), workertest.Request{Payload: payload, Query: query})
	if o.Err != nil {
		t.Fatal(o.Err)
	}
	m, format, err := image.Decode(bytes.NewReader(o.Result))
	if err != nil || o.ContentType != "image/"+format {
		t.Fatalf("%v: %s declared as %s", err, format, o.ContentType)
	}
	return m, o
}

// corners names the colours of a picture's quarters, clockwise from the top
// left.
func corners(m image.Image) string {
	b := m.Bounds()
	x1, x2, y1, y2 := b.Min.X+b.Dx()/4, b.Min.X+b.Dx()*3/4, b.Min.Y+b.Dy()/4, b.Min.Y+b.Dy()*3/4
	var names strings.Builder
	for _, p := range []image.Point{{x1, y1}, {x2, y1}, {x2, y2}, {x1, y2}} {
		names.WriteString(nearest(m.At(p.X, p.Y)))
	}
	return names.String()
}

func nearest(c color.Color) string {
	best, name := 1<<62, "?"
	r, g, b, _ := c.RGBA()
	for candidate, letter := range map[color.RGBA]string{red: "R", green: "G", blue: "B", white: "W"} {
		distance := 0
		for _, d := range []int{int(r>>8) - int(candidate.R), int(g>>8) - int(candidate.G), int(b>>8) - int(candidate.B)} {
			distance += d * d
		}
		if distance < best {
			best, name = distance, letter
		}
	}
	return name
}

// Every format comes out in the size asked for, with its aspect ratio, never
// enlarged, and recognisable.
func TestThumbnailSizes(t *testing.T) {
	tests := []struct {
		w, h   int
		query  string
		want   image.Point
		wanted string
	}{
		{320, 240, "", image.Pt(256, 192), "jpeg"},
		{320, 240, "width=64", image.Pt(64, 48), "jpeg"},
		{240, 320, "width=64&format=png", image.Pt(64, 85), "png"},
		{100, 50, "width=4096", image.Pt(100, 50), "jpeg"},
		{1000, 2, "width=10", image.Pt(10, 1), "jpeg"},
		{10, 9000, "width=10", image.Pt(5, 4096), "jpeg"},
		{100, 100, "width=1", image.Pt(1, 1), "jpeg"},
	}
	for _, format := range []string{"jpeg", "png", "gif"} {
		for _, test := range tests {
			m, o := thumbnail(t, encoded(t, quarters(test.w, test.h), format), test.query)
			if got := m.Bounds().Size(); got != test.want || o.ContentType != "image/"+test.wanted {
				t.Errorf("%s %d×%d %s: %v %s", format, test.w, test.h, test.query, got, o.ContentType)
			}
			if test.want.X > 4 && test.want.Y > 4 && corners(m) != "RGBW" {
				t.Errorf("%s %d×%d %s: corners are %s", format, test.w, test.h, test.query, corners(m))
			}
			if want := map[string]string{"jpeg": "thumbnail.jpg", "png": "thumbnail.png"}[test.wanted]; o.FileName != want {
				t.Errorf("file name %s", o.FileName)
			}
		}
	}
}

// What is transparent stays so in PNG, which is then the default, and turns
// white in JPEG.
func TestThumbnailTransparency(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 400, 400))
	for i := range m.Pix[:400*200*4] {
		m.Pix[i] = 200
	}
	payload := encoded(t, m, "png")
	clear, o := thumbnail(t, payload, "width=40")
	if _, _, _, a := clear.At(20, 35).RGBA(); a != 0 || o.ContentType != "image/png" {
		t.Errorf("alpha %d in %s", a, o.ContentType)
	}
	filled, _ := thumbnail(t, payload, "width=40&format=jpeg")
	if nearest(filled.At(20, 35)) != "W" {
		t.Errorf("transparent became %v", filled.At(20, 35))
	}
}

// Scaling in strips makes no seams: a smooth gradient stays smooth.
func TestThumbnailHasNoSeams(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 1200, 1200))
	for y := range 1200 {
		for x := range 1200 {
			m.SetGray(x, y, color.Gray{Y: uint8((x + y) / 10)})
		}
	}
	small, _ := thumbnail(t, encoded(t, m, "png"), "width=400&format=png")
	for y := range 400 {
		for x := range 400 {
			r, _, _, _ := small.At(x, y).RGBA()
			if got, want := int(r>>8), (3*x+3*y+2)/10; got < want-1 || got > want+1 {
				t.Fatalf("at %d,%d: %d, want about %d", x, y, got, want)
			}
		}
	}
}

// withOrientation puts an EXIF segment with an orientation, in one of the two
// byte orders, behind the start of a JPEG file.
func withOrientation(file []byte, orientation uint16, order binary.AppendByteOrder, mark string) []byte {
	tiff := order.AppendUint32(order.AppendUint16([]byte(mark), 42), 8)
	tiff = order.AppendUint16(tiff, 2)
	for _, entry := range []struct{ tag, value uint16 }{{0x0100, 9}, {0x0112, orientation}} {
		tiff = order.AppendUint16(order.AppendUint16(tiff, entry.tag), 3)
		tiff = order.AppendUint16(order.AppendUint16(order.AppendUint32(tiff, 1), entry.value), 0)
	}
	body := append([]byte("Exif\x00\x00"), tiff...)
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(body)+2))
	app0 := []byte{0xff, 0xe0, 0, 4, 'J', 'F'}
	return bytes.Join([][]byte{file[:2], app0, segment, body, file[2:]}, nil)
}

// A photo taken with the camera on its side stands upright in the thumbnail.
func TestThumbnailOrientation(t *testing.T) {
	file := encoded(t, quarters(400, 200), "jpeg")
	for orientation, want := range map[uint16]string{
		1: "RGBW", 2: "GRWB", 3: "BWRG", 4: "WBGR", 5: "RWBG", 6: "WRGB", 7: "BGRW", 8: "GBWR", 0: "RGBW", 9: "RGBW",
	} {
		size := image.Pt(100, 50)
		if orientation >= 5 && orientation <= 8 {
			size = image.Pt(100, 200)
		}
		for mark, order := range map[string]binary.AppendByteOrder{"II": binary.LittleEndian, "MM": binary.BigEndian} {
			m, _ := thumbnail(t, withOrientation(file, orientation, order, mark), "width=100")
			if got := corners(m); got != want || m.Bounds().Size() != size {
				t.Errorf("orientation %d %s: %s %v, want %s %v", orientation, mark, got, m.Bounds().Size(), want, size)
			}
		}
	}
}

// chunk is a PNG chunk with its length and checksum.
func chunk(kind string, data []byte) []byte {
	body := append([]byte(kind), data...)
	return binary.BigEndian.AppendUint32(append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), body...), crc32.ChecksumIEEE(body))
}

// A few bytes that claim to be a huge picture are refused before anything is
// made of them.
func TestThumbnailBomb(t *testing.T) {
	for _, size := range []image.Point{{100_000, 100_000}, {1 << 30, 1}, {7072, 7072}, {1<<31 - 1, 1<<31 - 1}} {
		header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(size.X)), uint32(size.Y))
		bomb := bytes.Join([][]byte{[]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(header, 8, 6, 0, 0, 0)), chunk("IDAT", nil)}, nil)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		o := workertest.Run(t.Context(), builtin.Thumbnail(), workertest.Request{Payload: bomb})
		runtime.ReadMemStats(&after)
		expectUnfit(t, o, job.CodeInvalidPayload, "picture")
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 4<<20 {
			t.Errorf("%v: %d bytes were allocated", size, grown)
		}
		if size.X == 100_000 && o.Verdict.Failure.Message != "The picture has 100000 × 100000 pixels; 50 megapixels are the limit." {
			t.Errorf("message is %q", o.Verdict.Failure.Message)
		}
	}
}

// What is no picture, an empty or a damaged one fails for good, and so does a
// wrong parameter.
func TestThumbnailRefuses(t *testing.T) {
	good := encoded(t, quarters(64, 64), "jpeg")
	for name, payload := range map[string][]byte{
		"empty": nil, "text": []byte("not a picture"), "cut head": good[:100], "svg": []byte("<svg/>"),
	} {
		o := workertest.Run(t.Context(), builtin.Thumbnail(), workertest.Request{Payload: payload})
		t.Run(name, func(t *testing.T) { expectUnfit(t, o, job.CodeInvalidPayload, "not a JPEG, PNG or GIF") })
	}
	for _, format := range []string{"jpeg", "png", "gif"} {
		file := encoded(t, quarters(64, 64), format)
		o := workertest.Run(t.Context(), builtin.Thumbnail(), workertest.Request{Payload: file[:len(file)/2]})
		expectUnfit(t, o, job.CodeInvalidPayload, "picture")
	}
	for _, query := range []string{"width=0", "width=4097", "width=x", "format=bmp"} {
		o := workertest.Run(t.Context(), builtin.Thumbnail(), workertest.Request{Payload: good, Query: query})
		expectUnfit(t, o, job.CodeInvalidParameter, "The parameter "+query[:strings.Index(query, "=")])
	}
}

// A payload that breaks off is retried, wherever it does: that is no fault of
// the picture.
func TestThumbnailBrokenPayload(t *testing.T) {
	broken := errors.New("storage is gone")
	file := encoded(t, quarters(640, 480), "jpeg")
	for _, n := range []int{0, 10, len(file) / 2} {
		o := workertest.Run(t.Context(), builtin.Thumbnail(), workertest.Request{
			Stream: io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(broken))})
		if !errors.Is(o.Err, broken) || o.Verdict.Permanent {
			t.Errorf("after %d bytes: %v", n, o.Err)
		}
	}
}

// A job that is given up stops reading and gives the reason.
func TestThumbnailCancel(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(job.ErrLockLost)
	o := workertest.Run(ctx, builtin.Thumbnail(), workertest.Request{Payload: encoded(t, quarters(64, 64), "png")})
	if !errors.Is(o.Err, job.ErrLockLost) {
		t.Errorf("got %v", o.Err)
	}
}

// Whatever the bytes, there is a thumbnail or a permanent failure.
func FuzzThumbnail(f *testing.F) {
	var b bytes.Buffer
	_ = jpeg.Encode(&b, quarters(8, 8), nil)
	f.Add(withOrientation(b.Bytes(), 6, binary.BigEndian, "MM"))
	f.Add(withOrientation(b.Bytes(), 6, binary.LittleEndian, "II")[:40])
	b.Reset()
	_ = png.Encode(&b, quarters(8, 8))
	f.Add(b.Bytes())
	f.Add([]byte("GIF89a"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if config, _, err := image.DecodeConfig(bytes.NewReader(payload)); err == nil && config.Width*config.Height > 1<<20 {
			return // takes long, which says nothing
		}
		o := workertest.Run(t.Context(), builtin.Thumbnail(), workertest.Request{Payload: payload, Query: "width=4"})
		if o.Err != nil && !o.Verdict.Permanent {
			t.Errorf("retryable: %v", o.Err)
		}
	})
}

func BenchmarkThumbnail(b *testing.B) {
	for _, megapixels := range []int{1, 12} {
		m := image.NewRGBA(image.Rect(0, 0, 1000*megapixels, 1000))
		for i := range m.Pix {
			m.Pix[i] = byte(i * i >> 8)
		}
		var file bytes.Buffer
		_ = jpeg.Encode(&file, m, nil)
		b.Run(fmt.Sprintf("%dMP", megapixels), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				workertest.Run(b.Context(), builtin.Thumbnail(), workertest.Request{Payload: file.Bytes()})
			}
		})
	}
}
