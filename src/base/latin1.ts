/** Bytes as text, one character per byte (ISO 8859-1): any bytes survive, and JSON can carry them. */
const CHUNK = 8192;

export function textOfBytes(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(start, start + CHUNK));
  }
  return text;
}

/** Characters beyond U+00FF lose their upper byte: text that came from bytes has none. */
export function bytesOfText(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}
