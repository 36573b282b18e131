package builtin

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // formats that [image.Decode] reads
	"image/jpeg"
	"image/png"
	"io"
	"strconv"

	"golang.org/x/image/draw"
	"golang.org/x/sync/semaphore"

	"github.com/asyncreply/asyncreply/pkg/worker"
)

const (
	// maxPixels bounds the picture that is decoded, and all that are decoded at
	// the same moment together: 50 megapixels take about 100 MB as a usual
	// JPEG and 1.2 GB at worst (progressive, four components). A file of a few kilobytes can claim to be far
	// larger.
	maxPixels = 50_000_000

	defaultWidth = 256 // pixels
	maxWidth     = 4096
	maxHeight    = 4096
	jpegQuality  = 85
)

// Thumbnail makes a handler that scales a JPEG, PNG or GIF down. Parameters
// are width, 1 to 4096 pixels with 256 as the default, and format, jpeg or
// png; the default is JPEG, and PNG for a picture with transparency. The
// aspect ratio stays, a smaller picture is not enlarged, and the EXIF
// orientation of a camera is applied. A thumbnail is at most 4096 pixels high.
// Of an animation the first frame counts.
//
// A picture of more than 50 megapixels fails the job before it is decoded.
// Jobs with large pictures wait for each other, so that a worker's memory is
// bounded however many it runs at once.
func Thumbnail() worker.Handler {
	return &thumbnail{pixels: semaphore.NewWeighted(maxPixels)}
}

type thumbnail struct {
	pixels *semaphore.Weighted // that may be decoded at this moment
}

// Handle implements [worker.Handler].
func (t *thumbnail) Handle(ctx context.Context, j *worker.Job) error {
	width, format, err := thumbnailParameters(j)
	if err != nil {
		return err
	}
	payload := &source{ctx: ctx, reader: j.Payload()}
	var head bytes.Buffer
	config, err := inspect(io.TeeReader(payload, &head))
	if payload.err != nil {
		return payload.err
	}
	if err != nil {
		return err
	}
	pixels := int64(config.Width) * int64(config.Height)
	if err := t.pixels.Acquire(ctx, pixels); err != nil {
		return context.Cause(ctx)
	}
	defer t.pixels.Release(pixels)
	turn := readOrientation(head.Bytes())
	picture, _, err := image.Decode(io.MultiReader(&head, payload))
	if payload.err != nil {
		return payload.err
	}
	if err != nil {
		return unfit("The picture is damaged.", err)
	}
	j.Progress(50, "decoded")
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	small := turn.apply(shrink(picture, turn.size(picture.Bounds().Size(), width)))
	j.Progress(90, "scaled")
	return encode(j, small, format)
}

func thumbnailParameters(j *worker.Job) (width int, format string, err error) {
	width = defaultWidth
	if text := j.Parameters.Get("width"); text != "" {
		width, err = strconv.Atoi(text)
		if err != nil || width < 1 || width > maxWidth {
			return 0, "", unfitParameter(fmt.Sprintf("The parameter width is not a number between 1 and %d.", maxWidth))
		}
	}
	format = j.Parameters.Get("format")
	if format != "" && format != "jpeg" && format != "png" {
		return 0, "", unfitParameter("The parameter format is neither jpeg nor png.")
	}
	return width, format, nil
}

// inspect reads what a file says it is, and refuses what is better not
// decoded.
func inspect(r io.Reader) (image.Config, error) {
	config, format, err := image.DecodeConfig(r)
	switch {
	case err != nil, format != "jpeg" && format != "png" && format != "gif":
		return config, unfit("The payload is not a JPEG, PNG or GIF picture.", err)
	case config.Width < 1 || config.Height < 1:
		return config, unfit("The picture is empty.", nil)
	case config.Width > maxPixels/config.Height:
		return config, unfit(fmt.Sprintf("The picture has %d × %d pixels; %d megapixels are the limit.",
			config.Width, config.Height, maxPixels/1_000_000), nil)
	}
	return config, nil
}

// shrink scales a picture to a size that is not larger than its own.
//
// It does so in two passes, each in strips: scaling in one go would hold 32
// bytes for every pixel of a picture as wide as the result and as high as the
// source, which is more than a gigabyte at worst.
func shrink(source image.Image, size image.Point) *image.RGBA {
	from := source.Bounds()
	const strip = 128
	narrow := image.NewRGBA(image.Rect(0, 0, size.X, from.Dy()))
	for y := 0; y < from.Dy(); y += strip {
		end := min(y+strip, from.Dy())
		draw.CatmullRom.Scale(narrow, image.Rect(0, y, size.X, end),
			source, image.Rect(from.Min.X, from.Min.Y+y, from.Max.X, from.Min.Y+end), draw.Src, nil)
	}
	small := image.NewRGBA(image.Rectangle{Max: size})
	for x := 0; x < size.X; x += strip {
		end := min(x+strip, size.X)
		draw.CatmullRom.Scale(small, image.Rect(x, 0, end, size.Y),
			narrow, image.Rect(x, 0, end, from.Dy()), draw.Src, nil)
	}
	return small
}

func encode(j *worker.Job, picture *image.RGBA, format string) error {
	if format == "" {
		format = "png"
		if picture.Opaque() {
			format = "jpeg"
		}
	}
	if format == "png" {
		j.SetFileName("thumbnail.png")
		return png.Encode(j.Result("image/png"), picture)
	}
	if !picture.Opaque() {
		onWhite := image.NewRGBA(picture.Bounds())
		draw.Draw(onWhite, onWhite.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
		draw.Draw(onWhite, onWhite.Bounds(), picture, image.Point{}, draw.Over)
		picture = onWhite
	}
	j.SetFileName("thumbnail.jpg")
	return jpeg.Encode(j.Result("image/jpeg"), picture, &jpeg.Options{Quality: jpegQuality})
}
