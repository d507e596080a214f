// The words of the pages are complete: same keys and placeholders in both languages, every key used exists.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

const scripts = fileURLToPath(new URL("../../src/web/scripts/", import.meta.url));

/** What is wrong, as a list of sentences. */
export async function wrongWords() {
  // The sources are modules without a package.json beside them: read as data.
  const files = readdirSync(scripts);
  const wordFiles = files.filter((name) => /(^|-)words\.js$/.test(name));
  const wrong = [];
  const words = {};
  for (const name of wordFiles) {
    const source = readFileSync(scripts + name, "utf8");
    const found = await import(`data:text/javascript,${encodeURIComponent(source)}`);
    for (const [language, texts] of Object.entries(found.words)) {
      for (const key of Object.keys(texts)) if (key in (words[language] ?? {})) wrong.push(`${key} stands in two files`);
      words[language] = { ...words[language], ...texts };
    }
  }
  const [first, ...others] = Object.keys(words);
  const keys = new Set(Object.keys(words[first]));
  const holes = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort().join();
  for (const language of others) {
    for (const key of new Set([...keys, ...Object.keys(words[language])])) {
      const [one, other] = [words[first][key], words[language][key]];
      if (one === undefined || other === undefined) wrong.push(`${key} is missing in ${one === undefined ? first : language}`);
      else if (holes(one) !== holes(other)) wrong.push(`${key} has other placeholders in ${language}`);
    }
  }
  const used = new Set();
  const prefixes = new Set();
  for (const file of files.filter((name) => !wordFiles.includes(name))) {
    const text = readFileSync(scripts + file, "utf8");
    for (const [, key] of text.matchAll(/"([a-z]+(?:-[a-z]+)?\.[a-z-]+)"/g)) if (!key.endsWith(".js")) used.add(key);
    for (const [, key] of text.matchAll(/\bt\("([^"]+)"/g)) used.add(key);
    for (const [, prefix] of text.matchAll(/`([a-z]+\.[a-z-]*)\$\{/g)) prefixes.add(prefix);
    // A machine's word, worded where it is known: worded("fence", reason).
    for (const [, family] of text.matchAll(/\bworded\("([a-z]+)"/g)) prefixes.add(`${family}.`);
  }
  // A person must never read a bare problem type; these are defects of the page itself.
  const defects = ["malformed", "bad-request", "idempotency-key-missing", "internal", "invalid-catalog", "upgrade-required", "method-not-allowed", "not-acceptable", "request-timeout", "too-large", "unsupported-media-type"];
  const document = readFileSync(fileURLToPath(new URL("../../docs/problems.md", import.meta.url)), "utf8");
  for (const [, kind] of document.matchAll(/`\/problems\/([a-z-]+)`/g)) {
    if (!defects.includes(kind)) used.add(`problem.${kind}`);
  }
  const storage = (key) => key.startsWith("qucan.");
  for (const key of used) if (!keys.has(key) && !storage(key)) wrong.push(`${key} is used but has no words`);
  for (const key of keys) {
    if (!used.has(key) && ![...prefixes].some((prefix) => key.startsWith(prefix))) wrong.push(`${key} is never used`);
  }
  return wrong;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const wrong = await wrongWords();
  for (const line of wrong) console.error(line);
  process.exitCode = wrong.length > 0 ? 1 : 0;
}
