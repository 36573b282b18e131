package csvprofile_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/asyncreply/asyncreply/pkg/worker/builtin/csvprofile"
)

func ExampleProfile() {
	text := "city;people\nOslo;717710\nRome;2748109\nBern;\n"
	report, err := csvprofile.Profile(strings.NewReader(text), csvprofile.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range report.Columns {
		fmt.Println(c.Name, c.Type, c.Count, c.Nulls, c.Min, c.Max)
	}
	// Output:
	// city string 3 0 Bern Rome
	// people integer 2 1 717710 2748109
}
