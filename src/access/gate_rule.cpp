#include "access/gate_rule.h"

#include <algorithm>
#include <utility>

namespace mbr::access {

struct GateRule::Node {
  enum class Kind { kAnd, kOr, kNot, kTag, kVia, kMember };
  Kind kind = Kind::kMember;
  std::string text;         // tag's name, or how the session began
  std::optional<TagId> id;  // of a tag that is named by it
  std::vector<Node> parts{};
};

namespace {

using Node = GateRule::Node;
using Kind = Node::Kind;

constexpr int kMaxDepth = 32;

// Recursive descent over the text; the first thing that is wrong is kept.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Node> parse() {
    Node rule = orTerms(0);
    skipBlanks();
    if (error_.empty() && at_ < text_.size()) fail("expected \"and\", \"or\" or the end");
    if (!error_.empty()) return Error{Code::kInvalid, error_};
    return rule;
  }

 private:
  Node orTerms(int depth) { return joined(Kind::kOr, "or", depth); }

  Node joined(Kind kind, std::string_view word, int depth) {
    Node node{kind, {}, {}, {}};
    do {
      node.parts.push_back(kind == Kind::kOr ? joined(Kind::kAnd, "and", depth) : term(depth));
    } while (error_.empty() && takeWord(word));
    if (node.parts.size() > 1) return node;
    Node only = std::move(node.parts.front());
    return only;
  }

  Node term(int depth) {
    if (depth > kMaxDepth) return fail("nested too deeply");
    if (takeWord("not")) {
      Node node{Kind::kNot, {}, {}, {}};
      node.parts.push_back(term(depth + 1));
      return node;
    }
    if (take('(')) {
      Node inner = orTerms(depth + 1);
      if (error_.empty() && !take(')')) fail("expected \")\"");
      return inner;
    }
    if (takeWord("any")) return list(Kind::kOr);
    if (takeWord("all")) return list(Kind::kAnd);
    return atom();
  }

  Node list(Kind kind) {
    Node node{kind, {}, {}, {}};
    if (!take('(')) return fail("expected \"(\"");
    do {
      node.parts.push_back(atom());
    } while (error_.empty() && take(','));
    if (error_.empty() && !take(')')) fail("expected \",\" or \")\"");
    return node;
  }

  Node atom() {
    if (takeWord("member")) return {Kind::kMember, {}, {}, {}};
    if (takePrefix("tag:")) {
      bool quoted = false;
      std::string name = value(quoted);
      if (name.empty()) return fail("expected a tag's id or name after \"tag:\"");
      const auto id = quoted ? std::nullopt : parseId(name);
      if (!quoted && !id && name.find_first_not_of("0123456789") == std::string::npos) {
        return fail("expected a tag's id, a positive number without leading zeros, or its name");
      }
      return {Kind::kTag, std::move(name), id, {}};
    }
    if (takePrefix("via:")) {
      bool quoted = false;
      std::string via = value(quoted);
      if (via != "password" && via != "link") {
        return fail("expected \"password\" or \"link\" after \"via:\"");
      }
      return {Kind::kVia, std::move(via), {}, {}};
    }
    return fail("expected tag:, via:, member, any(, all(, not or \"(\"");
  }

  std::string value(bool& quoted) {
    std::string out;
    quoted = at_ < text_.size() && text_[at_] == '"';
    if (!quoted) {
      const auto end = std::min(text_.find_first_of(" \t,()\"", at_), text_.size());
      out = text_.substr(at_, end - at_);
      at_ = end;
      return out;
    }
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
      if (text_[at_] == '\\' && (next == '"' || next == '\\')) ++at_;
      out.push_back(text_[at_]);
    }
    if (at_ == text_.size()) {
      fail("a quote is not closed");
      return out;
    }
    ++at_;
    return out;
  }

  void skipBlanks() { at_ = std::min(text_.find_first_not_of(" \t", at_), text_.size()); }

  bool take(char c) {
    skipBlanks();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool takePrefix(std::string_view prefix) {
    skipBlanks();
    if (text_.substr(at_, prefix.size()) != prefix) return false;
    at_ += prefix.size();
    return true;
  }

  // A whole word: "android" is not "and".
  bool takeWord(std::string_view word) {
    skipBlanks();
    if (text_.substr(at_, word.size()) != word) return false;
    const std::size_t end = at_ + word.size();
    if (end < text_.size() && text_.find_first_of(" \t,()", end) != end) return false;
    at_ = end;
    return true;
  }

  Node fail(const std::string& what) {
    if (error_.empty()) error_ = what + " at character " + std::to_string(at_ + 1);
    return {};
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  std::string error_;
};

bool holds(const std::vector<TagId>& tags, TagId tag) {
  return std::binary_search(tags.begin(), tags.end(), tag);
}

// Nothing: it cannot be told.
using Truth = std::optional<bool>;

Truth evaluate(const Node& node, const Visitor& visitor, const GateRule::TagIdOf& tagIdOf);

// "or" with `decisive` true, "and" with false.
Truth fold(const Node& node, bool decisive, const Visitor& visitor,
           const GateRule::TagIdOf& tagIdOf) {
  Truth all = !decisive;
  for (const Node& part : node.parts) {
    const Truth one = evaluate(part, visitor, tagIdOf);
    if (one == decisive) return decisive;
    if (!one) all = std::nullopt;
  }
  return all;
}

Truth evaluate(const Node& node, const Visitor& visitor, const GateRule::TagIdOf& tagIdOf) {
  switch (node.kind) {
    case Kind::kMember:
      return true;
    case Kind::kVia:
      return visitor.via == node.text;
    case Kind::kTag: {
      const auto id = node.id ? node.id : tagIdOf(node.text);
      if (!id || holds(visitor.doubtful, *id)) return std::nullopt;
      return holds(visitor.tags, *id);
    }
    case Kind::kNot: {
      const Truth inner = evaluate(node.parts.front(), visitor, tagIdOf);
      return inner ? Truth(!*inner) : std::nullopt;
    }
    case Kind::kAnd:
      return fold(node, false, visitor, tagIdOf);
    case Kind::kOr:
      return fold(node, true, visitor, tagIdOf);
  }
  return std::nullopt;
}

}  // namespace

Result<GateRule> GateRule::parse(std::string_view text) {
  auto root = Parser(text).parse();
  if (!root) return root.error();
  return GateRule(std::make_shared<const Node>(std::move(*root)));
}

bool GateRule::admits(const Visitor& visitor, const TagIdOf& tagIdOf) const {
  return evaluate(*root_, visitor, tagIdOf).value_or(false);
}

}  // namespace mbr::access
