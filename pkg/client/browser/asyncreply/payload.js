// What is sent, and the key that makes sending it twice the same as once.

const mostInATimeout = 1 << 20; // bytes; more may take any time before there is an answer

/** Turns a payload into what fetch is given. A stream cannot be sent twice. */
export function bodyOf(payload, contentType) {
  const init = (body, size, byDefault, more) => ({
    body,
    headers: (contentType ?? byDefault) ? { 'Content-Type': contentType ?? byDefault } : {},
    repeatable: true,
    ...(size > mostInATimeout ? { timeout: Infinity } : {}),
    ...more,
  });
  const bytes = 'application/octet-stream';
  if (payload === undefined || payload === null) return init(undefined, 0);
  if (typeof payload === 'string') return init(payload, payload.length, 'text/plain; charset=utf-8');
  if (payload instanceof Blob) return init(payload, payload.size, payload.type || bytes);
  if (payload instanceof ArrayBuffer || ArrayBuffer.isView(payload)) return init(payload, payload.byteLength, bytes);
  if (payload instanceof ReadableStream) return init(payload, Infinity, bytes, { repeatable: false, duplex: 'half' });
  const text = JSON.stringify(payload);
  return init(text, text.length, 'application/json');
}

/** A new random key, a UUID; pages outside a secure context must make it by hand. */
export function newKey() {
  if (globalThis.crypto.randomUUID) return globalThis.crypto.randomUUID();
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
