// One of a few: radio buttons that look like one control.

import { html } from "../html.js";

/**
 * @param {{ legend: string, name: string, value: any, options: { value: any, label: string, note?: string }[], onPick: (value: any) => void }} props
 */
export function Choice({ legend, name, value, options, onPick }) {
  const chosen = options.find((option) => option.value === value);
  return html`<fieldset class="choice">
    <legend>${legend}</legend>
    <div class="segments">
      ${options.map(
        (option) => html`<label class="segment">
          <input type="radio" name=${name} value=${option.value} checked=${option.value === value} onChange=${() => onPick(option.value)} />
          <span>${option.label}</span>
        </label>`,
      )}
    </div>
    ${chosen?.note && html`<p class="note">${chosen.note}</p>`}
  </fieldset>`;
}
