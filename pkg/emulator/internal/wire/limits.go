package wire

import "time"

// What one connection may ask for.
const (
	defaultMaxFrameSize     = 64 << 10
	defaultIdleTimeout      = 4 * time.Minute
	defaultHandshakeTimeout = 30 * time.Second

	maxChannel    = 4999 // sessions less one, as on Azure
	maxHandle     = 4999 // links of a session less one
	maxLinks      = 2048 // links of a connection
	maxUnsettled  = 16 << 10
	maxAssembling = 16 << 20 // bytes of messages received in part, beyond two of the largest allowed

	incomingWindow = 4096 // transfer frames of a session
	linkCredit     = 1000 // messages of a link, as on Azure
	deliveryBatch  = 128  // messages taken from a queue at once

	lowWater  = 256 << 10 // bytes to be written above which no more messages are delivered
	highWater = 1 << 20   // bytes to be written above which no more frames are read

	maxRequestSize  = 1 << 20  // bytes of a request to $cbs, which has no queue to set a limit
	maxReplyBytes   = 16 << 20 // bytes of answers that wait for one link, and of one answer, beyond one message
	maxPeekBytes    = 1 << 20  // bytes of messages in one answer to a peek, beyond the first message
	maxPeekMessages = 1000

	minHeartbeat = 50 * time.Millisecond
	closeTimeout = time.Second // for the peer to take note of a close
)
