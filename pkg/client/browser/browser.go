// Package browser holds the JavaScript client, for browsers and Node.js: an ES
// module without dependencies, and its TypeScript declarations. The status
// service serves it, so that a page needs no build step:
//
//	<script type="module">
//	import { Client } from 'https://status.example/client/asyncreply.js';
//	</script>
//
// docs/browser.md tells how to use it.
package browser

import "embed"

// Files are the module as it is served: asyncreply.js, which imports what lies
// in the folder asyncreply, and asyncreply.d.ts.
//
//go:embed asyncreply.js asyncreply.d.ts asyncreply/*.js
var Files embed.FS
