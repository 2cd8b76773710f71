// Reads a PHP file as PHP 7.4 would: newer syntax and newer functions are refused.
// usage: node php74.mjs PHP-PARSER FILE
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const { Engine } = createRequire(import.meta.url)(process.argv[2]);
const file = process.argv[3];
const NEWER = new Set(`str_contains str_starts_with str_ends_with get_debug_type get_resource_id fdiv
  preg_last_error_msg array_is_list array_find array_find_key array_any array_all array_first array_last
  fsync fdatasync enum_exists json_validate mb_str_pad mb_trim mb_ucfirst mb_lcfirst
  ini_parse_quantity`.split(/\s+/));

const found = [];
function walk(node) {
  if (Array.isArray(node)) node.forEach(walk);
  if (!node || typeof node !== "object" || Array.isArray(node)) return;
  const line = node.loc ? node.loc.start.line : "?";
  if (node.kind === "call" && node.what.kind === "name" && NEWER.has(node.what.name.toLowerCase())) {
    found.push(`${file}:${line}: ${node.what.name}() came after 7.4`);
  }
  // The parser takes these for any version.
  if (["uniontype", "intersectiontype"].includes(node.kind) || node.readonly === true
      || (node.kind === "parameter" && node.flags > 0)
      || (node.kind === "name" && ["mixed", "never"].includes(node.name))) {
    found.push(`${file}:${line}: ${node.kind} came after 7.4`);
  }
  for (const [key, value] of Object.entries(node)) if (key !== "loc") walk(value);
}

try {
  walk(new Engine({ parser: { version: "7.4" }, ast: { withPositions: true } })
    .parseCode(readFileSync(file, "utf8"), file));
} catch (error) {
  found.push(`${file}: ${error.message}`);
}
for (const text of found) console.error(text);
process.exit(found.length ? 1 : 0);
