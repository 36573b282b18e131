package check

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// parseAll reads every Bicep file in a folder and below it. It gives them by
// their paths, nil for one that cannot be read.
func parseAll(folder fs.FS) (map[string]*File, []*Mistake) {
	files := map[string]*File{}
	var mistakes []*Mistake
	err := fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".bicep" {
			return err
		}
		source, err := fs.ReadFile(folder, name)
		if err != nil {
			return err
		}
		file, err := parse(name, string(source))
		if m, ok := errors.AsType[*Mistake](err); ok {
			mistakes, files[name] = append(mistakes, m), nil
			return nil
		}
		files[name] = file
		return err
	})
	if err != nil {
		mistakes = append(mistakes, &Mistake{Path: ".", Pos: Pos{1, 1}, Reason: err.Error()})
	}
	return files, mistakes
}

// UsedTypes gives the types of the resources in a folder's files, in order.
func UsedTypes(folder string) ([]string, error) {
	files, mistakes := parseAll(os.DirFS(folder))
	if len(mistakes) > 0 {
		return nil, mistakes[0]
	}
	var used []string
	for _, f := range files {
		for _, r := range f.Resources {
			used = append(used, r.Type)
		}
	}
	slices.Sort(used)
	return slices.CompactFunc(used, strings.EqualFold), nil
}
