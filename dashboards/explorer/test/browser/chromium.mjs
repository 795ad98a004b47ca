// The system's Chromium, headless; tests and screenshots share it.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const PLACES = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** The browser's path, or none where there is no browser. */
export function browserPath() {
  return PLACES.find((place) => place && existsSync(place));
}

export function launch() {
  const executablePath = browserPath();
  if (!executablePath)
    throw new Error(
      `no Chromium was found at ${PLACES.filter(Boolean).join(", ")}: install it, or name it in CHROMIUM`,
    );
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
}
