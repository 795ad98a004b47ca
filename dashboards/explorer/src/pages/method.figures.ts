// Figures of the documentation that pages repeat.

/** Rows of docs/method/scoring.md; test/unit/method.test.ts compares them with the document. */
export const SIMULATED: [string, string, string, string, string][] = [
  ["0 %", "0 %", "0", "0", "100 %"],
  ["0 %", "20 %", "0", "0", "100 %"],
  ["20 %", "20 %", "0", "0", "100 %"],
  ["40 %", "0 %", "0", "12", "100 %"],
  ["40 %", "20 %", "0", "20", "100 %"],
];
