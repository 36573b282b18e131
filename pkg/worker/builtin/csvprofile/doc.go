// Package csvprofile describes a CSV file of any size in bounded memory: how
// many rows, and for every column its type, nulls, distinct values, extremes,
// mean and quantiles.
//
// It reads RFC 4180 leniently: any of four delimiters, with or without
// carriage returns, a byte order mark, blank lines, quotes out of place, rows
// of uneven length. What is odd is counted and reported with the first lines,
// and stops nothing.
//
// Distinct values are estimated by HyperLogLog (standard error 0.8 %, small
// numbers almost exactly), quantiles by a t-digest (most precise at the ends).
package csvprofile
