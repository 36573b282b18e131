package main

import "context"

func (b *bench) accept(ctx context.Context) error { return nil }
func (b *bench) poll(ctx context.Context) error   { return nil }
func (b *bench) reads(ctx context.Context) error  { return nil }
