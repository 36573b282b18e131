// The payload of a new job: typed, or a file.

import { bytes, h, newID, setText, show } from './dom.js';

/** Lets a person give an operation's payload. */
export class PayloadField {
  #file;

  constructor(operation) {
    this.operation = operation;
    const types = operation.contentTypes ?? [];
    const [id, group, list] = [newID('payload'), newID('kind'), newID('types')];
    this.error = h('p', { class: 'error', id: `${id}-error`, role: 'alert' });
    this.text = h('textarea', { id: `${id}-text`, rows: '6', spellcheck: 'false', 'aria-describedby': `${id}-error`, 'aria-label': 'Payload' });
    this.text.value = skeleton(operation.schema);
    this.input = h('input', { type: 'file', id: `${id}-file`, class: 'unseen', accept: types.join(','), 'aria-describedby': `${id}-hint ${id}-error` });
    this.name = h('span', { class: 'name' }, 'Choose a file, or drop it here');
    this.drop = h('label', { class: 'drop', for: `${id}-file` }, this.name,
      h('span', { class: 'hint', id: `${id}-hint` }, `${types.length ? types.join(', ') : 'Any type'}; up to ${bytes(operation.maxPayload)}`));
    this.type = h('input', { id: `${id}-type`, list, autocomplete: 'off', spellcheck: 'false' });
    const radio = (value, label) => h('label', {}, h('input', { type: 'radio', name: group, value, onChange: () => this.#choose(value) }), ` ${label}`);
    this.radios = [radio('text', 'Type it'), radio('file', 'Send a file')];
    this.element = h('fieldset', {},
      h('legend', {}, 'Payload'),
      h('div', { class: 'stack' },
        h('div', { class: 'row kinds' }, ...this.radios),
        this.text, this.input, this.drop, this.error,
        h('div', { class: 'field' }, h('label', { for: `${id}-type` }, 'Media type'), this.type,
          h('datalist', { id: list }, ...types.map((type) => h('option', { value: type }))))));
    this.#listen();
    this.#choose(operation.schema || types.some((type) => /json|^text\/plain$/.test(type)) && !types.some((type) => /csv|image/.test(type)) ? 'text' : 'file');
  }

  #listen() {
    this.input.addEventListener('change', () => this.#take(this.input.files[0]));
    for (const name of ['dragenter', 'dragover', 'dragleave', 'drop']) {
      this.drop.addEventListener(name, (event) => {
        event.preventDefault();
        this.drop.classList.toggle('over', name === 'dragenter' || name === 'dragover');
      });
    }
    this.drop.addEventListener('drop', (event) => this.#take(event.dataTransfer.files[0]));
    this.text.addEventListener('input', () => this.#complain(''));
  }

  #choose(kind) {
    this.kind = kind;
    for (const label of this.radios) label.firstChild.checked = label.firstChild.value === kind;
    show(this.text, kind === 'text');
    show(this.drop, kind === 'file');
    show(this.input, kind === 'file');
    this.#complain('');
    this.#guessType();
  }

  #take(file) {
    if (!file) return;
    this.#file = file;
    setText(this.name, `${file.name}, ${bytes(file.size)}`);
    this.#complain('');
    this.#guessType();
  }

  #guessType() {
    const types = this.operation.contentTypes ?? [];
    const own = this.kind === 'file' ? this.#file?.type : undefined;
    const plain = types.filter((type) => !type.includes('*'));
    const fits = own && (!types.length || types.some((type) => type === own || (type.endsWith('/*') && own.startsWith(type.slice(0, -1)))));
    this.type.value = fits ? own : plain[0] ?? own ?? (this.kind === 'file' ? 'application/octet-stream' : 'text/plain');
  }

  #complain(text) {
    setText(this.error, text);
    this.text.setAttribute('aria-invalid', String(Boolean(text && this.kind === 'text')));
  }

  /** Gives the payload, or undefined after it has said what is missing. */
  read() {
    const contentType = this.type.value.trim() || undefined;
    if (this.kind === 'file') {
      const file = this.#file;
      if (!file) return this.#refuse('Choose a file first.', this.input);
      if (file.size > this.operation.maxPayload) return this.#refuse(`The file is larger than ${bytes(this.operation.maxPayload)}.`, this.input);
      return { payload: file, contentType, label: file.name };
    }
    if (/json/.test(contentType ?? '')) {
      try {
        JSON.parse(this.text.value);
      } catch (error) {
        return this.#refuse(`This is not JSON: ${error.message}`, this.text);
      }
    }
    return { payload: this.text.value, contentType };
  }

  #refuse(text, field) {
    this.#complain(text);
    field.focus();
    return undefined;
  }
}

/** An example of what a JSON Schema asks for. */
export function skeleton(schema) {
  return schema ? JSON.stringify(example(schema), null, 2) : '';
}

function example(schema) {
  if (!schema || typeof schema !== 'object') return null;
  if ('default' in schema) return schema.default;
  if (schema.examples?.length) return schema.examples[0];
  if (schema.enum?.length) return schema.enum[0];
  switch (schema.type) {
    case 'object': {
      const properties = Object.entries(schema.properties ?? {});
      return Object.fromEntries(properties.map(([name, property]) => [name, example(property)]));
    }
    case 'array': return schema.items ? [example(schema.items)] : [];
    case 'integer': case 'number': return schema.minimum ?? 1;
    case 'boolean': return false;
    case 'string': return 'text'.slice(0, schema.maxLength);
    default: return null;
  }
}
