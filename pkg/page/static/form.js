// The form for a new job, made from what the acceptor says of its operations.

import { h, newID, setText } from './dom.js';
import { PayloadField } from './payload.js';

/** Shows the form. submit is called with what a person has filled in, and throws what the acceptor refuses. */
export class NewJob {
  constructor(element, { client, submit }) {
    this.element = element;
    this.client = client;
    this.submit = submit;
  }

  /** Asks the acceptor for its operations. */
  async load() {
    this.element.replaceChildren(h('p', { class: 'hint' }, 'Asking for the operations…'));
    try {
      this.#show(await this.client.operations({ signal: AbortSignal.timeout(10_000) }));
    } catch (error) {
      const again = h('button', { type: 'button', onClick: () => this.load() }, 'Try again');
      this.element.replaceChildren(h('p', { class: 'error', role: 'alert' }, `The operations cannot be had: ${error.message}`), again);
    }
  }

  #show(operations) {
    const id = newID('operation');
    this.operations = operations;
    this.select = h('select', { id, onChange: () => this.#choose() }, ...operations.map(({ name }) => h('option', { value: name }, name)));
    this.description = h('p', { class: 'hint', id: `${id}-hint` });
    this.select.setAttribute('aria-describedby', this.description.id);
    this.fields = h('div', { class: 'stack' });
    this.problem = h('div', { class: 'problem', role: 'alert' });
    this.button = h('button', { class: 'primary' }, 'Submit');
    const form = h('form', { class: 'stack', onSubmit: (event) => { event.preventDefault(); this.#submit(); } },
      h('div', { class: 'field' }, h('label', { for: id }, 'Operation'), this.select, this.description),
      this.fields, this.problem, this.button);
    this.element.replaceChildren(operations.length ? form : h('p', {}, 'The acceptor offers no operations.'));
    if (operations.length) this.#choose();
  }

  #choose() {
    const operation = this.operations.find(({ name }) => name === this.select.value);
    setText(this.description, operation.description ?? '');
    this.problem.replaceChildren();
    this.payload = new PayloadField(operation);
    this.parameters = operation.parameters
      ? Object.entries(operation.parameters).map(([name, schema]) => new Parameter(name, schema))
      : [new FreeParameters()];
    const parameters = h('fieldset', {}, h('legend', {}, 'Parameters'), h('div', { class: 'stack' }, ...this.parameters.map(({ element }) => element)));
    this.fields.replaceChildren(this.payload.element, ...(this.parameters.length ? [parameters] : []));
  }

  async #submit() {
    if (this.button.disabled) return;
    const given = this.payload.read();
    if (!given) return;
    const params = Object.assign({}, ...this.parameters.map((parameter) => parameter.read()));
    this.problem.replaceChildren();
    this.button.disabled = true;
    setText(this.button, 'Sending…');
    try {
      await this.submit(this.select.value, given.payload, { params, contentType: given.contentType, label: given.label });
    } catch (error) {
      this.problem.replaceChildren(...problemText(error));
    } finally {
      this.button.disabled = false;
      setText(this.button, 'Submit');
    }
  }
}

/** What a refusal says, for people. */
export function problemText(error) {
  const code = error.code && error.code !== 'Http' ? [h('code', {}, error.code), ' '] : [];
  const list = (error.errors ?? []).map(({ pointer, name, detail }) => h('li', {}, h('code', {}, name ?? (pointer || 'payload')), ` ${detail}`));
  return [h('p', {}, ...code, error.message), ...(list.length ? [h('ul', {}, ...list)] : [])];
}

/** One query parameter. */
class Parameter {
  constructor(name, schema) {
    const id = newID('parameter');
    this.name = name;
    this.field = fieldOf(schema);
    this.field.id = id;
    this.element = h('div', { class: 'field' },
      h('label', { for: id }, name, schema.required === true ? ' (needed)' : ''), this.field,
      schema.description && h('p', { class: 'hint' }, schema.description));
    if (schema.required === true) this.field.required = true;
  }

  read() {
    return { [this.name]: this.field.value || undefined };
  }
}

/** The parameters of an operation that does not say which it takes. */
class FreeParameters {
  constructor() {
    const id = newID('parameters');
    this.field = h('input', { id, placeholder: 'name=value&…', autocomplete: 'off', spellcheck: 'false' });
    this.element = h('div', { class: 'field' }, h('label', { for: id }, 'Query string'), this.field);
  }

  read() {
    return Object.fromEntries(new URLSearchParams(this.field.value));
  }
}

function fieldOf(schema) {
  const byDefault = schema.default === undefined ? 'default' : `default: ${schema.default}`;
  const choices = schema.enum ?? (schema.type === 'boolean' ? [true, false] : undefined);
  if (choices) return h('select', {}, h('option', { value: '' }, byDefault), ...choices.map((value) => h('option', {}, String(value))));
  if (schema.type === 'integer' || schema.type === 'number') {
    return h('input', { type: 'number', min: schema.minimum, max: schema.maximum, step: schema.type === 'integer' ? 1 : 'any', placeholder: byDefault });
  }
  // JSON Schema patterns are not anchored, those of HTML are.
  const pattern = schema.pattern && `.*(?:${schema.pattern}).*`;
  return h('input', { pattern, maxlength: schema.maxLength, placeholder: byDefault, autocomplete: 'off', spellcheck: 'false', title: schema.pattern && `fits ${schema.pattern}` });
}
