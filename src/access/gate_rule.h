// Who may pass a gated location: `rule.NAME` of the configuration.
//
//   rule.gold  = any(tag:12, tag:Gold) and not tag:Banned
//   rule.own   = tag:"Gold Member" or all(tag:3, tag:4)
//   rule.strict = member and not via:link
//
//   rule  := and-terms joined by "or";  and-terms := terms joined by "and"
//   term  := "not" term | "(" rule ")" | "any(" atoms ")" | "all(" atoms ")" | atom
//   atom  := "tag:" id or name | "via:password" | "via:link" | "member"
//
// A name with blanks, commas, parentheses or quotes is written in double quotes; `\` before a quote
// or a backslash takes it literally. Digits alone are an id, in quotes a name. "not" binds closest,
// then "and".
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/ids.h"

namespace mbr::access {

// Who asks to pass.
struct Visitor {
  std::vector<TagId> tags;      // ascending; those that count at the gate
  std::vector<TagId> doubtful;  // ascending; neither there nor not there
  std::string via;              // how the session began: "password", "link"
};

// Immutable.
class GateRule {
 public:
  // Errors: kInvalid; the detail says what is wrong and where.
  static Result<GateRule> parse(std::string_view text);

  // The id of a tag's name; nothing if there is no such tag, or the names are not known yet.
  using TagIdOf = std::function<std::optional<TagId>(std::string_view name)>;

  // Fails closed: a name that nobody knows, like a doubtful tag, is neither there nor not there,
  // and a rule whose outcome depends on it admits nobody.
  bool admits(const Visitor& visitor, const TagIdOf& tagIdOf) const;

  struct Node;  // of the parsed rule; private to the source

 private:
  explicit GateRule(std::shared_ptr<const Node> root) : root_(std::move(root)) {}

  std::shared_ptr<const Node> root_;  // shared by copies; immutable
};

}  // namespace mbr::access
