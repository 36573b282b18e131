package check

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"math/big"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
)

// tenant stands for the tenant that is deployed to.
const tenant = "00000000-0000-0000-0000-000000000001"

// call works a function out.
func (i *instance) call(e *Call, vars map[string]any) any {
	if e.Receiver != nil {
		return "{secret}" // getSecret: there is no other
	}
	if lambda, ok := lambdaOf(e); ok {
		return i.apply(e, lambda, vars)
	}
	args := make([]any, len(e.Args))
	for n, arg := range e.Args {
		args[n] = i.eval(arg, vars)
	}
	if len(args) > 0 {
		if _, ok := args[0].(unknown); ok {
			args[0] = plain(args[0])
		}
	}
	switch e.Function {
	case "environment":
		return map[string]any{
			"suffixes":       map[string]any{"storage": "core.windows.net"},
			"authentication": map[string]any{"loginEndpoint": "https://login.microsoftonline.com/"},
		}
	case "subscription":
		return map[string]any{"id": "/subscriptions/S", "subscriptionId": "S", "tenantId": tenant}
	case "tenant":
		return map[string]any{"tenantId": tenant}
	case "loadTextContent":
		content, err := fs.ReadFile(i.folder, path.Join(path.Dir(i.file.Path), args[0].(string)))
		if err != nil {
			i.fail(e.Pos, "%v", err)
		}
		return string(content)
	case "cidrSubnet":
		return i.subnet(e, args[0].(string), int(args[1].(int64)), args[2].(int64))
	}
	if value, ok := callText(e.Function, args); ok {
		return value
	}
	if value, ok := callList(e.Function, args); ok {
		return value
	}
	i.fail(e.Pos, "the function %s cannot be worked out", e.Function)
	return nil
}

func lambdaOf(e *Call) (*Lambda, bool) {
	if len(e.Args) != 2 {
		return nil, false
	}
	lambda, ok := e.Args[1].(*Lambda)
	return lambda, ok
}

// apply works out map and filter.
func (i *instance) apply(e *Call, lambda *Lambda, vars map[string]any) any {
	over := &For{Pos: e.Pos, Item: lambda.Param, Over: e.Args[0]}
	values := i.loop(over, vars, func(inner map[string]any) any { return i.eval(lambda.Body, inner) })
	if e.Function == "map" {
		return values
	}
	kept := []any{}
	for n, item := range i.eval(e.Args[0], vars).([]any) {
		if values[n] == true {
			kept = append(kept, item)
		}
	}
	return kept
}

func callText(name string, args []any) (any, bool) {
	switch name {
	case "guid":
		sum := hash(args)
		return strings.Join([]string{sum[:8], sum[8:12], sum[12:16], sum[16:20], sum[20:32]}, "-"), true
	case "uniqueString":
		sum := sha256.Sum256([]byte(hash(args)))
		return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:13], true
	case "subscriptionResourceId":
		return "/subscriptions/S/providers/" + textOf(args[0]) + "/" + textOf(args[1]), true
	case "string":
		return textOf(args[0]), true
	case "int":
		n, err := strconv.ParseInt(textOf(args[0]), 10, 64)
		return n, err == nil
	case "json":
		var value any
		err := json.Unmarshal([]byte(textOf(args[0])), &value)
		return value, err == nil
	case "toLower":
		return strings.ToLower(textOf(args[0])), true
	case "replace":
		return strings.ReplaceAll(textOf(args[0]), textOf(args[1]), textOf(args[2])), true
	case "split":
		all := []any{}
		for part := range strings.SplitSeq(textOf(args[0]), textOf(args[1])) {
			all = append(all, part)
		}
		return all, true
	}
	return nil, false
}

// hash stands for the functions' own: equal for equal arguments.
func hash(args []any) string {
	h := sha256.New()
	for _, arg := range args {
		h.Write([]byte(textOf(arg) + "\x00"))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func callList(name string, args []any) (any, bool) {
	if s, ok := args[0].(string); ok {
		switch name {
		case "empty":
			return s == "", true
		case "length":
			return int64(len(s)), true
		case "contains":
			return strings.Contains(s, textOf(args[1])), true
		}
		return nil, false
	}
	list, ok := args[0].([]any)
	if !ok {
		return nil, false
	}
	switch name {
	case "empty":
		return len(list) == 0, true
	case "length":
		return int64(len(list)), true
	case "contains":
		return slices.Contains(list, args[1]), true
	case "first":
		return list[0], true
	case "last":
		return list[len(list)-1], true
	case "take":
		return list[:min(len(list), max(0, int(args[1].(int64))))], true
	case "concat":
		for _, more := range args[1:] {
			list = slices.Concat(list, more.([]any))
		}
		return list, true
	case "join":
		var parts []string
		for _, item := range list {
			parts = append(parts, textOf(item))
		}
		return strings.Join(parts, textOf(args[1])), true
	}
	return nil, false
}

// subnet gives the nth subnet of a network.
func (i *instance) subnet(e *Call, network string, bits int, n int64) string {
	prefix, err := netip.ParsePrefix(network)
	if err != nil || bits < prefix.Bits() || bits > 32 || n >= 1<<(bits-prefix.Bits()) {
		i.fail(e.Pos, "%s has no subnet %d of /%d", network, n, bits)
	}
	address := new(big.Int).SetBytes(prefix.Masked().Addr().AsSlice())
	address.Add(address, new(big.Int).Lsh(big.NewInt(n), uint(32-bits)))
	var four [4]byte
	address.FillBytes(four[:])
	return netip.PrefixFrom(netip.AddrFrom4(four), bits).String()
}
