// In the browser's audio thread: hands the microphone's samples to the page as they come, a twentieth of a second at a time.

const size = 2048;

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Float32Array(size);
    this.filled = 0;
  }

  /** @param {Float32Array[][]} inputs */
  process([channels]) {
    // One channel is enough; a microphone with two says the same twice.
    const samples = channels?.[0];
    if (!samples) return true;
    for (let at = 0; at < samples.length; ) {
      const part = Math.min(samples.length - at, size - this.filled);
      this.block.set(samples.subarray(at, at + part), this.filled);
      this.filled += part;
      at += part;
      if (this.filled === size) {
        this.port.postMessage(this.block, [this.block.buffer]);
        this.block = new Float32Array(size);
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("capture", Capture);
