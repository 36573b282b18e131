package job

import "time"

// ForeignDay is what [ID.Day] gives for an id that carries no time.
const ForeignDay = "foreign"

// A time outside these years in an id is chance, not a moment of issue.
const (
	firstYear = 2020
	lastYear  = 2199
)

// Day gives the day of issue in UTC as yyyymmdd, under which stores file what
// belongs to the job, so that retention is dropping whole days. An id that
// another program made up may carry no time; all such ids share [ForeignDay],
// which sorts behind every real one.
func (id ID) Day() string {
	version := id[6] >> 4
	at := id.Time()
	if version != 7 && version != 8 || at.Year() < firstYear || at.Year() > lastYear {
		return ForeignDay
	}
	return at.Format(dayLayout)
}

const dayLayout = "20060102"

// ParseDay reads what [ID.Day] gives for an id with a time: the midnight in
// UTC with which the day begins.
func ParseDay(day string) (time.Time, error) {
	return time.ParseInLocation(dayLayout, day, time.UTC)
}
