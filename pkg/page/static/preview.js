// Shows a result, or lets a person save it.

import { bytes, h } from './dom.js';

const mostPreviewed = 5_000_000; // bytes
const mostShown = 20_000; // characters
const mostInMemory = 64_000_000; // bytes
const pictures = /^image\/(png|jpeg|gif|webp|avif|bmp|svg\+xml)\b/;
const texts = /^text\/|[/+](json|xml|yaml|javascript)\b/;

/** Makes the view of a result. One that is small and of a known type is fetched and shown. */
export async function preview(result) {
  const about = [result.fileName, result.type, bytes(result.size)].filter(Boolean).join(' · ');
  const figure = h('figure', { class: 'result' }, h('figcaption', {}, about));
  if (result.size <= mostPreviewed && (pictures.test(result.type) || texts.test(result.type))) {
    figure.prepend(await view(result));
  }
  return figure;
}

async function view(result) {
  const blob = await result.blob();
  if (pictures.test(result.type)) {
    const url = URL.createObjectURL(blob);
    const image = h('img', { alt: `The result${result.fileName ? `, ${result.fileName}` : ''}` });
    image.addEventListener('load', () => URL.revokeObjectURL(url), { once: true });
    image.src = url;
    await image.decode().catch(() => {});
    return image;
  }
  let text = await blob.text();
  if (/json/.test(result.type)) text = indented(text);
  const cut = text.length > mostShown;
  return h('pre', { tabindex: '0', 'aria-label': 'The result' }, cut ? `${text.slice(0, mostShown)}\n… (shortened)` : text);
}

function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Saves a result: what fits into memory under its name, what does not straight from storage. */
export async function download(result) {
  if (result.size > mostInMemory) {
    click({ href: await result.url(), target: '_blank', rel: 'noopener noreferrer' });
    return;
  }
  const url = URL.createObjectURL(await result.blob());
  click({ href: url, download: result.fileName ?? `result${extension(result.type)}` });
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function click(properties) {
  h('a', properties).click();
}

function extension(type) {
  const [, subtype] = /^[^/]+\/(?:[^;]*\+)?([a-z0-9]+)/.exec(type ?? '') ?? [];
  return { json: '.json', csv: '.csv', plain: '.txt', jpeg: '.jpg', png: '.png', gif: '.gif', pdf: '.pdf', xml: '.xml', html: '.html', mpeg: '.mp3' }[subtype] ?? '';
}
