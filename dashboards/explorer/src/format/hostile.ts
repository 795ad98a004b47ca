// Text that a node, a provider or an organisation chose. The browser escapes HTML by itself; what is left are characters
// that show as nothing, turn the reading direction, or look like others. Each becomes a piece that can be seen.

export type Piece =
  | { kind: "text"; text: string }
  /** A character that shows as nothing or moves others: `text` is what stands for it, `name` what it is. */
  | { kind: "hidden"; text: string; name: string }
  /** A letter of another script that looks like a Latin one. */
  | { kind: "lookalike"; text: string; name: string };

const NAMES: Record<number, string> = {
  173: "soft hyphen",
  1564: "Arabic letter mark",
  6158: "Mongolian vowel separator",
  8203: "zero-width space",
  8204: "zero-width non-joiner",
  8205: "zero-width joiner",
  8206: "left-to-right mark",
  8207: "right-to-left mark",
  8232: "line separator",
  8233: "paragraph separator",
  8234: "left-to-right embedding",
  8235: "right-to-left embedding",
  8236: "end of direction",
  8237: "left-to-right override",
  8238: "right-to-left override",
  8288: "word joiner",
  8294: "left-to-right isolate",
  8295: "right-to-left isolate",
  8296: "first-strong isolate",
  8297: "end of isolate",
  65279: "byte-order mark",
};

// By their names: few fonts have pictures of them.
const CONTROLS =
  "NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US".split(
    " ",
  );

// Cyrillic, Greek and Armenian letters that common fonts draw like Latin ones (Unicode TR 39, the single letters).
const CYRILLIC = "аАВсСеЕНіІјЈкКМоОрРѕЅТхХуУԁԛԜѡ";
const GREEK = "αΑΒΕΖΗΙΚΜΝοΟΡΤυΥΧνγ";
const ARMENIAN = "օՕսհո";

function scriptOf(character: string): string | undefined {
  if (CYRILLIC.includes(character)) return "Cyrillic";
  if (GREEK.includes(character)) return "Greek";
  if (ARMENIAN.includes(character)) return "Armenian";
  const code = character.codePointAt(0) ?? 0;
  if (code >= 0xff01 && code <= 0xff5e) return "full-width";
  if (code >= 0x1d400 && code <= 0x1d7ff) return "mathematical";
  return undefined;
}

function hidden(code: number): { text: string; name: string } | undefined {
  const control = code === 127 ? "DEL" : CONTROLS[code];
  if (control) return { text: control, name: `control character ${code}` };
  const name = NAMES[code];
  const digits = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  if (name) return { text: digits, name };
  if (code >= 128 && code < 160) return { text: digits, name: "control character" };
  if (code >= 0xd800 && code <= 0xdfff) return { text: digits, name: "half of a character" };
  // Tags and variation selectors can carry a second, invisible text; combining marks in heaps cover other lines.
  if ((code >= 0xe0000 && code <= 0xe0fff) || (code >= 0xfe00 && code <= 0xfe0f))
    return { text: digits, name: "invisible character" };
  return undefined;
}

const LATIN = /[a-z]/i;
const MARK = /\p{M}/u;
/** Marks over one letter beyond this are shown by their number: they would reach into the lines above. */
const MARKS_MAX = 2;

/** Cuts a text into what can be shown as it is and what has to be pointed at. */
export function pieces(text: string): Piece[] {
  const latin = LATIN.test(text);
  const found: Piece[] = [];
  let run = "";
  let marks = 0;
  const flush = () => {
    if (run) found.push({ kind: "text", text: run });
    run = "";
  };
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    marks = MARK.test(character) ? marks + 1 : 0;
    const heap =
      marks > MARKS_MAX ? { text: `U+${code.toString(16).toUpperCase()}`, name: "combining mark" } : undefined;
    const unseen = hidden(code) ?? heap;
    const script = latin ? scriptOf(character) : undefined;
    if (unseen) {
      flush();
      found.push({ kind: "hidden", ...unseen });
    } else if (script) {
      flush();
      found.push({ kind: "lookalike", text: character, name: `${script} letter that looks like a Latin one` });
    } else {
      run += character;
    }
  }
  flush();
  return found;
}

/** The first characters of a text, never half of one, and how many there are in all. */
export function cut(text: string, most: number): { text: string; all: number; isCut: boolean } {
  const characters = Array.from(text);
  if (characters.length <= most) return { text, all: characters.length, isCut: false };
  return { text: characters.slice(0, most).join(""), all: characters.length, isCut: true };
}
