import { expect, test } from "vitest";
import { cut, pieces } from "../../src/format/hostile";

const shown = (text: string) =>
  pieces(text)
    .map((piece) => piece.text)
    .join("|");
const kinds = (text: string) => pieces(text).map((piece) => piece.kind);

test("harmless text is one piece, in any script", () => {
  for (const text of ["1 x GeForce RTX 3090", "ядро графическое", "日本語", "ΑΒΓ μόνο", "<b>&amp;</b>"]) {
    expect(pieces(text)).toEqual([{ kind: "text", text }]);
  }
  expect(pieces("")).toEqual([]);
});

test("characters that show as nothing or turn the direction are named", () => {
  expect(pieces("a\u202eb")).toEqual([
    { kind: "text", text: "a" },
    { kind: "hidden", text: "U+202E", name: "right-to-left override" },
    { kind: "text", text: "b" },
  ]);
  expect(shown("x\u0000\u001b[31m\u007f")).toBe("x|NUL|ESC|[31m|DEL");
  for (const hidden of ["\u200b", "\u200f", "\u2066", "\ufeff", "\u00ad", "\u0085", "\u{e0041}", "\ud800", "\u2028"]) {
    expect(kinds(`a${hidden}`)).toEqual(["text", "hidden"]);
  }
});

test("letters that look like Latin ones are marked among Latin ones only", () => {
  expect(pieces("GеForce").map((piece) => piece.kind)).toEqual(["text", "lookalike", "text"]);
  expect(pieces("ＲTX")[0]).toMatchObject({ kind: "lookalike", name: expect.stringContaining("full-width") });
  expect(kinds("сервер")).toEqual(["text"]);
});

test("heaps of combining marks do not cover other lines", () => {
  const marks = "\u0301".repeat(50);
  expect(kinds(`e${marks}`).filter((kind) => kind === "hidden")).toHaveLength(48);
  expect(kinds("é\u0323")).toEqual(["text"]);
});

test("a long text is cut between characters, and says how long it is", () => {
  expect(cut("abc", 3)).toEqual({ text: "abc", all: 3, isCut: false });
  expect(cut("😀😀😀", 2)).toEqual({ text: "😀😀", all: 3, isCut: true });
});
