/** One word, one shape and one colour per verdict; the colour is never alone. */
import type { CheckVerdict } from '../checker/verdict.ts';
import type { Verdict } from '../harness/result.ts';
import { Html, html } from './html.ts';

export type AnyVerdict = Verdict | CheckVerdict;

export const verdictWord: Readonly<Record<AnyVerdict, string>> = {
  pass: 'Pass',
  violation: 'Violation',
  unknown: 'Unknown',
  'not-exercised': 'Not exercised',
  'harness-error': 'Harness error',
};

/** What the word means, for whoever meets it the first time. */
export const verdictMeaning: Readonly<Record<AnyVerdict, string>> = {
  pass: 'Every checker looked at evidence and found nothing wrong; every owed goal was reached.',
  violation: 'The ensemble did something that ZooKeeper promises not to do.',
  unknown: 'A checker ran out of its budget before it could decide. This is not a pass.',
  'not-exercised':
    'Nothing wrong was seen, but something that this run owed never happened. This is not a pass.',
  'harness-error': 'The test itself cannot be trusted: a fault or a part of the harness failed.',
};

const shapes: Readonly<Record<AnyVerdict, string>> = {
  pass: '<circle cx="12" cy="12" r="10"/><path class="mark" d="M7 12.5l3.4 3.4L17 9"/>',
  violation:
    '<path d="M8 2h8l6 6v8l-6 6H8l-6-6V8z"/><path class="mark" d="M8.5 8.5l7 7m0-7l-7 7"/>',
  unknown:
    '<path d="M12 1l11 11-11 11L1 12z"/><path class="mark" ' +
    'd="M9.4 9.6a2.7 2.7 0 1 1 3.9 2.5c-.9.5-1.3.9-1.3 1.9M12 16.9v.2"/>',
  'not-exercised':
    '<circle cx="12" cy="12" r="9.5" class="hollow" stroke-dasharray="4 3"/>' +
    '<path class="bare" d="M8 12h8"/>',
  'harness-error': '<path d="M12 2l11 20H1z"/><path class="mark" d="M12 9v6m0 3.2v.2"/>',
};

export function verdictIcon(verdict: AnyVerdict): Html {
  return new Html(
    `<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">${shapes[verdict]}</svg>`,
  );
}

export function verdictBadge(verdict: AnyVerdict): Html {
  return html`<span class="badge ${verdict}" title="${verdictMeaning[verdict]}">${verdictIcon(
    verdict,
  )}${verdictWord[verdict]}</span>`;
}
