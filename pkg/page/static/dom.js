// Small tools for building the page. Text is always set as text: what services
// and results say can never become markup.

/** Makes an element: h('button', { class: 'quiet', onClick: f, disabled: true }, 'Cancel'). */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2).toLowerCase(), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

/** Shows or hides an element. */
export function show(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

/** Sets an element's text, unless it is the same: screen readers read changes. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A button that copies, and says that it did. */
export function copyButton(label, text) {
  const button = h('button', { type: 'button', class: 'quiet' }, label);
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'Not allowed to copy';
    }
    setTimeout(() => { button.textContent = label; }, 1500);
  });
  return button;
}

let ids = 0;

/** An id that no other element has. */
export function newID(prefix) {
  ids += 1;
  return `${prefix}-${ids}`;
}

/** Tells users of screen readers what others see. */
export function announce(text) {
  setText(document.getElementById('news'), text);
}

export function bytes(n) {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let power = 0;
  for (; n >= 1000 && power < units.length - 1; power++) n /= 1024;
  return `${power > 0 && n < 10 ? Math.round(n * 10) / 10 : Math.round(n)} ${units[power]}`;
}

export function seconds(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 90) return `${s} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  return `${Math.round(s / 3600)} h`;
}
