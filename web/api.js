// The only door to the server: JSON requests and event streams, one error type that says what to do.

/** A request that was refused or did not arrive. */
export class ApiError extends Error {
  /** @param {number} status @param {{ code?: string, message?: string, hint?: string }} error @param {any} [session] */
  constructor(status, error, session) {
    super(error.message ?? "The request failed.");
    this.status = status;
    this.code = error.code ?? "unknown";
    this.hint = error.hint ?? "";
    /** @type {import("./types.js").Session | undefined} The fresh state that comes with a conflict. */
    this.session = session;
  }
}

const notReached = () =>
  new ApiError(0, {
    code: "unreachable",
    message: "offrecord does not answer.",
    hint: "If you closed it, start it again in a terminal. What you have typed is kept here.",
  });

/** @param {Response} response */
async function refusal(response) {
  const body = await response.json().catch(() => ({}));
  if (response.status === 401) {
    return new ApiError(401, {
      code: "locked",
      message: "This tab is not signed in to the running program.",
      hint: "Open the one-time link that offrecord printed in the terminal, or start it again to get a new one.",
    });
  }
  const error = body.error ?? {};
  return new ApiError(response.status, typeof error === "string" ? { message: error } : error, body.session);
}

/**
 * @param {string} method @param {string} path @param {unknown} body @param {{ signal?: AbortSignal, keepalive?: boolean }} options
 * @returns {Promise<Response>}
 */
async function send(method, path, body, options) {
  let response;
  try {
    response = await fetch(path, {
      method,
      body: method === "GET" || method === "DELETE" ? undefined : JSON.stringify(body ?? {}),
      headers: method === "GET" ? {} : { "content-type": "application/json" },
      cache: "no-store",
      signal: options.signal,
      keepalive: options.keepalive ?? false,
    });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw notReached();
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

/**
 * One request, its JSON answer (undefined when there is none).
 * @param {string} method @param {string} path @param {unknown} [body] @param {{ signal?: AbortSignal, keepalive?: boolean }} [options]
 * @returns {Promise<any>}
 */
export async function call(method, path, body, options = {}) {
  const response = await send(method, path, body, options);
  if (response.headers.get("content-type")?.startsWith("text/event-stream")) {
    await response.body?.cancel();
    return undefined;
  }
  const text = await response.text();
  return text ? JSON.parse(text) : undefined;
}

/**
 * Sends a file as it is; its JSON answer.
 * @param {string} path @param {Blob} file @param {string} type
 * @returns {Promise<any>}
 */
export async function upload(path, file, type) {
  const response = await fetch(path, { method: "POST", body: file, headers: { "content-type": type }, cache: "no-store" }).catch(() => {
    throw notReached();
  });
  if (!response.ok) throw await refusal(response);
  return response.json();
}

/** @param {string} path @param {AbortSignal} [signal] */
export const get = (path, signal) => call("GET", path, undefined, { signal });

/**
 * A request whose answer is a stream of events. Resolves when the server has accepted; then the events come.
 * @param {string} method @param {string} path @param {unknown} body @param {AbortSignal} signal
 */
export async function open(method, path, body, signal) {
  const response = await send(method, path, body, { signal });
  return events(response, signal);
}

/**
 * Server-sent events out of a response, read with fetch so that a POST can carry them.
 * @param {Response} response @param {AbortSignal} signal
 * @returns {AsyncGenerator<{ event: string, data: any }>}
 */
async function* events(response, signal) {
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      rest += value.replaceAll("\r", "");
      let end;
      while ((end = rest.indexOf("\n\n")) >= 0) {
        const event = parse(rest.slice(0, end));
        rest = rest.slice(end + 2);
        if (event) yield event;
      }
    }
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw notReached();
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** @param {string} block */
function parse(block) {
  let event = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) event = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
  return data.length === 0 ? null : { event, data: JSON.parse(data.join("\n")) };
}

/**
 * A file that is asked for with a body, given to the person as a download.
 * @param {string} path @param {unknown} body
 */
export async function receive(path, body) {
  const response = await send("POST", path, body, {});
  const name = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "")?.[1] ?? "offrecord.txt";
  const address = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
