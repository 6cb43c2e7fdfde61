// Where words go when the interviewer or the judge is a server that the user named: said wherever something could go there.

import { html } from "../html.js";
import { Notice } from "./notice.js";

/** Before an interview. @param {{ hosts: string | null | undefined }} props */
export function WillLeave({ hosts }) {
  return hosts && html`<${Notice} tone="warn" title=${`What you say will leave this program for ${hosts}.`}>The interviewer or the judge runs there: offrecord was started with <code>--interviewer</code> or <code>--judge</code>. Start it without them and everything stays here.</${Notice}>`;
}

/** In the room: one line that stays. @param {{ hosts: string | null | undefined }} props */
export function Leaves({ hosts }) {
  return hosts && html`<p class="leaves"><span class="state warn"></span>What is said here leaves this program for <strong>${hosts}</strong>.</p>`;
}

/** Beside a grade. @param {{ hosts: string | null | undefined, graded: boolean }} props */
export function WasRead({ hosts, graded }) {
  return hosts && html`<p class="leaves"><span class="state warn"></span>${graded ? "This was graded" : "What is said or graded goes"} elsewhere: the transcript ${graded ? "left" : "leaves"} this program for <strong>${hosts}</strong>.</p>`;
}
