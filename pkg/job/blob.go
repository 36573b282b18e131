package job

import "time"

// BlobProperties are what a payload or a result is stored with.
type BlobProperties struct {
	ContentType string
	FileName    string // suggested to those who download it, or ""
}

// BlobInfo describes a stored payload or result.
type BlobInfo struct {
	Size        int64 // bytes, of the whole blob
	ContentType string
	FileName    string
	ETag        string
	ModifiedAt  time.Time
}
