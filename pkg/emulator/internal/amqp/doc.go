// Package amqp encodes and decodes AMQP 1.0: the types, the frames, the performatives, the delivery states and the sections
// of a message (OASIS AMQP 1.0, parts 1 to 3 and the SASL frames of part 5).
//
// Encoding appends to a byte slice that the caller owns and reuses. Decoding works on slices of the input without copying
// and without reflection; whatever is documented as raw stays encoded. Every length is checked against what is left of the
// input before anything is allocated, nesting is limited to [MaxDepth], and an element count can never make the decoder
// allocate more than the input's own size allows. Input that breaks the rules gives an error that wraps [ErrMalformed].
package amqp
