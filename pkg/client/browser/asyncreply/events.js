// Server-Sent Events over fetch, which unlike EventSource can send headers and
// works in Node too (WHATWG HTML, section 9.2).

/**
 * Reads events from an answer's body: {event, id, data}. A comment is given as
 * an event without data, because it shows that the stream lives. The reading
 * ends with an error if nothing at all comes for first ms, as behind a proxy
 * that collects what it passes on, or if it falls silent for idle ms.
 */
export async function* readEvents(body, { first, idle }) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const lines = new Lines();
  let event = {};
  let patience = first;
  try {
    for (;;) {
      const { done, value } = await within(patience, reader.read());
      if (done) return;
      patience = idle;
      for (const line of lines.push(decoder.decode(value, { stream: true }))) {
        if (line !== '') {
          if (line.startsWith(':')) yield {};
          else readField(event, line);
          continue;
        }
        if (event.data !== undefined) yield { event: 'message', ...event, data: event.data.slice(0, -1) };
        event = { id: event.id };
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function readField(event, line) {
  const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line);
  if (name === 'data') event.data = `${event.data ?? ''}${value}\n`;
  if (name === 'event' && value) event.event = value;
  if (name === 'id' && !value.includes('\0')) event.id = value;
}

/** Splits text into lines that end with CR LF, LF or CR. */
class Lines {
  rest = '';
  cr = false;

  push(text) {
    if (this.cr && text.startsWith('\n')) text = text.slice(1);
    if (text) this.cr = text.endsWith('\r');
    const lines = (this.rest + text).split(/\r\n|\n|\r/);
    this.rest = lines.pop();
    return lines;
  }
}

function within(ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new DOMException(`silent for ${ms} ms`, 'TimeoutError')), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const open = new Map();

/**
 * Takes one of the connections to an origin that may be held open, and gives
 * the function that gives it back, or undefined if all are taken. A browser
 * has six connections to an HTTP/1.1 server for all of its tabs together, and
 * a page that holds them all can ask nothing any more; so tabs share their
 * count by the Web Locks API where there is one.
 */
export async function takeConnection(origin, limit) {
  const locks = globalThis.navigator?.locks;
  if (!locks) return takeHere(origin, limit);
  for (let i = 0; i < limit; i++) {
    const giveBack = await tryLock(locks, `asyncreply ${origin} ${i}`);
    if (giveBack) return giveBack;
  }
  return undefined;
}

function tryLock(locks, name) {
  return new Promise((resolve) => {
    const held = (lock) => (lock ? new Promise((giveBack) => resolve(giveBack)) : resolve(undefined));
    locks.request(name, { ifAvailable: true }, held).catch(() => resolve(undefined));
  });
}

function takeHere(origin, limit) {
  const taken = open.get(origin) ?? 0;
  if (taken >= limit) return undefined;
  open.set(origin, taken + 1);
  let held = true;
  return () => {
    if (held) open.set(origin, open.get(origin) - 1);
    held = false;
  };
}
