package main

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/dustin/go-humanize"
)

var nan = math.NaN()

// target is the bound that a contestant should meet in a case.
type target struct {
	who     string
	of      quantity
	against string  // the contestant to compare with; "" for a bound on the value
	most    float64 // the largest value or ratio
	faster  float64 // the smallest factor of speed; 0 for a bound by most
}

// atMost returns a target for a ratio, below one for a value.
func atMost(who string, of quantity, ratio float64, against string) target {
	return target{who: who, of: of, most: ratio, against: against}
}

func below(who string, of quantity, value float64) target {
	return target{who: who, of: of, most: value}
}

func faster(who string, ratio float64, than string) target {
	return target{who: who, faster: ratio, against: than}
}

// judge returns the target and the measurement as text, and whether the target was met.
func (t target) judge(list []*measurement) string {
	find := func(name string) *measurement {
		i := slices.IndexFunc(list, func(m *measurement) bool { return m.contestant == name })
		return list[i]
	}
	verdict := func(met bool) string {
		if met {
			return "met"
		}
		return "**missed**"
	}
	who := find(t.who)
	if t.against == "" {
		v, ok := who.median(t.of)
		if !ok {
			return fmt.Sprintf("≤ %s: not measured", show(t.of, t.most))
		}
		return fmt.Sprintf("≤ %s: %s, %s", show(t.of, t.most), show(t.of, v), verdict(v <= t.most))
	}
	if t.faster > 0 {
		// The rate is the inverse of the time of a unit of work.
		v, ok := find(t.against).ratio(elapsed, who)
		if !ok {
			return "not measured"
		}
		return fmt.Sprintf("≥ %g × as fast as %s: %.3g, %s", t.faster, t.against, v, verdict(v >= t.faster))
	}
	v, ok := who.ratio(t.of, find(t.against))
	if !ok {
		return "not measured"
	}
	if t.of == size && t.most == 1 { // equal is not enough
		return fmt.Sprintf("%s < 1 × %s: %.3f, %s", t.of, t.against, v, verdict(v < 1))
	}
	return fmt.Sprintf("%s ≤ %g × %s: %.3g, %s", t.of, t.most, t.against, v, verdict(v <= t.most))
}

// show returns a value with its unit.
func show(q quantity, v float64) string {
	switch q {
	case elapsed:
		d := time.Duration(v)
		for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
			if d >= unit {
				return d.Round(unit / 100).String()
			}
		}
		return d.String()
	case size:
		if v < 10_000 {
			return fmt.Sprintf("%.0f B", v)
		}
		return humanize.IBytes(uint64(v))
	default:
		return humanize.Comma(int64(math.Round(v)))
	}
}
