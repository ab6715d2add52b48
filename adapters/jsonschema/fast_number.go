package jsonschema

import (
	"math"
	"math/big"
	"slices"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// decimal is the number digits / 10^scale. The scale is the smallest one that is
// possible, so equal numbers are equal decimals, and the scale of an integer is 0.
// Whatever has more digits is not a decimal, and left to the full validator.
type decimal struct {
	digits int64 // its absolute value is less than maxDigits
	scale  int   // from 0 to maxScale
}

const (
	maxScale  = 15
	maxDigits = 1e15
)

// parseDecimal reads a number of JSON. It reports false if the number is not exactly
// a decimal.
func parseDecimal(literal []byte) (d decimal, ok bool) {
	fraction := false
	for i, c := range literal {
		if c == 'e' || c == 'E' {
			exponent, err := strconv.Atoi(string(literal[i+1:]))
			if err != nil || exponent < -maxExponent || exponent > maxExponent {
				return d, false
			}
			d.scale -= exponent
			break
		}
		switch c {
		case '-':
		case '.':
			fraction = true
		default:
			if d.digits >= maxDigits/10 {
				return d, false
			}
			d.digits = d.digits*10 + int64(c-'0')
			if fraction {
				d.scale++
			}
		}
	}
	if literal[0] == '-' {
		d.digits = -d.digits
	}
	return d.normal()
}

// normal returns the number with the smallest scale, if it is a decimal at all.
func (d decimal) normal() (normal decimal, ok bool) {
	if d.digits == 0 {
		return decimal{}, true
	}
	for ; d.scale > 0 && d.digits%10 == 0; d.scale-- {
		d.digits /= 10
	}
	for ; d.scale < 0; d.scale++ {
		if d.digits *= 10; d.digits >= maxDigits || d.digits <= -maxDigits {
			return d, false
		}
	}
	return d, d.scale <= maxScale
}

// limits has, for each scale, the least and the greatest digits that a decimal of
// that scale may have. A schema's bounds may be any numbers. They are rounded once
// for each scale, inwards, so to compare a payload's number takes two integers.
type limits struct{ low, high [maxScale + 1]int64 }

// newLimits returns nil where the schema sets no bounds.
func newLimits(schema *jsonschema.Schema) *limits {
	if schema.Minimum == nil && schema.Maximum == nil && schema.ExclusiveMinimum == nil && schema.ExclusiveMaximum == nil {
		return nil
	}
	l := &limits{}
	unit := big.NewRat(1, 1)
	for scale := range l.low {
		l.low[scale], l.high[scale] = math.MinInt64, math.MaxInt64
		if bound := schema.Minimum; bound != nil {
			l.low[scale] = ceiling(bound, unit)
		}
		if bound := schema.ExclusiveMinimum; bound != nil {
			l.low[scale] = max(l.low[scale], floor(bound, unit)+1)
		}
		if bound := schema.Maximum; bound != nil {
			l.high[scale] = floor(bound, unit)
		}
		if bound := schema.ExclusiveMaximum; bound != nil {
			l.high[scale] = min(l.high[scale], ceiling(bound, unit)-1)
		}
		unit.Mul(unit, big.NewRat(10, 1))
	}
	return l
}

// floor is the greatest integer that is not above bound*unit. Where that is beyond
// the digits of all decimals, another integer beyond them stands for it.
func floor(bound, unit *big.Rat) int64 {
	product := new(big.Rat).Mul(bound, unit)
	whole := new(big.Int).Div(product.Num(), product.Denom()) // Euclidean: down, as a denominator is positive
	if !whole.IsInt64() {
		return int64(whole.Sign()) * 2 * maxDigits
	}
	return max(min(whole.Int64(), 2*maxDigits), -2*maxDigits)
}

// ceiling is the least integer that is not below bound*unit, as floor is the greatest.
func ceiling(bound, unit *big.Rat) int64 { return -floor(new(big.Rat).Neg(bound), unit) }

func (n *node) takesNumber(d decimal) bool {
	kind := isInteger
	if d.scale > 0 {
		kind = isFraction
	}
	if n.kinds&kind == 0 {
		return false
	}
	if l := n.limits; l != nil && (d.digits < l.low[d.scale] || d.digits > l.high[d.scale]) {
		return false
	}
	for _, c := range n.choices {
		if !slices.Contains(c.numbers, d) {
			return false
		}
	}
	return true
}
