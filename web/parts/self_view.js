// A mirror: the camera's picture in a frame on this page. The stream has one sink, the video element; when the frame goes,
// the camera is off. Nothing here can record or send.

import { html, useLayoutEffect, useRef, useState } from "../html.js";

/** @param {{ onClose: () => void }} props */
export function SelfView({ onClose }) {
  const picture = useRef(/** @type {HTMLVideoElement | null} */ (null));
  const [trouble, setTrouble] = useState("");
  // As a layout effect its end comes with the frame that goes, not after a later paint: off means off at once.
  useLayoutEffect(() => {
    let here = true;
    /** @type {MediaStream | null} */
    let stream = null;
    const end = () => {
      for (const track of stream?.getTracks() ?? []) track.stop();
      if (picture.current) picture.current.srcObject = null;
    };
    navigator.mediaDevices?.getUserMedia({ video: { width: 480 } }).then(
      (found) => {
        stream = found;
        if (!here) return end();
        const [track] = found.getVideoTracks();
        track.onended = () => setTrouble("The camera was disconnected.");
        if (picture.current) picture.current.srcObject = found;
        picture.current?.play().catch(() => {});
      },
      (cause) => here && setTrouble(cause instanceof DOMException && cause.name === "NotAllowedError" ? "The camera is not allowed: change it in the browser’s address bar." : "No camera was found."),
    );
    return () => {
      here = false;
      end();
    };
  }, []);
  return html`<figure class="self-view">
    ${trouble ? html`<p class="note" role="alert">${trouble}</p>` : html`<video ref=${picture} muted playsinline aria-label="Your camera, for you alone"></video>`}
    <button type="button" class="button small" aria-label="Turn the camera off" onClick=${onClose}>Off</button>
    <figcaption class="note">Only you see this. Not recorded, not sent.</figcaption>
  </figure>`;
}
